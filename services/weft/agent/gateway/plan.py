"""What this host does with packets that leave subnets: a value, made of the view's rows and nothing else.

Rows are input of others. Here their texts become addresses and numbers, and what is none is left out and named in
`faults`: nothing behind this module ever sees a row's text, so none can reach nftables' language or a route.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_address, ip_network
from typing import Final

from weft.agent.view import NatRule, Rows, Subnet

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
TABLES: Final = range(1, 1 << 32)
KERNEL_TABLES: Final = frozenset({253, 254, 255})
"""`default`, `main` and `local` of rtnetlink(7)."""
PRIORITIES: Final = range(1, 32766)
"""Between the rule for addresses of this host and that for the table `main`."""


@dataclass(frozen=True, slots=True)
class Match:
    """Packets of one family: `sources` and `destinations` without elements mean any."""

    version: int
    sources: tuple[Network, ...]
    destinations: tuple[Network, ...]
    keep_source: bool


@dataclass(frozen=True, slots=True)
class SubnetNat:
    """A subnet whose packets get the host's address when they leave, where none of `exceptions` says otherwise.

    The first exception that matches decides, as the manual has it. `addresses` are those to use, one a family; without
    one the kernel takes the address of the link by which a packet leaves.
    """

    networks: tuple[Network, ...]
    exceptions: tuple[Match, ...] = ()
    addresses: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Egress:
    """A subnet that leaves by gateways of its own: a rule for each network, a default route for each family."""

    subnet: str
    networks: tuple[Network, ...]
    gateways: tuple[Address, ...]
    table: int
    priority: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it.

    `fabric` is what hosts reach by `ovn0`, and they themselves there; `hosts` are their addresses elsewhere, which
    workloads answer by that host's `ovn0`; `centralized` is what of the fabric leaves by some hosts only. `versions`
    are the families of subnets that hosts reach.
    """

    fabric: tuple[Network, ...] = ()
    versions: frozenset[int] = frozenset()
    hosts: tuple[Network, ...] = ()
    centralized: tuple[Network, ...] = ()
    nat: tuple[SubnetNat, ...] = ()
    egress: tuple[Egress, ...] = ()
    counted: Mapping[Network, str] = field(default_factory=dict)
    """Whose packets each network's are: the subnet's name, which is a row's text and for people only."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with a subnet's rows, by its name."""


class _Faults:
    """Collects what is wrong, by subnet."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}

    def note(self, subnet: str, text: str) -> None:
        self.found.setdefault(subnet, []).append(text)

    def networks(self, subnet: str, field: str, texts: Iterable[str]) -> tuple[Network, ...] | None:
        """The addresses and CIDRs of a field, without those that others of them hold; None when one is none."""
        try:
            return collapse(ip_network(text, strict=False) for text in texts)
        except ValueError as error:
            self.note(subnet, f"{field}: {error}, expected addresses or CIDRs")
            return None

    def addresses(self, subnet: str, field: str, texts: Iterable[str]) -> tuple[Address, ...]:
        try:
            return tuple(sorted({ip_address(text) for text in texts}, key=lambda address: (address.version, address)))
        except ValueError as error:
            self.note(subnet, f"{field}: {error}, expected addresses")
            return ()


def collapse(networks: Iterable[Network]) -> tuple[Network, ...]:
    """In order, IPv4 first, without overlap: sets of the kernel take no overlapping elements."""
    found = list(networks)
    v4 = collapse_addresses(network for network in found if isinstance(network, IPv4Network))
    v6 = collapse_addresses(network for network in found if isinstance(network, IPv6Network))
    return (*v4, *v6)


def of_version(networks: Iterable[Network], version: int) -> tuple[Network, ...]:
    """Those of one family."""
    return tuple(network for network in networks if network.version == version)


def plan(rows: Rows, host: str) -> Plan:
    """What the host of that name does. Nothing, when it has no place on the fabric."""
    if rows.host is None:
        return Plan()
    faults = _Faults()
    subnets = [rows.subnets[name] for name in sorted(rows.subnets) if rows.subnets[name].host_routed]
    cidrs = {subnet.name: faults.networks(subnet.name, "cidrs", subnet.cidrs) or () for subnet in subnets}
    reached = [network for networks in cidrs.values() for network in networks]
    join = faults.networks("ovn0", "addresses", rows.host.addresses) or ()
    rules: dict[str, list[NatRule]] = {}
    for rule in rows.nat_rules:
        rules.setdefault(rule.subnet, []).append(rule)
    return Plan(
        fabric=collapse([*join, *reached]),
        versions=frozenset(network.version for network in reached),
        hosts=faults.networks("hosts", "own_addresses", rows.host_addresses) or (),
        centralized=collapse(network for subnet in subnets if subnet.gateway_hosts for network in cidrs[subnet.name]),
        nat=tuple(_nat(subnets, cidrs, rules, host, faults)),
        egress=tuple(_egress(subnets, cidrs, host, faults)),
        counted={network: name for name, networks in _apart(cidrs).items() for network in networks},
        faults={name: "; ".join(texts) for name, texts in faults.found.items()},
    )


# --- address translation ---


def _nat(
    subnets: Sequence[Subnet],
    cidrs: Mapping[str, tuple[Network, ...]],
    rules: Mapping[str, list[NatRule]],
    host: str,
    faults: _Faults,
) -> Iterator[SubnetNat]:
    """Each subnet that is translated."""
    networks = _apart({subnet.name: cidrs[subnet.name] for subnet in subnets if subnet.nat_outgoing})
    for subnet in subnets:
        if own := networks.get(subnet.name):
            ordered = sorted(rules.get(subnet.name, ()), key=lambda rule: rule.position)
            matches = tuple(match for rule in ordered for match in _matches(rule, faults))
            yield SubnetNat(own, matches, _addresses(subnet, host, faults))


def _apart(cidrs: Mapping[str, tuple[Network, ...]]) -> dict[str, tuple[Network, ...]]:
    """Each subnet's networks without those within another's: a map of the kernel takes no overlapping elements."""
    ordered = sorted(
        (network.version, int(network.network_address), network.prefixlen, name, network)
        for name, networks in cidrs.items()
        for network in networks
    )
    found: dict[str, list[Network]] = {}
    last = (0, 0)
    for version, first, _, name, network in ordered:
        if (version, first) > last:
            found.setdefault(name, []).append(network)
            last = version, int(network.broadcast_address)
    return {name: tuple(networks) for name, networks in found.items()}


def _addresses(subnet: Subnet, host: str, faults: _Faults) -> tuple[Address, ...]:
    """The addresses that this host shall use for a subnet, at most one a family."""
    texts = subnet.gateway_addresses.get(host, "")
    found = faults.addresses(subnet.name, "gateway_addresses", filter(None, texts.split(",")))
    return tuple({address.version: address for address in reversed(found)}.values())[::-1]


def _overlaps(network: Network, others: Iterable[Network]) -> bool:
    return any(network.version == other.version and network.overlaps(other) for other in others)


def _matches(rule: NatRule, faults: _Faults) -> Iterator[Match]:
    """A rule's matches, one a family. Addresses of one family only leave packets of the other alone."""
    field = f"NAT rule {rule.position}"
    if rule.action not in ("nat", "forward"):
        faults.note(rule.subnet, f"{field}: action {rule.action!r}, expected nat or forward")
        return
    sources = faults.networks(rule.subnet, f"{field}: sources", rule.sources)
    destinations = faults.networks(rule.subnet, f"{field}: destinations", rule.destinations)
    if sources is None or destinations is None:
        return
    for version in (4, 6):
        own = of_version(sources, version), of_version(destinations, version)
        if bool(own[0]) == bool(sources) and bool(own[1]) == bool(destinations):
            yield Match(version, own[0], own[1], keep_source=rule.action == "forward")


# --- routing ---


def _egress(
    subnets: Sequence[Subnet], cidrs: Mapping[str, tuple[Network, ...]], host: str, faults: _Faults
) -> Iterator[Egress]:
    """Subnets with gateways of their own that leave by this host. A routing table belongs to one of them."""
    users: dict[int, str] = {}
    for subnet in subnets:
        if not subnet.egress_gateways or (subnet.gateway_hosts and host not in subnet.gateway_hosts):
            continue
        table, priority = subnet.policy_table, subnet.policy_priority
        if table is None or table not in TABLES or table in KERNEL_TABLES:
            faults.note(subnet.name, f"policy_table: {table}, expected 1 to 4294967295 but not 253, 254 or 255")
        elif priority is None or priority not in PRIORITIES:
            faults.note(subnet.name, f"policy_priority: {priority}, expected 1 to 32765")
        elif (other := users.setdefault(table, subnet.name)) != subnet.name:
            faults.note(subnet.name, f"policy_table: {table} is subnet {other}'s")
        elif gateways := faults.addresses(subnet.name, "egress_gateways", subnet.egress_gateways):
            yield Egress(subnet.name, cidrs[subnet.name], gateways, table, priority)
