"""What leaves a host, by packets: the source address that the other side sees, and the network that it is seen on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.agent import eventually
from tests.support.outside import ACK, SYN, ask, source_of
from tests.support.site import FAR, JOIN, POD, Site

FAMILIES = pytest.mark.parametrize("family", [0, 1], ids=["IPv4", "IPv6"])
EGRESS = {"nat_outgoing": False, "policy_table": 1000, "policy_priority": 1500}


@FAMILIES
@pytest.mark.parametrize("translated", [True, False])
def test_source_that_the_outside_sees(site: Site, translated: bool, family: int) -> None:
    site.set("blue", nat_outgoing=translated)
    expected = site.outside[0].host[family] if translated else POD["blue"][family]
    assert ask(site.ns("blue"), FAR[family]) == f"out1 {expected}"
    assert ask(site.ns("red"), FAR[family]) == f"out1 {site.outside[0].host[family]}", "each subnet on its own"


def test_connection_that_the_host_does_not_know_keeps_its_source(site: Site) -> None:
    """As after a move, or when the host has forgotten it: with another source port it would be another connection."""
    site.set("blue")
    place = (site.ns("blue"), site.outside[0].ns, POD["blue"][0], FAR[0])
    assert source_of(*place, SYN) == site.outside[0].host[0]
    assert source_of(*place, ACK) == POD["blue"][0]


def test_source_is_the_address_that_the_gateway_names(site: Site) -> None:
    """As of `gatewayNode: h1:192.168.1.102`; packets of the other family get the link's own address."""
    site.agent.host.ip("addr", "add", "192.168.1.102/24", "dev", site.outside[0].link)
    site.set("blue", gateway_hosts=["h1"], gateway_addresses={"h1": "192.168.1.102", "h2": "192.168.1.103"})
    assert ask(site.ns("blue"), FAR[0]) == "out1 192.168.1.102"
    assert ask(site.ns("blue"), FAR[1]) == f"out1 {site.outside[0].host[1]}"
    site.set("blue")
    assert ask(site.ns("blue"), FAR[0]) == f"out1 {site.outside[0].host[0]}"


@FAMILIES
def test_source_is_kept_within_the_fabric(site: Site, family: int) -> None:
    site.set("blue")
    pod = POD["blue"][family]
    assert ask(site.ns("blue"), POD["red"][family]) == f"red {pod}", "workload to workload"
    assert ask(site.ns("blue"), JOIN[family]) == f"host {pod}", "workload to host, on the fabric"
    assert ask(site.ns("blue"), site.outside[0].host[family]) == f"host {pod}", "workload to host, by its own address"
    assert ask(site.host, pod) == f"blue {JOIN[family]}", "host to workload"
    site.outside[0].ip("route", "replace", POD["blue"][0], "via", site.outside[0].host[0])
    assert ask(site.outside[0].ns, POD["blue"][0]) == f"blue {site.outside[0].own[0]}", "from outside, routed"


RULES = [
    {"action": "forward", "sources": ["10.16.0.0/30", "10.16.0.254"], "destinations": []},
    {"action": "nat", "sources": ["10.16.0.128/26"], "destinations": ["203.0.113.1", "203.0.113.2"]},
    {"action": "forward", "sources": ["10.16.0.128/26"], "destinations": ["203.0.113.0/28"]},
]


def test_rules_decide_in_order(site: Site) -> None:
    """Kube-OVN 1.15 manual, section 7.25."""
    with site.written():
        site.agent.rows.insert_many(
            [("Nat_Rule", {"subnet": "blue", "position": n, **rule}) for n, rule in enumerate(RULES)]
        )
    site.set("blue")
    host = site.outside[0].host[0]
    seen = {
        ("10.16.0.2", "203.0.113.1"): "10.16.0.2",
        ("10.16.0.254", "203.0.113.3"): "10.16.0.254",
        ("10.16.0.130", "203.0.113.2"): host,
        ("10.16.0.130", "203.0.113.3"): "10.16.0.130",
        ("10.16.0.7", "203.0.113.3"): host,
    }
    for (source, destination), expected in seen.items():
        assert ask(site.ns("blue"), destination, source=source) == f"out1 {expected}", (source, destination)
    assert ask(site.ns("blue"), FAR[1]) == f"out1 {site.outside[0].host[1]}", "rules of the other family"
    site.set("blue", nat_outgoing=False)
    assert ask(site.ns("blue"), FAR[0]) == f"out1 {POD['blue'][0]}", "without natOutgoing no rule translates"
    with site.written():
        site.agent.rows.delete("Nat_Rule", "blue", column="subnet")


@FAMILIES
def test_subnet_leaves_by_its_egress_gateway(site: Site, family: int) -> None:
    settings = site.on_host(
        "sysctl", "-w", "net.ipv4.conf.all.rp_filter=0", f"net.ipv4.conf.{site.outside[1].link}.rp_filter=1"
    )
    site.set("blue", **EGRESS, egress_gateways=[site.outside[1].own[family]])
    assert ask(site.ns("blue"), FAR[family]) == f"out2 {POD['blue'][family]}", settings
    assert ask(site.ns("blue"), FAR[1 - family]) == f"out1 {POD['blue'][1 - family]}", "the other family as ever"
    assert ask(site.ns("red"), FAR[family]).startswith("out1"), "another subnet as ever"
    assert ask(site.host, FAR[family]).startswith("out1"), "the host as ever"
    assert ask(site.ns("blue"), POD["red"][family]) == f"red {POD['blue'][family]}"
    site.set("blue", **EGRESS | {"nat_outgoing": True}, egress_gateways=[site.outside[1].own[family]])
    assert ask(site.ns("blue"), FAR[family]) == f"out2 {site.outside[1].host[family]}", "and with the host's address"
    site.set("blue")
    assert ask(site.ns("blue"), FAR[family]).startswith("out1")
    assert "1000" not in site.on_host("ip", f"-{6 if family else 4}", "rule")


def test_several_egress_gateways_share_the_connections(site: Site) -> None:
    site.set("blue", **EGRESS, egress_gateways=[outside.own[0] for outside in site.outside])
    seen = {ask(site.ns("blue"), f"203.0.113.{number}") for number in range(1, 14)}
    assert seen == {f"out1 {POD['blue'][0]}", f"out2 {POD['blue'][0]}"}
    site.set("blue", **EGRESS, egress_gateways=[site.outside[1].own[0]])
    assert {ask(site.ns("blue"), f"203.0.113.{number}") for number in range(1, 8)} == {f"out2 {POD['blue'][0]}"}
    site.set("blue")


def test_policy_is_where_the_subnet_leaves(site: Site) -> None:
    gateways = [site.outside[1].own[0]]
    site.set("blue", **EGRESS, egress_gateways=gateways, gateway_hosts=["h2"])
    assert ask(site.ns("blue"), FAR[0]).startswith("out1")
    site.set("blue", **EGRESS, egress_gateways=gateways, gateway_hosts=["h1", "h2"])
    assert ask(site.ns("blue"), FAR[0]).startswith("out2")
    site.set("blue")


@pytest.mark.parametrize(
    ("columns", "name", "text"),
    [
        ({"egress_gateways": ["198.51.100.1"]}, "egress/blue", "table 1000: default by 198.51.100.1: "),
        ({"egress_gateways": ["198.51.100.1; reboot"]}, "gateway/blue", "egress_gateways: '198.51.100.1; reboot'"),
        ({"cidrs": ["10.16.0.0/16 }; flush ruleset; #"]}, "gateway/blue", "cidrs: '10.16.0.0/16 }; flush ruleset; #'"),
    ],
)
def test_what_cannot_be_is_a_problem_of_the_host(site: Site, columns: dict[str, Any], name: str, text: str) -> None:
    site.set("blue", **EGRESS | columns)
    eventually(lambda: text in site.problems().get(name, ""), f"{name} says {text}")
    assert ask(site.ns("red"), FAR[0]) == f"out1 {site.outside[0].host[0]}", "others are served"
    site.set("blue", cidrs=["10.16.0.0/16", "fd00:10:16::/112"])
    eventually(lambda: name not in site.problems(), "over")


def test_forwarding_is_allowed_without_harm_to_router_advertisements(site: Site) -> None:
    read = site.on_host("sysctl", "-n", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding").split()
    assert read == ["1", "1"]
    site.on_host("sysctl", "-w", "net.ipv6.conf.all.forwarding=0", f"net.ipv6.conf.{site.outside[0].link}.accept_ra=1")
    site.agent.stop()
    site.agent.start()
    eventually(lambda: site.on_host("sysctl", "-n", "net.ipv6.conf.all.forwarding") == "1", "forwarding again")
    assert site.on_host("sysctl", "-n", f"net.ipv6.conf.{site.outside[0].link}.accept_ra") == "2"


def test_chain_of_others_that_drops_what_is_forwarded_is_a_problem(site: Site) -> None:
    site.nft("add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }")
    site.set("blue")
    eventually(lambda: site.problems().get("forward policy", "").startswith("ip filter FORWARD: drops"), "reported")
    site.nft('add rule ip filter FORWARD iifname "ovn0" accept; add rule ip filter FORWARD oifname "ovn0" accept')
    site.set("blue")
    eventually(lambda: "forward policy" not in site.problems(), "over")
    site.nft("delete table ip filter")
