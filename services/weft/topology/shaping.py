"""What the host of a pod is told of its rates, delays and mirrors: of each network by itself."""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.core import Pod
from weft.api.shaping import SHAPING, parse_collector
from weft.topology.network import Network
from weft.topology.rows import QOS, VENDOR, Row
from weft.topology.subnet import switch_ref

METER_PRIORITY = 2003
METER_BURST = 256
"""Kilobits that may go at once at least: a few packets of 9,000 bytes."""
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


def meters(pod: Pod, network: Network, subnet: str) -> Iterator[Row]:
    """Rates of interfaces that have no link on the host to queue on: OVN drops what is too much (ovn-nb(5), QoS).

    A veth pair is shaped by its host's agent instead: TCP gets the whole rate there, and less of it from a meter.
    """
    if not network.is_overlay or network.device_type == "veth":
        return
    asked = shaping(pod, network)
    for name, direction, end in (("ingress_rate", "to-lport", "outport"), ("egress_rate", "from-lport", "inport")):
        if name in asked:
            kbits = max(1, round(float(asked[name]) * 1000))
            columns = {
                "priority": METER_PRIORITY,
                "direction": direction,
                "match": f'{end} == "{network.port}"',
                "bandwidth": {"rate": kbits, "burst": max(METER_BURST, kbits // 5)},
                "external_ids": {"vendor": VENDOR, "ls": subnet},
            }
            yield Row(QOS, pod.owner, columns, key=f"{subnet}/{name}/{network.port}", parent=switch_ref(subnet))
