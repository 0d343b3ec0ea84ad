"""What hosts do with what leaves a subnet of the default VPC: translate it, or send it to a gateway outside.

A host sees such traffic on its `ovn0`. It translates what comes from a `natOutgoing` subnet, after the subnet's own
rules, of which the first that matches decides (Kube-OVN 1.15 manual, sections 3.1.4, 7.14 and 7.25).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from weft.api.subnet import Subnet
from weft.api.subnet_spec import NatPolicyRule
from weft.net.addresses import parse_addresses, parse_destination, split_list
from weft.topology.rows import NAT_RULE, Row
from weft.topology.view import DEFAULT_VPC, JOIN_SUBNET

_ID_DIGITS = 12


def leaves_by_hosts(subnet: Subnet) -> bool:
    """Whether hosts carry what leaves it: overlay subnets of the default VPC, and underlay ones with a router."""
    routed = not subnet.spec.vlan or subnet.spec.logical_gateway
    inside = subnet.is_overlay and subnet.spec.vpc == DEFAULT_VPC and subnet.name != JOIN_SUBNET
    return inside and routed and bool(subnet.networks)


def egress_columns(subnet: Subnet) -> Mapping[str, Any]:
    """What the subnet's row says to hosts about it."""
    spec, leaves = subnet.spec, leaves_by_hosts(subnet)
    gateways = parse_addresses(spec.external_egress_gateway) if leaves else []
    return {
        "nat_outgoing": leaves and spec.nat_outgoing,
        "egress_gateways": tuple(map(str, gateways)),
        "policy_table": (spec.policy_routing_table_id,) if gateways else (),
        "policy_priority": (spec.policy_routing_priority,) if gateways else (),
    }


def gateway_addresses(subnet: Subnet) -> dict[str, str]:
    """By host, the addresses that it translates to, where `gatewayNode` names some."""
    return {name: ",".join(map(str, addresses)) for name, addresses in subnet.gateway_nodes.items() if addresses}


def nat_rules(subnet: Subnet) -> Iterator[Row]:
    """Exceptions from translation, in their order."""
    if not leaves_by_hosts(subnet) or not subnet.spec.nat_outgoing:
        return
    for position, rule in enumerate(subnet.spec.nat_outgoing_policy_rules):
        columns = {
            "subnet": subnet.name,
            "position": position,
            "action": rule.action,
            "sources": _networks(rule.match.src_ips),
            "destinations": _networks(rule.match.dst_ips),
        }
        yield Row(NAT_RULE, subnet.ref, columns, key=str(position))


def _networks(texts: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(parse_destination(text)) for text in split_list(texts)))


def nat_rules_in_effect(subnet: Subnet) -> list[dict[str, Any]]:
    """The same as a status tells them."""
    if not leaves_by_hosts(subnet) or not subnet.spec.nat_outgoing:
        return []
    rules = enumerate(subnet.spec.nat_outgoing_policy_rules)
    return [{"ruleID": rule_id(subnet.name, position, rule), **_document(rule)} for position, rule in rules]


def rule_id(subnet: str, position: int, rule: NatPolicyRule) -> str:
    """Kube-OVN's name of a rule: a digest of its subnet, its place and what it says."""
    text = json.dumps(_document(rule), separators=(",", ":"))
    return hashlib.sha256(f"{subnet}{position}{text}".encode()).hexdigest()[:_ID_DIGITS]


def _document(rule: NatPolicyRule) -> dict[str, Any]:
    """A rule in the order and with the fields that Kube-OVN writes."""
    match = {"srcIPs": rule.match.src_ips, "dstIPs": rule.match.dst_ips}
    return {"match": {name: text for name, text in match.items() if text}, "action": rule.action}
