"""What a host does with packets that leave: the plan from rows, and its text in nftables' language."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from weft.agent.gateway import policy
from weft.agent.gateway.plan import Egress, Match, Plan, SubnetNat, plan
from weft.agent.gateway.template import render, render_counters
from weft.agent.view import Host, NatRule, Rows, Subnet

GOLDEN = Path(__file__).parent / "packet_filter.nft"
HOST = Host("h1", "node-h1", "0a:00:00:00:64:02", ("100.64.0.2/16", "fd00:100:64::2/112"), ("100.64.0.1",), 0)
EGRESS = {"egress_gateways": ("192.168.0.1",), "policy_table": 1000, "policy_priority": 1500}


ADDRESSES = {"h1": "192.168.0.101", "h2": "192.168.0.102"}


def nets(*texts: str) -> tuple[Any, ...]:
    return tuple(ip_network(text) for text in texts)


def subnet(name: str = "blue", *cidrs: str, **fields: Any) -> Subnet:
    return Subnet(name, cidrs or ("10.16.0.0/16",), (), 0, fields.pop("host_routed", True), **fields)


def rule(position: int = 0, action: str = "forward", sources: Any = (), destinations: Any = ()) -> NatRule:
    return NatRule("blue", position, action, tuple(sources), tuple(destinations))


def rows(*subnets: Subnet, rules: tuple[NatRule, ...] = (), host: Host | None = HOST) -> Rows:
    return Rows({}, {item.name: item for item in subnets}, host, rules)


def made(*subnets: Subnet, rules: tuple[NatRule, ...] = ()) -> Plan:
    return plan(rows(*subnets, rules=rules), "h1")


def test_host_without_a_place_does_nothing() -> None:
    assert plan(rows(subnet(nat_outgoing=True), host=None), "h1") == Plan()


def test_only_what_hosts_reach_is_of_the_fabric() -> None:
    found = made(subnet("a", "10.1.0.0/16"), subnet("b", "10.2.0.0/16", host_routed=False, nat_outgoing=True, **EGRESS))
    fabric = nets("10.1.0.0/16", "100.64.0.0/16", "fd00:100:64::/112")
    assert found == Plan(fabric, versions=frozenset({4}), counted={fabric[0]: "a"})


def test_overlapping_networks_are_one_element() -> None:
    assert made(subnet("a", "10.16.0.0/16"), subnet("b", "10.16.3.0/24")).fabric == nets(
        "10.16.0.0/16", "100.64.0.0/16", "fd00:100:64::/112"
    )


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (["10.16.0.0/16"], ["10.16.3.0/24", "10.17.0.0/16"], [["10.16.0.0/16"], ["10.17.0.0/16"]]),
        (["10.16.3.0/24"], ["10.16.0.0/16"], [["10.16.0.0/16"]]),
        (["10.16.0.0/24"], ["10.16.0.0/24"], [["10.16.0.0/24"]]),
        (["0.0.0.0/0"], ["::/0"], [["0.0.0.0/0"], ["::/0"]]),
        (["10.16.0.0/16"], ["10.17.0.0/16"], [["10.16.0.0/16"], ["10.17.0.0/16"]]),
    ],
)
def test_network_is_translated_by_one_subnet(first: list[str], second: list[str], expected: list[list[str]]) -> None:
    found = made(subnet("a", *first, nat_outgoing=True), subnet("b", *second, nat_outgoing=True))
    assert [nat.networks for nat in found.nat] == [nets(*texts) for texts in expected]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (rule(), [(4, (), (), True), (6, (), (), True)]),
        (rule(sources=["10.16.0.9"]), [(4, ("10.16.0.9/32",), (), True)]),
        (rule(action="nat", destinations=["fd00::/8", "8.8.8.8"]),
         [(4, (), ("8.8.8.8/32",), False), (6, (), ("fd00::/8",), False)]),
        (rule(sources=["10.16.0.9", "fd00::9"], destinations=["8.8.8.8"]),
         [(4, ("10.16.0.9/32",), ("8.8.8.8/32",), True)]),
        (rule(sources=["10.16.0.9"], destinations=["fd00::/8"]), []),
        (rule(sources=["10.16.0.0/31", "10.16.0.0/30"]), [(4, ("10.16.0.0/30",), (), True)]),
    ],
    ids=["all", "address", "both families", "one family by destination", "never", "overlapping"],
)  # fmt: skip
def test_rule_matches_by_family(given: NatRule, expected: list[Any]) -> None:
    (found,) = made(subnet(nat_outgoing=True), rules=(given,)).nat
    assert [(m.version, m.sources, m.destinations, m.keep_source) for m in found.exceptions] == [
        (version, nets(*sources), nets(*destinations), keep) for version, sources, destinations, keep in expected
    ]


def test_rules_are_in_order_and_of_translated_subnets_only() -> None:
    rules = (rule(2, "nat"), rule(1, "forward", ["10.16.0.0/30"]))
    (found,) = made(subnet(nat_outgoing=True), subnet("red", "10.17.0.0/16"), rules=rules).nat
    assert [match.keep_source for match in found.exceptions] == [True, False, False]
    assert made(subnet(), rules=rules).nat == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("192.168.0.101", ["192.168.0.101"]),
        ("fd00::101,192.168.0.101", ["192.168.0.101", "fd00::101"]),
        ("192.168.0.101,192.168.0.102", ["192.168.0.101"]),
    ],
)
def test_addresses_of_a_host_are_one_a_family(text: str, expected: list[str]) -> None:
    (found,) = made(subnet(nat_outgoing=True, gateway_addresses={"h1": text, "h2": "192.168.0.9"})).nat
    assert [str(address) for address in found.addresses] == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (EGRESS, True),
        (EGRESS | {"gateway_hosts": ("h1", "h2")}, True),
        (EGRESS | {"gateway_hosts": ("h2",)}, False),
        ({**EGRESS, "egress_gateways": ()}, False),
    ],
    ids=["distributed", "centralized here", "centralized elsewhere", "none"],
)
def test_egress_is_where_the_subnet_leaves(fields: dict[str, Any], expected: bool) -> None:
    here = Egress("blue", nets("10.16.0.0/16"), (ip_address("192.168.0.1"),), 1000, 1500)
    assert made(subnet(**fields)).egress == ((here,) if expected else ())


def test_egress_is_routed_by_family() -> None:
    egress = Egress("blue", nets("10.16.0.0/16", "fd00::/64"), (ip_address("fd01::1"), ip_address("fd01::2")), 7, 9)
    assert policy.wanted([egress], nets("10.16.0.0/16", "fd00::/64")) == policy.Policy(
        frozenset({policy.Rule("fd00::/64", 7, 9)}),
        frozenset({
            policy.TableRoute(7, "::/0", frozenset({"fd01::1", "fd01::2"})),
            policy.TableRoute(7, "fd00::/64"),
        }),
    )  # fmt: skip


HOSTILE = "10.0.0.0/8 }; flush ruleset; #"


@pytest.mark.parametrize(
    ("subnets", "rules", "fault"),
    [
        ([subnet("blue", HOSTILE, nat_outgoing=True)], (), "cidrs: "),
        ([subnet(nat_outgoing=True)], (rule(sources=[HOSTILE]),), "NAT rule 0: sources: "),
        ([subnet(nat_outgoing=True)], (rule(destinations=["8.8.8.8\n}"]),), "NAT rule 0: destinations: "),
        ([subnet(nat_outgoing=True)], (rule(action="drop; flush ruleset"),), "expected nat or forward"),
        ([subnet(**EGRESS | {"egress_gateways": ("192.168.0.1; reboot",)})], (), "egress_gateways: "),
        ([subnet(nat_outgoing=True, gateway_addresses={"h1": "192.168.0.1; reboot"})], (), "gateway_addresses: "),
        ([subnet(**EGRESS | {"policy_table": 254})], (), "policy_table: 254, expected"),
        ([subnet(**EGRESS | {"policy_table": None})], (), "policy_table: None, expected"),
        ([subnet(**EGRESS | {"policy_priority": 32766})], (), "policy_priority: 32766, expected"),
        ([subnet("aa", "10.1.0.0/16", **EGRESS), subnet(**EGRESS)], (), "policy_table: 1000 is subnet aa's"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_goes_no_further(
    subnets: list[Subnet], rules: tuple[NatRule, ...], fault: str
) -> None:
    found = made(*subnets, subnet("other", "10.99.0.0/16", nat_outgoing=True), rules=rules)
    assert list(found.faults) == ["blue"]
    assert fault in found.faults["blue"]
    text = render(found)
    assert "10.99.0.0/16 : jump" in text
    assert "flush ruleset" not in text
    assert "reboot" not in text


def test_template_prints_nothing_that_is_not_an_address() -> None:
    hostile: Any = HOSTILE
    for wrong in (
        Plan(fabric=(hostile,)),
        Plan(nat=(SubnetNat(nets("10.0.0.0/8"), (Match(4, (hostile,), (), True),)),)),
    ):
        with pytest.raises((TypeError, AttributeError)):
            render(wrong)


def example() -> Plan:
    """Two subnets, one of them with the manual's rules (Kube-OVN 1.15 manual, section 7.25) and centralized."""
    rules = (
        rule(0, "forward", ["10.0.11.0/30", "10.0.11.254"]),
        rule(1, "nat", ["10.0.11.128/26"], ["114.114.114.114", "8.8.8.8"]),
    )
    subnets = (
        subnet("blue", "10.0.11.0/24", nat_outgoing=True, gateway_hosts=("h1",), gateway_addresses=ADDRESSES),
        subnet("dual", "10.16.0.0/16", "fd00:10:16::/112", nat_outgoing=True),
    )
    return plan(replace(rows(*subnets, rules=rules), host_addresses=("192.168.0.101", "fd00:192::101")), "h1")


def test_names_of_counters_are_of_networks_and_never_of_rows() -> None:
    found = made(subnet("}; flush ruleset", "10.1.0.0/16", "fd00:10:1::/64"), subnet("inner", "10.1.2.0/24"))
    text = render_counters(found.counted)
    assert "counter egress_fd00_10_1__/64 { }" in text
    assert "ingress4 { 10.1.0.0/16 : ingress_10.1.0.0/16 }" in text
    assert "10.1.2.0" not in text, "a map of the kernel takes no overlapping elements"
    assert "ruleset" not in text


def test_text() -> None:
    assert render(example()) == GOLDEN.read_text()
