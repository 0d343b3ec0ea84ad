"""Routes and policies of a VPC's router (Kube-OVN 1.15 manual, section 5.1.4).

Each pair of a destination and a next hop is a row, so several next hops share the traffic (ECMP), whether they stand in
one entry or in several. What a row is follows from what it says: another order of the list changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from weft.api.subnet import Subnet
from weft.api.vpc import PolicyRoute, StaticRoute, Vpc
from weft.net.addresses import Address, Family, Network, parse_address, parse_destination, split_list
from weft.topology.rows import LOGICAL_ROUTER_POLICY, LOGICAL_ROUTER_STATIC_ROUTE, VENDOR, Ref, Row
from weft.topology.view import DEFAULT_VPC, JOIN_SUBNET

SYMMETRIC = "ecmp_symmetric_reply"
"""The `ecmpMode` that OVN has an option for, by the same name."""
NO_OPTIONS: Mapping[str, str] = {}
_POLICY = {"": "dst-ip", "policyDst": "dst-ip", "policySrc": "src-ip"}


def compile_routes(vpc: Vpc, router: Ref) -> Iterator[Row]:
    """One row for each destination and next hop of its family, whatever is given twice."""
    routes = sorted(vpc.spec.static_routes, key=lambda route: route.ecmp_mode == SYMMETRIC)  # of two alike, that one
    rows = {row.key: row for route in routes for row in _static(vpc, route, router)}
    return iter(rows.values())


def pairs(route: StaticRoute) -> Iterator[tuple[str, str]]:
    """(prefix, next hop) of the same family."""
    hops = [parse_address(text) for text in split_list(route.next_hop_ip)]
    for text in split_list(route.cidr):
        prefix = parse_destination(text)
        yield from ((str(prefix), str(hop)) for hop in hops if hop.version == prefix.version)


def destinations(vpc: Vpc) -> Iterator[tuple[str, str, Network]]:
    """(table, policy, prefix) of each of the VPC's own routes."""
    for route in vpc.spec.static_routes:
        yield from ((route.route_table, _POLICY[route.policy], parse_destination(prefix)) for prefix, _ in pairs(route))


def _static(vpc: Vpc, route: StaticRoute, router: Ref) -> Iterator[Row]:
    policy = _POLICY[route.policy]
    options = {SYMMETRIC: "true"} if route.ecmp_mode == SYMMETRIC else {}
    for prefix, hop in pairs(route):
        yield _row(vpc, router, prefix, hop, policy, route.route_table, options)


def _row(
    vpc: Vpc, router: Ref, prefix: str, hop: str, policy: str, table: str, options: Mapping[str, str] = NO_OPTIONS
) -> Row:
    columns = {
        "ip_prefix": prefix,
        "nexthop": hop,
        "policy": (policy,),
        "route_table": table,
        "options": options,
        "external_ids": {"vendor": VENDOR},
    }
    key = f"{table}/{policy}/{prefix}/{hop}"
    return Row(LOGICAL_ROUTER_STATIC_ROUTE, vpc.ref, columns, key=key, parent=router)


@dataclass(frozen=True, slots=True)
class Ways:
    """Where traffic must come by, that somebody sends elsewhere than routes do."""

    hops: Mapping[Family, Address] = field(default_factory=dict)
    """An address of the router, for each family in which somebody does."""
    tables: frozenset[str] = frozenset({""})
    """The route tables of the VPC's subnets."""


def ways(vpc: Vpc, subnets: Sequence[Subnet], *, left_by_pods: bool) -> Ways:
    """Those of a VPC with these subnets: the gateway of the first one in each family.

    From the default VPC traffic leaves by hosts, which are on the subnet `join`: that one's, as Kube-OVN has it.
    """
    wanted: set[Family] = {4, 6} if left_by_pods else {hop.version for hop in _rerouted(vpc)}
    found = [(family, gateway) for subnet in reversed(subnets) for family, gateway in subnet.gateways.items()]
    hops = {family: gateway for family, gateway in found if family in wanted}
    for subnet in subnets:
        if subnet.name == JOIN_SUBNET and vpc.name == DEFAULT_VPC:
            hops |= subnet.gateways
    return Ways(hops, frozenset(subnet.spec.route_table for subnet in subnets))


def implied_routes(vpc: Vpc, router: Ref, left: Ways) -> Iterator[Row]:
    """Default routes for what is left, in each table that has none of its own.

    OVN looks for a route before it asks the policies, and drops what has none. Where policies or pods send traffic
    elsewhere, a default route to the router's own address lets it come that far; what nobody sends elsewhere ends
    there, as it does with the routes by source that Kube-OVN has in their place.
    """
    own = {(route.route_table, prefix) for route in vpc.spec.static_routes for prefix, _ in pairs(route)}
    for family, hop in left.hops.items():
        prefix = "0.0.0.0/0" if family == 4 else "::/0"
        for table in sorted(left.tables):
            if (table, prefix) not in own:
                yield _row(vpc, router, prefix, str(hop), "dst-ip", table)


def next_hops(vpc: Vpc) -> set[Address]:
    """All that the VPC's routes and policies send anything to."""
    routed = {parse_address(hop) for route in vpc.spec.static_routes for hop in split_list(route.next_hop_ip)}
    return routed | _rerouted(vpc)


def _rerouted(vpc: Vpc) -> set[Address]:
    texts = [route.next_hop_ip for route in vpc.spec.policy_routes if route.action == "reroute"]
    return {parse_address(hop) for text in texts for hop in split_list(text)}


def compile_policies(vpc: Vpc, router: Ref) -> Iterator[Row]:
    """One row for each policy; `reroute` shares its traffic among its next hops."""
    return (_policy(vpc, route, router) for route in vpc.spec.policy_routes)


def policy_key(route: PolicyRoute) -> str:
    """What tells policies apart, as ovn-nbctl has it."""
    return f"{route.priority}/{route.match}"


def _policy(vpc: Vpc, route: PolicyRoute, router: Ref) -> Row:
    action = route.action or "allow"
    hops = sorted(str(parse_address(text)) for text in split_list(route.next_hop_ip)) if action == "reroute" else []
    return Row(
        LOGICAL_ROUTER_POLICY,
        vpc.ref,
        {
            "priority": route.priority,
            "match": route.match,
            "action": action,
            "nexthops": tuple(hops),
            "external_ids": {"vendor": VENDOR},
        },
        key=policy_key(route),
        parent=router,
    )
