"""What the host of a pod is told of its rates, delays and mirrors: of each network by itself."""

from __future__ import annotations

from weft.api.core import Pod
from weft.api.shaping import SHAPING, parse_collector
from weft.topology.network import Network

LOCAL = "local"
"""The mirror whose packets the host's own device shows."""


def shaping(pod: Pod, network: Network) -> dict[str, str]:
    """Numbers by name, without those that ask for nothing."""
    asked = {name: network.annotation(pod, name) for name in SHAPING}
    return {name: f"{value:.12g}" for name, text in asked.items() if text and (value := SHAPING[name](text))}


def mirrors(pod: Pod, network: Network) -> tuple[str, ...]:
    """Where copies of its packets go."""
    own = (LOCAL,) if network.annotation(pod, "mirror") == "true" else ()
    collector = network.annotation(pod, "mirror_collector")
    return (*own, parse_collector(collector)) if collector else own
