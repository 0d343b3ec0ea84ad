"""What hosts are told of a subnet's way out (manual, sections 3.1.4, 7.14 and 7.25)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.topology.build import subnet
from weft.topology.egress import egress_columns, nat_rules, nat_rules_in_effect

NOTHING = {
    "nat_outgoing": False,
    "egress_gateways": (),
    "policy_table": (),
    "policy_priority": (),
}
EGRESS = {"externalEgressGateway": "192.168.0.1", "policyRoutingTableID": 1000, "policyRoutingPriority": 1500}
RULES = [
    {"action": "forward", "match": {"srcIPs": "10.0.11.0/30,10.0.11.254"}},
    {"action": "nat", "match": {"srcIPs": "10.0.11.128/26", "dstIPs": "114.114.114.114,8.8.8.8"}},
]


@pytest.mark.parametrize(
    ("name", "spec", "told"),
    [
        ("blue", {}, {}),
        ("blue", {"natOutgoing": True}, {"nat_outgoing": True}),
        ("blue", EGRESS, {"egress_gateways": ("192.168.0.1",), "policy_table": (1000,), "policy_priority": (1500,)}),
        ("blue", {"policyRoutingTableID": 1000, "policyRoutingPriority": 1500}, {}),
        ("blue", {"natOutgoing": True, "vpc": "red"}, {}),
        ("blue", {"natOutgoing": True, "provider": "macvlan.default"}, {}),
        ("blue", {"natOutgoing": True, "vlan": "vlan1"}, {}),
        ("blue", {"natOutgoing": True, "vlan": "vlan1", "logicalGateway": True}, {"nat_outgoing": True}),
        ("join", {"natOutgoing": True}, {}),
    ],
)
def test_what_a_subnets_row_says(name: str, spec: dict[str, Any], told: dict[str, Any]) -> None:
    assert egress_columns(subnet(name, "10.0.11.0/24", **spec)) == NOTHING | told


def test_rules_of_translation_are_rows_in_their_order() -> None:
    blue = subnet("blue", "10.0.11.0/24", natOutgoing=True, natOutgoingPolicyRules=RULES)
    assert [(row.key, row.columns) for row in nat_rules(blue)] == [
        (
            "0",
            {
                "subnet": "blue",
                "position": 0,
                "action": "forward",
                "sources": ("10.0.11.0/30", "10.0.11.254/32"),
                "destinations": (),
            },
        ),
        (
            "1",
            {
                "subnet": "blue",
                "position": 1,
                "action": "nat",
                "sources": ("10.0.11.128/26",),
                "destinations": ("114.114.114.114/32", "8.8.8.8/32"),
            },
        ),
    ]


def test_a_status_tells_them_by_the_digests_that_kube_ovn_makes() -> None:
    blue = subnet("blue", "10.0.11.0/24", natOutgoing=True, natOutgoingPolicyRules=RULES)
    told = nat_rules_in_effect(blue)
    assert told == [{"ruleID": rule["ruleID"], **given} for rule, given in zip(told, RULES, strict=True)]
    assert [rule["ruleID"] for rule in told] == ["57276df13c2e", "f83e78b0070f"]


def test_without_translation_its_rules_have_no_effect() -> None:
    blue = subnet("blue", "10.0.11.0/24", natOutgoingPolicyRules=RULES)
    assert not list(nat_rules(blue))
    assert nat_rules_in_effect(blue) == []
