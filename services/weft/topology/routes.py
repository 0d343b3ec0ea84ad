"""Routes and policies of a VPC's router (Kube-OVN 1.15 manual, section 5.1.4).

Each pair of a destination and a next hop is a row, so several next hops share the traffic (ECMP), whether they stand in
one entry or in several. What a row is follows from what it says: another order of the list changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from weft.api.vpc import PolicyRoute, StaticRoute, Vpc
from weft.net.addresses import Address, Family, parse_address, parse_destination, split_list
from weft.topology.rows import LOGICAL_ROUTER_POLICY, LOGICAL_ROUTER_STATIC_ROUTE, VENDOR, Ref, Row

_POLICY = {"": "dst-ip", "policyDst": "dst-ip", "policySrc": "src-ip"}


def compile_routes(vpc: Vpc, router: Ref) -> Iterator[Row]:
    """One row for each destination and next hop of its family, whatever is given twice."""
    rows = {row.key: row for route in vpc.spec.static_routes for row in _static(vpc, route, router)}
    return iter(rows.values())


def pairs(route: StaticRoute) -> Iterator[tuple[str, str]]:
    """(prefix, next hop) of the same family."""
    hops = [parse_address(text) for text in split_list(route.next_hop_ip)]
    for text in split_list(route.cidr):
        prefix = parse_destination(text)
        yield from ((str(prefix), str(hop)) for hop in hops if hop.version == prefix.version)


def _static(vpc: Vpc, route: StaticRoute, router: Ref) -> Iterator[Row]:
    policy = _POLICY[route.policy]
    for prefix, hop in pairs(route):
        yield _row(vpc, router, prefix, hop, policy, route.route_table)


def _row(vpc: Vpc, router: Ref, prefix: str, hop: str, policy: str, table: str) -> Row:
    columns = {
        "ip_prefix": prefix,
        "nexthop": hop,
        "policy": (policy,),
        "route_table": table,
        "external_ids": {"vendor": VENDOR},
    }
    key = f"{table}/{policy}/{prefix}/{hop}"
    return Row(LOGICAL_ROUTER_STATIC_ROUTE, vpc.ref, columns, key=key, parent=router)


def implied_routes(vpc: Vpc, router: Ref, ways: Mapping[Family, Address]) -> Iterator[Row]:
    """Default routes for the families of `ways` that the VPC has none of its own in.

    OVN looks for a route before it asks the policies, and drops what has none. Where policies or pods send traffic
    elsewhere, a default route to the router's own address lets it come that far; what nobody sends elsewhere ends
    there, as it does with the routes by source that Kube-OVN has in their place.
    """
    own = {prefix for route in vpc.spec.static_routes if not route.route_table for prefix, _ in pairs(route)}
    for family, way in ways.items():
        prefix = "0.0.0.0/0" if family == 4 else "::/0"
        if prefix not in own:
            yield _row(vpc, router, prefix, str(way), "dst-ip", "")


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
