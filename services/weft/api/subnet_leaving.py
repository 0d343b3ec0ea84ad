"""What a subnet may say of the ways out of the fabric, beyond what its fields allow one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from weft.api.problem import Problem
from weft.net.addresses import parse_addresses, parse_destination, split_list

if TYPE_CHECKING:
    from weft.api.subnet import Subnet


def leaving_rules(subnet: Subnet) -> Iterator[Problem]:
    """Families must fit each other."""
    ours = {network.version for network in subnet.networks}
    for gateway in parse_addresses(subnet.spec.external_egress_gateway):
        if gateway.version not in ours:
            yield subnet.problem(
                "spec.externalEgressGateway",
                f"{gateway} has no CIDR of its family in spec.cidrBlock {subnet.spec.cidr_block}",
            )
    for position, rule in enumerate(subnet.spec.nat_outgoing_policy_rules):
        sources, destinations = _families(rule.match.src_ips), _families(rule.match.dst_ips)
        if sources and destinations and not sources & destinations:
            yield subnet.problem(
                f"spec.natOutgoingPolicyRules.{position}.match.dstIPs",
                f"{rule.match.dst_ips!r} has no address of the family of srcIPs {rule.match.src_ips!r}",
            )


def _families(texts: str) -> set[int]:
    return {parse_destination(text).version for text in split_list(texts)}
