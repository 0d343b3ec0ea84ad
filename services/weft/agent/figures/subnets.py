"""What left subnets by this host, and entered them: counted by the packet filter (`gateway/counters.py`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from weft.agent.figures.family import Figure, Sample
from weft.agent.gateway.counters import Counted

_LABELS = ("subnet_name", "cidr", "direction", "protocol")
PACKETS = Figure("ovn_subnet_gateway_packets", "Packets of a subnet that left or entered the fabric here", _LABELS)
BYTES = Figure("ovn_subnet_gateway_packet_bytes", "Bytes of these packets", _LABELS)
FIGURES = (PACKETS, BYTES)


def subnets(counted: Iterable[tuple[str, Counted]]) -> Iterator[Sample]:
    """Of each subnet's name and what was counted."""
    for name, item in counted:
        labels = (name, str(item.network), item.direction, f"IPv{item.network.version}")
        yield Sample(PACKETS, item.packets, labels)
        yield Sample(BYTES, item.octets, labels)
