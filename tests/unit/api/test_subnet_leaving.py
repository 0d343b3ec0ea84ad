"""What a subnet may not say of its ways out of the fabric (manual, sections 3.1.4 and 7.14)."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from tests.unit.topology.build import subnet
from weft.api.problem import InvalidError

EGRESS = {"externalEgressGateway": "192.0.2.1", "policyRoutingTableID": 1000, "policyRoutingPriority": 1500}
TABLE = "is no routing table for externalEgressGateway; allowed: 1 to 252 and from 256 on"
PRIORITY = "is no priority for externalEgressGateway; allowed: 1 to 32765, before that of the main table"


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        (EGRESS, []),
        ({"policyRoutingTableID": 254}, []),
        (EGRESS | {"policyRoutingTableID": 254}, [f"spec.policyRoutingTableID: 254 {TABLE}"]),
        (EGRESS | {"policyRoutingTableID": 0}, [f"spec.policyRoutingTableID: 0 {TABLE}"]),
        (EGRESS | {"policyRoutingPriority": 0}, [f"spec.policyRoutingPriority: 0 {PRIORITY}"]),
        (EGRESS | {"policyRoutingPriority": 32766}, [f"spec.policyRoutingPriority: 32766 {PRIORITY}"]),
        (
            EGRESS | {"externalEgressGateway": "2001:db8::1"},
            ["spec.externalEgressGateway: 2001:db8::1 has no CIDR of its family in spec.cidrBlock 10.17.0.0/16"],
        ),
    ],
)
def test_a_gateway_outside_has_a_table_and_a_rule_of_its_own(spec: dict[str, Any], problems: list[str]) -> None:
    try:
        subnet("blue", "10.17.0.0/16", **spec)
        found = []
    except InvalidError as error:
        found = [f"{problem.field}: {problem.message}" for problem in error.problems]
    assert found == problems


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("", {}),
        ("node1,node2", {"node1": [], "node2": []}),
        ("node2:172.18.0.3, node1", {"node2": ["172.18.0.3"], "node1": []}),
        ("node1:172.18.0.2,node1:2001:db8::2", {"node1": ["172.18.0.2", "2001:db8::2"]}),
    ],
)
def test_hosts_of_a_gateway_in_their_order(text: str, hosts: dict[str, list[str]]) -> None:
    found = subnet("gate", "10.17.0.0/16", gatewayNode=text).gateway_nodes
    assert list(found.items()) == [(name, tuple(map(ip_address, addresses))) for name, addresses in hosts.items()]
