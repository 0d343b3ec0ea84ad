"""Texts of the API and what they mean: dual-stack lists, exclude ranges, MAC addresses.

Kube-OVN writes both families in one string, `10.16.0.0/16,fd00:10:16::/64` (Kube-OVN 1.15 manual, section 3.7), and
ranges as `10.66.0.101..10.66.0.151` (section 3.1.4).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
    summarize_address_range,
)
from typing import Literal

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Interface = IPv4Interface | IPv6Interface
"""An address with the network that it is in."""
Family = Literal[4, 6]


def split_list(text: str) -> list[str]:
    """The parts of a comma-separated text; an empty text has none."""
    return [part.strip() for part in text.split(",") if part.strip()] if text else []


def parse_networks(text: str) -> list[Network]:
    """`cidrBlock`: one CIDR, or one of each family. Host bits are an error (ValueError), as is a family given twice."""
    networks = [_network(part) for part in split_list(text)]
    _one_each(networks)
    return sorted(networks, key=lambda network: network.version)


def _network(text: str) -> Network:
    network: Network = ip_network(text)
    if not text.partition("/")[2].isdigit():
        raise ValueError(f"{text!r} has no prefix length, as {network.network_address}/24 has")
    return network


def parse_addresses(text: str) -> list[Address]:
    """One address, or one of each family, IPv4 first. ValueError when it is something else."""
    addresses = [parse_address(part) for part in split_list(text)]
    _one_each(addresses)
    return sorted(addresses, key=lambda address: address.version)


def parse_address(text: str) -> Address:
    """One address. ValueError when it is something else."""
    if "%" in text:
        raise ValueError(f"{text!r} has a zone, which means something on one host only")
    return ip_address(text)


def is_address(text: str) -> bool:
    """Whether a text is one address."""
    try:
        parse_address(text)
    except ValueError:
        return False
    return True


def _one_each(values: Iterable[Address | Network | Interface]) -> None:
    versions = [value.version for value in values]
    if len(set(versions)) != len(versions):
        raise ValueError("at most one of each address family is allowed")


def parse_destination(text: str) -> Network:
    """A CIDR, or an address as the CIDR of it alone; host bits mean nothing. ValueError when it is something else."""
    return ip_network(text.strip(), strict=False)


def parse_interfaces(text: str) -> list[Interface]:
    """An address with its prefix length, or one of each family, IPv4 first. ValueError when it is something else."""
    places: list[Interface] = []
    for part in split_list(text):
        if "/" not in part:
            raise ValueError(f"{part!r} has no prefix length, as 169.254.0.1/30 has")
        places.append(ip_interface(part))
    _one_each(places)
    return sorted(places, key=lambda place: place.version)


def parse_gateway_nodes(text: str) -> dict[str, tuple[Address, ...]]:
    """Hosts by name, each as `NAME` or `NAME:ADDRESS`, in the order given. ValueError otherwise."""
    found: dict[str, tuple[Address, ...]] = {}
    for part in split_list(text):
        name, separator, address = map(str.strip, part.partition(":"))
        if not name or (separator and not address):
            raise ValueError(f"{part!r} is no host, as node1 or node1:172.18.0.2 is")
        found[name] = (*found.get(name, ()), *((parse_address(address),) if address else ()))
    for addresses in found.values():
        _one_each(addresses)
    return found


def overlap(ours: Network, theirs: Network) -> bool:
    """Whether two CIDRs, of whatever families, have an address in common."""
    return ours.version == theirs.version and ours.overlaps(theirs)


def parse_range(text: str) -> tuple[Address, Address]:
    """`a` or `a..b`, both ends included. ValueError when the ends are of two families or in the wrong order."""
    low_text, separator, high_text = text.partition("..")
    low = parse_address(low_text.strip())
    high = parse_address(high_text.strip()) if separator else low
    if low.version != high.version:
        raise ValueError(f"{text!r} mixes IPv4 and IPv6")
    if int(low) > int(high):
        raise ValueError(f"{text!r} ends before it begins")
    return low, high


def parse_block(text: str) -> tuple[Address, Address]:
    """`a`, `a..b`, or a CIDR: all of its addresses, host bits mean nothing. ValueError as of `parse_range`."""
    if "/" not in text:
        return parse_range(text)
    network = ip_network(text, strict=False)
    return network[0], network[-1]


def parse_cidrs(text: str) -> list[Network]:
    """The same as the fewest CIDRs."""
    return list(summarize_address_range(*parse_block(text)))


def format_range(low: int, high: int, family: Family) -> str:
    """The text of a range as Kube-OVN's status has it: `a` or `a-b`."""
    kind = IPv4Address if family == 4 else IPv6Address
    return str(kind(low)) if low == high else f"{kind(low)}-{kind(high)}"


def first_host(network: Network) -> Address:
    """The default gateway of a CIDR: its first address that a host may have."""
    return network[1] if network.num_addresses > 2 else network[0]


def host_bounds(network: Network) -> tuple[int, int]:
    """The first and last address that hosts may have.

    IPv4 loses its network and broadcast address except in /31 and /32 (RFC 3021), IPv6 its subnet-router anycast
    address except in /127 and /128 (RFC 6164).
    """
    low, high = int(network.network_address), int(network.broadcast_address)
    if network.num_addresses <= 2:
        return low, high
    return low + 1, high - 1 if network.version == 4 else high


def is_host(address: Address, network: Network) -> bool:
    """Whether an address is inside a network and not one of those that hosts may not have (see host_bounds)."""
    low, high = host_bounds(network)
    return address in network and low <= int(address) <= high


def mac_of_name(name: str, attempt: int = 0) -> str:
    """A MAC address that follows from a name: locally administered, `0a` and five bytes of a digest.

    `attempt` tells those apart that come into question one after the other, where two names have the same digest.
    """
    return _mac(hashlib.sha256(f"{attempt}/{name}".encode()).digest()[:5])


def mac_of(address: Address) -> str:
    """A MAC address that follows from an IP address.

    Locally administered: `0a:58` and the four bytes of an IPv4 address, as OVN-Kubernetes has it; `0a` and five bytes
    of a digest of an IPv6 one (among 10,000 addresses two of the same are expected once in 20,000 fabrics).
    """
    tail = b"\x58" + address.packed if address.version == 4 else hashlib.sha256(address.packed).digest()[:5]
    return _mac(tail)


def link_local(mac: str) -> IPv6Address:
    """The link-local address that follows from a MAC address (RFC 4291, appendix A), as OVN's routers have it."""
    raw = bytes.fromhex(mac.replace(":", ""))
    return IPv6Address(b"\xfe\x80" + bytes(6) + bytes([raw[0] ^ 2]) + raw[1:3] + b"\xff\xfe" + raw[3:])


def _mac(tail: bytes) -> str:
    return ":".join(f"{byte:02x}" for byte in b"\x0a" + tail)
