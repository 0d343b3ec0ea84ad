"""Which mirrors the integration bridge shall have. Pure.

One for each place that wants copies: Open vSwitch refuses a second tunnel of the same kind, address and key, so what
several pods send to one collector goes through one tunnel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from weft.agent.config import MirrorSection
from weft.agent.ovs import Interface
from weft.agent.view import Port
from weft.api.shaping import parse_collector

LOCAL: Final = "local"
"""In a port's `mirrors`: the host's own device. Every other word is a collector."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """Copies of what the `ports` of the bridge send and receive, or all of its ports, leave by the port `output`."""

    output: str
    kind: str
    options: Mapping[str, str] = field(default_factory=dict)
    ports: frozenset[str] = frozenset()
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The mirrors, and what cannot be done, by what is concerned."""

    mirrors: tuple[Mirror, ...]
    failed: Mapping[str, str]


def plan(ports: Iterable[Port], recorded: Iterable[Interface], settings: MirrorSection) -> Plan:
    """What pods ask for, as far as they are wired, and what the host is told."""
    wired = {interface.port: interface.name for interface in recorded}
    wanted: dict[str, set[str]] = {}
    failed = {}
    for port in (port for port in ports if port.mirrors):
        if port.device_type == "none":
            failed[port.name] = "no effect: another plugin makes the interface"
        elif port.name in wired:
            for place in port.mirrors:
                wanted.setdefault(place, set()).add(wired[port.name])
    everything = {LOCAL} if settings.all else set()
    everything |= {parse_collector(settings.collector)} if settings.collector else set()
    mirrors = []
    for place in sorted(wanted.keys() | everything):
        try:
            mirrors.append(_mirror(place, settings.interface, wanted.get(place, set()), place in everything))
        except ValueError as error:
            failed[place] = str(error)
    return Plan(tuple(mirrors), failed)


def _mirror(place: str, device: str, ports: set[str], everything: bool) -> Mirror:
    chosen = frozenset() if everything else frozenset(ports)
    if place == LOCAL:
        return Mirror(device, "internal", {}, chosen, everything)
    kind, options = tunnel(place)
    return Mirror(tunnel_name(place), kind, options, chosen, everything)


def tunnel_name(collector: str) -> str:
    """The port's name on the bridge, in the kernel's 15 characters."""
    return "mirror-" + hashlib.sha256(collector.encode()).hexdigest()[:8]


def tunnel(collector: str) -> tuple[str, Mapping[str, str]]:
    """Type and options of the Interface (ovs-vswitchd.conf.db(5)) for `gre:192.0.2.9/100`. Raises ValueError."""
    kind, _, rest = parse_collector(collector).partition(":")
    address, _, key = rest.rpartition("/")
    options = {"remote_ip": address} | ({"key": key} if key != "0" else {})
    if kind == "erspan":
        options |= {"erspan_ver": "1", "erspan_idx": key}
    return kind, options
