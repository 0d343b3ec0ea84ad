"""Tunnels between hosts: what their headers take of a packet, and which of a host's addresses they end on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

from weft.net.addresses import Network, parse_address, split_list

HEADERS: Final[Mapping[tuple[str, int], int]] = {
    ("geneve", 4): 58,
    ("geneve", 6): 78,
    ("vxlan", 4): 50,
    ("vxlan", 6): 70,
}
"""Bytes by which an underlay's packet is longer than the workload's, by protocol and IP version of the underlay.

Ethernet within 14, IPv4 20 or IPv6 40, UDP 8, Geneve 8 with OVN's option of 8 (RFC 8926), VXLAN 8 (RFC 7348).
"""
RESERVED: Final[Mapping[tuple[str, int], int]] = {**HEADERS, ("geneve", 4): 100, ("geneve", 6): 100}
"""What is left free where nobody chose an MTU: for Geneve, whose options grow, as much as Kube-OVN leaves."""

_NOT_UNDERLAY: Final = re.compile(
    r"lo|br-int|ovn0|ovn0-ovs|ovs-system|ovs-netdev|genev_sys_.*|vxlan_sys_.*|docker.*|cni.*|w[0-9a-f]{14}"
)


def largest_mtu(underlay: int, types: Iterable[str], address: str) -> int:
    """The largest MTU of workloads that tunnels from `address` carry, whose link has the MTU `underlay`."""
    return underlay - _most(HEADERS, types, address)


def usual_mtu(underlay: int, types: Iterable[str], address: str) -> int:
    """The MTU that workloads get where nobody chose one."""
    return underlay - _most(RESERVED, types, address)


def _most(table: Mapping[tuple[str, int], int], types: Iterable[str], address: str) -> int:
    """What the longest of the protocols takes; one that is not known counts as Geneve."""
    version = ip_address(address).version
    geneve = table["geneve", version]
    return max((table.get((kind, version), geneve) for kind in types), default=geneve)


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """An address that an interface of the host has."""

    interface: str
    address: str


def is_underlay(interface: str) -> bool:
    """Whether tunnels may end on this interface: on none that the fabric or a container engine makes."""
    return _NOT_UNDERLAY.fullmatch(interface) is None


def parse_interfaces(text: str) -> list[str | Network]:
    """`eth1,bond[0-9]+,192.0.2.0/24`: interfaces in the order in which they are tried. Raises ValueError."""
    return [parse_interface(part) for part in split_list(text)]


def parse_interface(text: str) -> str | Network:
    """The name of an interface, a regular expression for whole names, or a CIDR. Raises ValueError."""
    if "/" in text:
        return ip_network(text, strict=False)
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is neither an interface, nor a regular expression, nor a CIDR: {error}") from None
    return text


def choose(held: Sequence[Held], wanted: Iterable[str | Network], current: str = "") -> Held | None:
    """The address that tunnels end on: of the first wish that something fits, `current` if it fits, else the first."""
    for wish in wanted:
        fitting = [item for item in held if _fits(item, wish)]
        if fitting:
            return next((item for item in fitting if item.address == current), fitting[0])
    return None


def _fits(item: Held, wish: str | Network) -> bool:
    if isinstance(wish, str):
        return re.fullmatch(wish, item.interface) is not None
    return ip_address(item.address) in wish


def parse_node_networks(text: str) -> dict[str, str]:
    """`{"storage": "192.168.100.10"}`: a host's address in each of several networks. Raises ValueError.

    See the Kube-OVN 1.15 manual, section 7.8.2.
    """
    if not text.strip():
        return {}
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise ValueError('is no object like {"storage": "192.168.100.10"}')  # noqa: TRY004 - it is the text that is wrong
    return {name: _address(name, address) for name, address in given.items()}


def _address(network: str, address: object) -> str:
    if not network.strip():
        raise ValueError("a network without a name")
    if not isinstance(address, str):
        raise ValueError(f"{network}: {json.dumps(address)} is no address")  # noqa: TRY004 - as above
    return str(parse_address(address.strip()))
