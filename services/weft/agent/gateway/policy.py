"""Routing by egress gateways: a rule for each network of such a subnet, and a table with its default routes.

A rule concerns packets that come in by `ovn0` with a source in the subnet. Its table leads to the gateways, several
sharing the connections, but not what is for the fabric: for that it sends the kernel on to other tables (`throw`).
Rules and routes carry a protocol number of their own; others' are never touched.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from weft.agent.gateway.plan import Address, Egress, Network, of_version

PROTOCOL: Final = 158
"""Our number among routing protocols for what only serves egress gateways (`netlink.PROTOCOL` is for the rest)."""
LINK: Final = "ovn0"
_FAMILIES: Final = {4: socket.AF_INET, 6: socket.AF_INET6}
_THROW: Final = 9
_TO_TABLE: Final = 1
_ANY: Final = {4: "0.0.0.0/0", 6: "::/0"}


@dataclass(frozen=True, slots=True)
class Rule:
    """What comes in by `ovn0` from `source` is routed by `table`."""

    source: str
    table: int
    priority: int


@dataclass(frozen=True, slots=True)
class TableRoute:
    """A default route by gateways; without gateways a destination that the table has no say about."""

    table: int
    destination: str
    gateways: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules, and all routes in the tables they lead to."""

    rules: frozenset[Rule] = frozenset()
    routes: frozenset[TableRoute] = frozenset()


def wanted(egress: Iterable[Egress], fabric: Sequence[Network], dead: Set[Address] = frozenset()) -> Policy:
    """What shall be. A family of a subnet that has no gateway of it is routed as everything else.

    Dead gateways are left out. Where all of a family are, they stay: rather they than the way of everything else.
    """
    rules, routes = set(), set()
    for item in egress:
        for version in _FAMILIES:
            if gateways := living([address for address in item.gateways if address.version == version], dead):
                rules |= {Rule(str(n), item.table, item.priority) for n in of_version(item.networks, version)}
                routes.add(_default(item.table, version, gateways))
                routes |= {TableRoute(item.table, str(network)) for network in of_version(fabric, version)}
    return Policy(frozenset(rules), frozenset(routes))


def living(gateways: Sequence[Address], dead: Set[Address]) -> Sequence[Address]:
    """Those that are not dead, or all."""
    return [gateway for gateway in gateways if gateway not in dead] or gateways


def silence(gateways: Sequence[Address], dead: Set[Address]) -> Iterator[str]:
    """What to tell an operator of a subnet's dead gateways."""
    for version in _FAMILIES:
        own = [gateway for gateway in gateways if gateway.version == version]
        if silent := [str(gateway) for gateway in own if gateway in dead]:
            who = ", ".join(silent)
            yield f"{who}: no answer, {'left out' if len(silent) < len(own) else 'and no other gateway: kept'}"


def _default(table: int, version: int, gateways: Iterable[Address]) -> TableRoute:
    return TableRoute(table, _ANY[version], frozenset(str(gateway) for gateway in gateways))


def keep(policy: Policy) -> tuple[int, dict[int, str]]:
    """Have these rules and routes and no others of our protocol.

    Gives how many were changed, and by table why a route could not be had: its gateway is in no network of this host.
    """
    with IPRoute(strict_check=True) as ip:
        rules, routes = _rules(ip), _routes(ip)
        for rule in rules - policy.rules:
            _change_rule(ip, "del", rule)
        faults = _keep_routes(ip, policy.routes, routes)
        for rule in policy.rules - rules:
            _change_rule(ip, "add", rule)
    return len(rules ^ policy.rules) + len(routes ^ policy.routes) - len(faults), faults


def _keep_routes(ip: IPRoute, wanted: frozenset[TableRoute], present: set[TableRoute]) -> dict[int, str]:
    faults = {}
    kept = {(route.table, route.destination) for route in wanted}
    for route in present - wanted:
        if (route.table, route.destination) not in kept:
            _change_route(ip, "del", route)
    for route in wanted - present:
        try:
            _change_route(ip, "replace", route)
        except NetlinkError as error:
            faults[route.table] = f"table {route.table}: default by {', '.join(sorted(route.gateways))}: {error}"
    return faults


# --- the kernel's side ---


def _rules(ip: IPRoute) -> set[Rule]:
    return {
        Rule(f"{message.get_attr('FRA_SRC')}/{message['src_len']}", _table(message, "FRA"), _priority(message))
        for family in _FAMILIES.values()
        for message in ip.get_rules(family=family)
        if message.get_attr("FRA_PROTOCOL") == PROTOCOL and message.get_attr("FRA_IIFNAME") == LINK
    }


def _priority(message: Any) -> int:
    return int(message.get_attr("FRA_PRIORITY") or 0)


def _table(message: Any, prefix: str) -> int:
    return int(message.get_attr(f"{prefix}_TABLE") or message["table"])


def _routes(ip: IPRoute) -> set[TableRoute]:
    return {
        TableRoute(_table(message, "RTA"), _destination(message, version), _gateways(message))
        for version, family in _FAMILIES.items()
        for message in ip.get_routes(family=family, proto=PROTOCOL)
        if message["proto"] == PROTOCOL
    }


def _destination(message: Any, version: int) -> str:
    address = message.get_attr("RTA_DST")
    return f"{address}/{message['dst_len']}" if address else _ANY[version]


def _gateways(message: Any) -> frozenset[str]:
    hops = message.get_attr("RTA_MULTIPATH") or [message]
    return frozenset(gateway for hop in hops if (gateway := hop.get_attr("RTA_GATEWAY")))


def _change_rule(ip: IPRoute, verb: str, rule: Rule) -> None:
    source = ip_network(rule.source)
    ip.rule(
        verb, family=_FAMILIES[source.version], src=str(source.network_address), src_len=source.prefixlen,
        iifname=LINK, table=rule.table, priority=rule.priority, protocol=PROTOCOL, action=_TO_TABLE,
    )  # fmt: skip


def _change_route(ip: IPRoute, verb: str, route: TableRoute) -> None:
    family = _FAMILIES[ip_network(route.destination).version]
    common = {"dst": route.destination, "family": family, "table": route.table, "proto": PROTOCOL}
    if not route.gateways:
        ip.route(verb, type=_THROW, **common)
    elif len(route.gateways) == 1:
        ip.route(verb, gateway=next(iter(route.gateways)), **common)
    else:
        ip.route(verb, multipath=[{"gateway": gateway} for gateway in sorted(route.gateways)], **common)
