"""What a map shows: VPCs, their subnets and ports, and what joins them. Pure: from the controller's engine, no I/O.

Everything is in a stable order (names, addresses), so that two maps of one fabric can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from weft.api.ip import IP
from weft.api.subnet import Subnet
from weft.api.vpc import PolicyRoute, StaticRoute, Vpc
from weft.topology.engine import Engine
from weft.topology.view import DEFAULT_VPC, View, owner_of


@dataclass(frozen=True, slots=True)
class Port:
    """One address in use: of a pod, a host, a virtual address, or a reservation that nobody uses yet."""

    owner: str
    """Reference, as `Pod/ns1/web`."""
    addresses: tuple[str, ...]
    mac: str = ""
    host: str = ""

    @property
    def kind(self) -> str:
        return self.owner.partition("/")[0]

    @property
    def label(self) -> str:
        return self.owner.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Usage:
    """How full a subnet is, in one family of addresses."""

    family: int
    used: int
    available: int

    @property
    def share(self) -> float:
        return self.used / total if (total := self.used + self.available) else 1.0


@dataclass(frozen=True, slots=True)
class SubnetMap:
    """A subnet. Of `ports` perhaps only the first ones: `hidden_ports` more are not shown."""

    name: str
    cidrs: tuple[str, ...]
    gateways: tuple[str, ...]
    namespaces: tuple[str, ...]
    traits: tuple[str, ...]
    usage: tuple[Usage, ...]
    ports: tuple[Port, ...]
    hidden_ports: int = 0


@dataclass(frozen=True, slots=True)
class Gateway:
    """A way out of a VPC: a NAT or egress gateway, or the router's own port outside."""

    kind: str
    name: str
    subnet: str
    """Where it is inside."""
    outside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VpcMap:
    """A VPC and its router. `hidden_subnets` more subnets are not shown."""

    name: str
    default: bool
    namespaces: tuple[str, ...]
    routes: tuple[str, ...]
    policies: tuple[str, ...]
    gateways: tuple[Gateway, ...]
    subnets: tuple[SubnetMap, ...]
    hidden_subnets: int = 0


@dataclass(frozen=True, slots=True)
class End:
    """One side of a peering; `address` is empty where that VPC says nothing of it."""

    vpc: str
    address: str


@dataclass(frozen=True, slots=True)
class Peering:
    """A link between two routers; it works when both sides ask for it."""

    ends: tuple[End, End]

    @property
    def complete(self) -> bool:
        return all(end.address for end in self.ends)


@dataclass(frozen=True, slots=True)
class Map:
    """The whole picture."""

    vpcs: tuple[VpcMap, ...]
    peerings: tuple[Peering, ...]
    elsewhere: tuple[SubnetMap, ...]
    """Subnets of which only the addresses are ours: their frames go another way than OVN's."""
    waiting: dict[str, str]
    """Who has no address, and why."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What of the fabric is wanted. None for `most` is all of it."""

    vpc: str = ""
    namespace: str = ""
    ports: bool = True
    most: int | None = None


def make_map(engine: Engine, choice: Choice) -> Map:
    """Draw what the engine knows."""
    view = engine.view
    maps = [_vpc(engine, vpc, choice) for vpc in sorted(view.vpcs.values(), key=_default_first)]
    vpcs = tuple(item for item in maps if _wanted(item, choice))
    shown = {vpc.name for vpc in vpcs}
    other = [subnet for subnet in view.subnets.values() if not subnet.is_overlay]
    elsewhere, _ = ((), 0) if choice.vpc else _subnets(engine, other, choice)
    return Map(
        vpcs,
        tuple(peering for peering in _peerings(view) if shown & {end.vpc for end in peering.ends}),
        elsewhere,
        {owner: str(error) for owner, error in sorted(engine.unallocated.items()) if _named(owner, choice)},
    )


def _default_first(vpc: Vpc) -> tuple[bool, str]:
    return vpc.name != DEFAULT_VPC, vpc.name


def _wanted(vpc: VpcMap, choice: Choice) -> bool:
    if choice.vpc:
        return vpc.name == choice.vpc
    return not choice.namespace or bool(vpc.subnets) or choice.namespace in vpc.namespaces


def _named(owner: str, choice: Choice) -> bool:
    return not choice.namespace or owner.split("/")[1] == choice.namespace


def _vpc(engine: Engine, vpc: Vpc, choice: Choice) -> VpcMap:
    view = engine.view
    names = view.subnets_of_vpc.get(vpc.name, ())
    subnets, hidden = _subnets(engine, (view.subnets[name] for name in names), choice)
    return VpcMap(
        vpc.name,
        vpc.name == DEFAULT_VPC,
        tuple(sorted(vpc.spec.namespaces)),
        tuple(map(_route, vpc.spec.static_routes)),
        tuple(map(_policy, sorted(vpc.spec.policy_routes, key=lambda policy: -policy.priority))),
        tuple(_gateways(view, vpc)),
        subnets,
        hidden,
    )


def _route(route: StaticRoute) -> str:
    source = "from " if route.policy == "policySrc" else ""
    table = f" (table {route.route_table})" if route.route_table else ""
    return f"{source}{route.cidr} via {route.next_hop_ip}{table}"


def _policy(policy: PolicyRoute) -> str:
    hop = f" to {policy.next_hop_ip}" if policy.next_hop_ip else ""
    return f"{policy.priority}: {policy.match} {policy.action}{hop}"


def _gateways(view: View, vpc: Vpc) -> Iterator[Gateway]:
    spec = vpc.spec
    if spec.enable_external or spec.extra_external_subnets:
        default = ("external",) if spec.enable_external else ()
        yield Gateway("Router", vpc.name, "", (*default, *spec.extra_external_subnets))
    for _, gateway in sorted(view.groups["VpcNatGateway"].items()):
        if gateway.spec.vpc == vpc.name:
            yield Gateway("VpcNatGateway", gateway.name, gateway.spec.subnet, gateway.spec.external_subnets)
    for _, gateway in sorted(view.groups["VpcEgressGateway"].items()):
        if (gateway.spec.vpc or DEFAULT_VPC) == vpc.name:
            inside = gateway.spec.internal_subnet
            yield Gateway("VpcEgressGateway", gateway.ref.partition("/")[2], inside, (gateway.spec.external_subnet,))


def _peerings(view: View) -> Iterator[Peering]:
    """Each pair once, whichever side asks for it."""
    asked = {
        (vpc.name, peering.remote_vpc): peering.local_connect_ip
        for vpc in view.vpcs.values()
        for peering in vpc.spec.vpc_peerings
    }
    for one, other in sorted({(min(pair), max(pair)) for pair in asked}):
        ends = End(one, asked.get((one, other), "")), End(other, asked.get((other, one), ""))
        yield Peering(ends)


# -- subnets and ports ------------------------------------------------------------------------------------------------


def _subnets(engine: Engine, subnets: Iterable[Subnet], choice: Choice) -> tuple[tuple[SubnetMap, ...], int]:
    """Those that are wanted, and how many more there are."""
    wanted = sorted((subnet for subnet in subnets if _concerns(engine.view, subnet, choice)), key=lambda s: s.name)
    most = len(wanted) if choice.most is None else choice.most
    return tuple(_subnet(engine, subnet, choice) for subnet in wanted[:most]), max(len(wanted) - most, 0)


def _concerns(view: View, subnet: Subnet, choice: Choice) -> bool:
    namespace = choice.namespace
    if not namespace or subnet.name in view.subnets_in(namespace):
        return True
    return any(view.ips[name].spec.namespace == namespace for name in view.ips_of_subnet.get(subnet.name, ()))


def _subnet(engine: Engine, subnet: Subnet, choice: Choice) -> SubnetMap:
    ips = _ips(engine.view, subnet, choice)
    most = (len(ips) if choice.most is None else choice.most) if choice.ports else 0
    pools = engine.addressing.pools(subnet.name).values()
    return SubnetMap(
        subnet.name,
        tuple(map(str, subnet.networks)),
        tuple(map(str, subnet.gateways.values())),
        tuple(sorted(subnet.spec.namespaces)),
        tuple(_traits(subnet)),
        tuple(Usage(pool.family, pool.used, pool.available) for pool in pools),
        tuple(map(_port, ips[:most])),
        max(len(ips) - most, 0),
    )


def _ips(view: View, subnet: Subnet, choice: Choice) -> list[IP]:
    ips = [view.ips[name] for name in view.ips_of_subnet.get(subnet.name, ())]
    if choice.namespace:
        ips = [ip for ip in ips if ip.spec.namespace == choice.namespace]
    return sorted(ips, key=lambda ip: (list(map(int, ip.addresses)), ip.name))


def _port(ip: IP) -> Port:
    owner = owner_of(ip) if ip.spec.pod_name or ip.spec.node_name else ip.ref
    return Port(owner, tuple(map(str, ip.addresses)), ip.spec.mac_address, ip.spec.node_name)


def _traits(subnet: Subnet) -> Iterator[str]:
    spec = subnet.spec
    if not subnet.is_overlay:
        yield spec.provider
    for name, holds in (("default", spec.default), ("private", spec.private), ("DHCP", spec.enable_dhcp)):
        if holds:
            yield name
    if spec.acls:
        yield f"{len(spec.acls)} ACL" + "s" * (len(spec.acls) > 1)
    if spec.vlan:
        yield f"VLAN {spec.vlan}"
    if spec.route_table:
        yield f"table {spec.route_table}"
