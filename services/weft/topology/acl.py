"""Who may reach the ports of a subnet: its own rules, and privacy (Kube-OVN 1.15 manual, sections 3.1.5 and 3.1.6).

The rules hang on the switch, once for all its ports. Priorities and tier are Kube-OVN's, so that rules written for it
come before or after these as they did there. As there, a private subnet's ports do not reach whom they are not reached
by: what leaves the switch comes to the router's port. What follows from a rule's content names its row: the order of a
list means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from weft.api.subnet import Subnet
from weft.net.addresses import Network, parse_destination, split_list
from weft.topology.rows import ACL, VENDOR, Ref, Row

NODES, EAST_WEST, ALLOWED, DROPPED = 3000, 1900, 1001, 1000
"""Priorities: hosts, traffic within a subnet that passes its rules, who may reach a private one, and the rest."""
TIER = 2
TO_PORT, FROM_PORT = "to-lport", "from-lport"


def compile_acls(subnet: Subnet, switch: Ref, hosts: Sequence[Network]) -> Iterator[Row]:
    """`hosts` are the addresses of hosts on the subnet `join`: they reach a private subnet too, to probe its pods."""
    rules = [*_own(subnet), *_east_west(subnet), *(_private(subnet, hosts) if subnet.spec.private else ())]
    rows = {row.key: row for row in (_row(subnet, switch, *rule) for rule in rules)}
    return iter(rows.values())


Rule = tuple[int, str, str, str]
"""Priority, direction, match, action."""


def _own(subnet: Subnet) -> Iterator[Rule]:
    for acl in subnet.spec.acls:
        yield acl.priority, acl.direction, acl.match, acl.action


def _east_west(subnet: Subnet) -> Iterator[Rule]:
    if subnet.spec.allow_ew_traffic:
        for network in subnet.networks:
            for direction in (TO_PORT, FROM_PORT):
                yield EAST_WEST, direction, _between(network, network), "allow-related"


def _private(subnet: Subnet, hosts: Sequence[Network]) -> Iterator[Rule]:
    yield DROPPED, TO_PORT, "ip", "drop"
    for ours in subnet.networks:
        for theirs in hosts:
            if theirs.version == ours.version:
                yield NODES, TO_PORT, f"ip{theirs.version}.src == {theirs}", "allow-related"
        yield ALLOWED, TO_PORT, _between(ours, ours), "allow-related"
        for theirs in _allowed(subnet):
            if theirs.version == ours.version:
                match = f"({_between(ours, theirs)}) || ({_between(theirs, ours)})"
                yield ALLOWED, TO_PORT, match, "allow-related"


def _allowed(subnet: Subnet) -> Iterator[Network]:
    return (parse_destination(text) for texts in subnet.spec.allow_subnets for text in split_list(texts))


def _between(source: Network, destination: Network) -> str:
    family = f"ip{source.version}"
    return f"{family}.src == {source} && {family}.dst == {destination}"


def _row(subnet: Subnet, switch: Ref, priority: int, direction: str, match: str, action: str) -> Row:
    columns = {
        "priority": priority,
        "direction": direction,
        "match": match,
        "action": action,
        "tier": TIER,
        "external_ids": {"vendor": VENDOR, "subnet": subnet.name},
    }
    return Row(ACL, subnet.ref, columns, key=f"{direction}/{priority}/{action}/{match}", parent=switch)
