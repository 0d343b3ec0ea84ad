"""Routes, policies and peerings of VPCs (Kube-OVN 1.15 manual, sections 5.1.4 and 5.9): rows, conditions, refusals."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.topology.build import base, settle, subnet, vpc
from weft.api.base import Resource
from weft.api.problem import InvalidError
from weft.topology.engine import Engine
from weft.topology.routes import SYMMETRIC
from weft.topology.rows import LOGICAL_ROUTER_STATIC_ROUTE
from weft.topology.rules import check_put
from weft.topology.vpc import compile_vpc

Spec = dict[str, Any]


def rows(spec: Spec, *names: str) -> list[tuple[Any, ...]]:
    """Columns of what is on the router."""
    own = compile_vpc(vpc("red", **spec)).northbound[1:]
    return sorted(tuple(row.columns[name] for name in names) for row in own)


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        (
            [{"cidr": "0.0.0.0/0", "nextHopIP": "10.0.1.254", "policy": "policyDst"}],
            [("0.0.0.0/0", "10.0.1.254", ("dst-ip",), "")],
        ),
        (
            [{"cidr": "172.31.0.0/16", "nextHopIP": "10.0.1.253", "policy": "policySrc", "routeTable": "rtb1"}],
            [("172.31.0.0/16", "10.0.1.253", ("src-ip",), "rtb1")],
        ),
        (
            [{"cidr": "10.9.0.7", "nextHopIP": "10.0.1.1"}, {"cidr": "10.9.0.7/32", "nextHopIP": "10.0.1.3"}],
            [("10.9.0.7/32", "10.0.1.1", ("dst-ip",), ""), ("10.9.0.7/32", "10.0.1.3", ("dst-ip",), "")],
        ),
        (
            [{"cidr": "0.0.0.0/0", "nextHopIP": "10.0.1.254,fd00::1"}, {"cidr": "::/0", "nextHopIP": "fd00::1"}],
            [("0.0.0.0/0", "10.0.1.254", ("dst-ip",), ""), ("::/0", "fd00::1", ("dst-ip",), "")],
        ),
    ],
    ids=["by destination", "by source, in a table", "several next hops", "both families"],
)
def test_static_routes(routes: list[Spec], expected: list[tuple[Any, ...]]) -> None:
    assert rows({"staticRoutes": routes}, "ip_prefix", "nexthop", "policy", "route_table") == expected


@pytest.mark.parametrize("order", [1, -1])
def test_replies_by_the_same_hop_are_an_option(order: int) -> None:
    """Of the same route given twice, in whatever order, the one that asks for more counts."""
    routes = [{"cidr": "0.0.0.0/0", "nextHopIP": "10.0.1.1", "ecmpMode": mode} for mode in ("ecmp", SYMMETRIC)]
    assert rows({"staticRoutes": routes[:1]}, "options") == [({},)]
    assert rows({"staticRoutes": routes[::order]}, "options") == [({"ecmp_symmetric_reply": "true"},)]


def implied(engine: Engine) -> list[tuple[str, str, str]]:
    """(table, prefix, hop) of the routes of Vpc/red."""
    found = [row for row in engine.compile("Vpc/red").northbound if row.table == LOGICAL_ROUTER_STATIC_ROUTE]
    return sorted((row.columns["route_table"], row.columns["ip_prefix"], row.columns["nexthop"]) for row in found)


def test_what_a_policy_sends_elsewhere_has_a_route_in_each_table() -> None:
    engine = base()
    policy = {"action": "reroute", "match": "ip4", "nextHopIP": "10.0.1.9"}
    default = {"cidr": "0.0.0.0/0", "nextHopIP": "10.0.1.254"}
    engine.put(vpc("red", policyRoutes=[policy]))
    settle(engine)
    assert implied(engine) == []
    engine.put(subnet("net1", "10.0.1.0/24", "red"))
    engine.put(subnet("net2", "10.0.2.0/24", "red", routeTable="rtb"))
    assert "Vpc/red" in engine.dirty
    assert implied(engine) == [("", "0.0.0.0/0", "10.0.1.1"), ("rtb", "0.0.0.0/0", "10.0.1.1")]
    engine.put(vpc("red", policyRoutes=[policy], staticRoutes=[default]))
    assert implied(engine) == [("", "0.0.0.0/0", "10.0.1.254"), ("rtb", "0.0.0.0/0", "10.0.1.1")]
    engine.put(vpc("red", policyRoutes=[{**policy, "action": "allow"}]))
    assert implied(engine) == []


def test_policies() -> None:
    policies = [
        {"action": "drop", "match": "ip4.src==10.0.1.0/24 && ip4.dst==10.0.1.250", "priority": 11},
        {"action": "reroute", "match": "ip4.src==10.0.1.0/24", "nextHopIP": "10.0.1.253, 10.0.1.252", "priority": 10},
        {"action": "allow", "match": "ip4.dst == $pool.1", "priority": 9},
    ]
    assert rows({"policyRoutes": policies}, "priority", "match", "action", "nexthops") == [
        (9, "ip4.dst == $pool.1", "allow", ()),
        (10, "ip4.src==10.0.1.0/24", "reroute", ("10.0.1.252", "10.0.1.253")),
        (11, "ip4.src==10.0.1.0/24 && ip4.dst==10.0.1.250", "drop", ()),
    ]


_ROUTE = st.fixed_dictionaries(
    {
        "cidr": st.sampled_from(["10.9.0.7", "10.9.0.7/32", "10.9.0.0/16"]),
        "nextHopIP": st.sampled_from(["10.0.1.1", "10.0.1.2", "10.0.1.2,fd00::2"]),
    },
    optional={
        "policy": st.sampled_from(["", "policyDst", "policySrc"]),
        "routeTable": st.sampled_from(["", "rtb"]),
        "ecmpMode": st.sampled_from(["", "ecmp", SYMMETRIC]),
    },
)
_POLICY = st.fixed_dictionaries(
    {
        "priority": st.integers(0, 3),
        "match": st.sampled_from(["ip4", "ip6"]),
        "action": st.sampled_from(["drop", "reroute"]),
        "nextHopIP": st.sampled_from(["10.0.1.1", "10.0.1.2,10.0.1.1", "fd00::1"]),
    }
)


_POLICIES = st.lists(_POLICY, max_size=4, unique_by=lambda policy: (policy["priority"], policy["match"]))


@given(st.lists(_ROUTE, max_size=6), _POLICIES, st.randoms(use_true_random=False))
def test_the_order_of_a_list_is_nobodys_news(routes: list[Spec], policies: list[Spec], random: Random) -> None:
    one = compile_vpc(vpc("red", staticRoutes=routes, policyRoutes=policies)).northbound
    random.shuffle(routes)
    random.shuffle(policies)
    other = compile_vpc(vpc("red", staticRoutes=routes, policyRoutes=policies)).northbound
    assert {row.ref: row for row in one} == {row.ref: row for row in other}
    assert len({row.ref for row in one}) == len(one)


def _peered(local: str, remote: str) -> Engine:
    engine = base()
    engine.put(vpc("vpc-1", vpcPeerings=[{"remoteVpc": "vpc-2", "localConnectIP": local}]))
    settle(engine)
    if remote:
        engine.put(vpc("vpc-2", vpcPeerings=[{"remoteVpc": "vpc-1", "localConnectIP": remote}]))
        settle(engine)
    return engine


def conditions(engine: Engine, ref: str) -> dict[str, tuple[str, str, str]]:
    status = engine.status(ref)
    assert status is not None
    return {item["type"]: (item["status"], item["reason"], item["message"]) for item in status["conditions"]}


def test_a_peering_is_a_port_on_each_router() -> None:
    engine = _peered("169.254.0.1/30,fd00:1::1/126", "169.254.0.2/30,fd00:1::2/126")
    ports = [engine.compile(f"Vpc/vpc-{n}").northbound[1].columns for n in (1, 2)]
    assert [(port["name"], port["peer"], port["networks"]) for port in ports] == [
        ("vpc-1-vpc-2", ("vpc-2-vpc-1",), ("169.254.0.1/30", "fd00:1::1/126")),
        ("vpc-2-vpc-1", ("vpc-1-vpc-2",), ("169.254.0.2/30", "fd00:1::2/126")),
    ]
    assert ports[0]["mac"] != ports[1]["mac"]
    assert conditions(engine, "Vpc/vpc-1")["Peered"] == ("True", "BothSides", "")
    status = engine.status("Vpc/vpc-1")
    assert status is not None
    assert status["vpcPeerings"] == ["vpc-2"]


@pytest.mark.parametrize(
    ("remote", "why"),
    [
        ("", "Vpc/vpc-2 does not exist"),
        ("169.254.1.2/30", "169.254.0.1/30 and 169.254.1.2/30 of Vpc/vpc-2 are of different networks"),
    ],
)
def test_what_a_link_lacks_is_said(remote: str, why: str) -> None:
    assert conditions(_peered("169.254.0.1/30", remote), "Vpc/vpc-1")["Peered"] == ("False", "OneSided", why)


def test_addresses_that_both_sides_have_are_named() -> None:
    engine = _peered("169.254.0.1/30", "169.254.0.2/30")
    engine.put(subnet("net1", "10.0.0.0/16,fd00:1::/64", "vpc-1"))
    engine.put(subnet("net2", "10.0.7.0/24,fd00:2::/64", "vpc-2"))
    why = "10.0.0.0/16 of Subnet/net1 in Vpc/vpc-1 overlaps 10.0.7.0/24 of Subnet/net2 in Vpc/vpc-2"
    for name in ("vpc-1", "vpc-2"):
        assert f"Vpc/{name}" in engine.dirty
        assert conditions(engine, f"Vpc/{name}")["Peered"] == ("False", "NetworksOverlap", why)
    settle(engine)
    engine.put(subnet("net2", "10.1.7.0/24,fd00:2::/64", "vpc-2"))
    assert "Vpc/vpc-1" in engine.dirty
    assert conditions(engine, "Vpc/vpc-1")["Peered"] == ("True", "BothSides", "")


def test_the_other_side_is_told_when_a_link_goes() -> None:
    engine = _peered("169.254.0.1/30", "169.254.0.2/30")
    engine.put(vpc("vpc-2"))
    assert "Vpc/vpc-1" in engine.dirty
    assert conditions(engine, "Vpc/vpc-1")["Peered"] == ("False", "OneSided", "Vpc/vpc-2 has no peering with vpc-1")
    settle(engine)
    engine.remove_ref("Vpc/vpc-2")
    assert "Vpc/vpc-1" in engine.dirty
    assert conditions(engine, "Vpc/vpc-1")["Peered"][2] == "Vpc/vpc-2 does not exist"


def test_a_next_hop_that_no_subnet_has_is_named_until_one_has_it() -> None:
    engine = base()
    engine.put(vpc("red", staticRoutes=[{"cidr": "0.0.0.0/0", "nextHopIP": "10.0.1.254"}]))
    settle(engine)
    assert conditions(engine, "Vpc/red")["Routed"] == (
        "False",
        "NextHopUnknown",
        "in no subnet or link of the VPC: next hop 10.0.1.254",
    )
    engine.put(subnet("net1", "10.0.1.0/24", "red"))
    assert "Vpc/red" in engine.dirty
    settle(engine)
    assert conditions(engine, "Vpc/red")["Routed"] == ("True", "NextHopsKnown", "")


@pytest.mark.parametrize(
    ("hop", "status", "reason"),
    [
        ("10.0.1.254", "True", "NextHopsKnown"),
        ("169.254.0.2", "True", "NextHopsKnown"),
        ("10.0.1.1", "False", "NextHopIsRouter"),
        ("169.254.0.1", "False", "NextHopIsRouter"),
        ("10.0.2.1", "False", "NextHopUnknown"),
    ],
    ids=["subnet", "link", "gateway", "our end of the link", "nowhere"],
)
def test_where_a_next_hop_is(hop: str, status: str, reason: str) -> None:
    engine = base()
    link = {"remoteVpc": "blue", "localConnectIP": "169.254.0.1/30"}
    ignored = {"action": "drop", "match": "ip4", "nextHopIP": "192.0.2.1"}
    routes = [{"cidr": "0.0.0.0/0", "nextHopIP": hop}]
    engine.put(vpc("red", staticRoutes=routes, vpcPeerings=[link], policyRoutes=[ignored]))
    engine.put(subnet("net1", "10.0.1.0/24", "red"))
    assert conditions(engine, "Vpc/red")["Routed"][:2] == (status, reason)


def test_a_field_within_a_route_that_has_no_effect_is_named() -> None:
    engine = base()
    engine.put(vpc("red", staticRoutes=[{"cidr": "0.0.0.0/0", "nextHopIP": "10.0.1.1", "bfdId": "x"}], enableBfd=True))
    said = "accepted, without effect in this version: spec.enableBfd, spec.staticRoutes.bfdId"
    assert conditions(engine, "Vpc/red")["Supported"] == ("False", "NotYetInEffect", said)


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"staticRoutes": [{"cidr": "0.0.0.0/0"}]}, "spec.staticRoutes.0.nextHopIP: is required"),
        ({"staticRoutes": [{"nextHopIP": "10.0.0.1"}]}, "spec.staticRoutes.0.cidr: is required"),
        (
            {"staticRoutes": [{"cidr": "::/0", "nextHopIP": "10.0.0.1"}]},
            "spec.staticRoutes.0.cidr: ::/0 has no nextHopIP of its family in '10.0.0.1'",
        ),
        ({"policyRoutes": [{"action": "drop", "priority": 1}]}, "spec.policyRoutes.0.match: is required"),
        (
            {"policyRoutes": [{"action": "drop", "match": "ip4", "priority": 1}] * 2},
            "spec.policyRoutes.1.match: 'ip4' is given with this priority by policy 0 too",
        ),
        (
            {"policyRoutes": [{"action": "reroute", "match": "ip4", "nextHopIP": "gw"}]},
            "spec.policyRoutes.0.nextHopIP: 'gw' does not appear to be an IPv4 or IPv6 address",
        ),
        (
            {"policyRoutes": [{"action": "reroute", "match": "ip", "nextHopIP": "10.0.1.1,fd00::1"}]},
            "spec.policyRoutes.0.nextHopIP: '10.0.1.1,fd00::1' mixes IPv4 and IPv6: a policy of each is needed",
        ),
        (
            {"vpcPeerings": [{"remoteVpc": "red", "localConnectIP": "169.254.0.1/30"}]},
            "spec.vpcPeerings.0.remoteVpc: 'red': a VPC has no link to itself",
        ),
        ({"vpcPeerings": [{"localConnectIP": "169.254.0.1/30"}]}, "spec.vpcPeerings.0.remoteVpc: is required"),
        (
            {"vpcPeerings": [{"remoteVpc": "b", "localConnectIP": "169.254.0.1"}]},
            "spec.vpcPeerings.0.localConnectIP: '169.254.0.1' has no prefix length, as 169.254.0.1/30 has",
        ),
        ({"vpcPeerings": [{"remoteVpc": "b"}]}, "spec.vpcPeerings.0.localConnectIP: is required"),
        (
            {"vpcPeerings": [{"remoteVpc": "b", "localConnectIP": f"169.254.{n}.1/30"} for n in (0, 1)]},
            "spec.vpcPeerings.1.remoteVpc: 'b' is given twice",
        ),
        (
            {"vpcPeerings": [{"remoteVpc": "b", "localConnectIP": "169.254.0.1/32"}]},
            "spec.vpcPeerings.0.localConnectIP: 169.254.0.1/32 leaves no address to the other side",
        ),
        (
            {"vpcPeerings": [{"remoteVpc": "b", "localConnectIP": "169.254.0.3/30"}]},
            "spec.vpcPeerings.0.localConnectIP: 169.254.0.3 is not an address that a router may have in 169.254.0.0/30",
        ),
        (
            {"vpcPeerings": [{"remoteVpc": name, "localConnectIP": "169.254.0.1/30"} for name in "bc"]},
            "spec.vpcPeerings.1.localConnectIP: 169.254.0.1/30 overlaps 169.254.0.1/30 of another link of this VPC",
        ),
    ],
)
def test_refused_by_itself(spec: Spec, problem: str) -> None:
    with pytest.raises(InvalidError) as caught:
        vpc("red", **spec)
    assert [f"{item.field}: {item.message}" for item in caught.value.problems] == [problem]


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (
            {"vpcPeerings": [{"remoteVpc": "blue", "localConnectIP": "10.0.1.1/30"}]},
            "spec.vpcPeerings.0.localConnectIP: 10.0.1.1/30 overlaps 10.0.1.0/24 of Subnet/net1 in Vpc/red",
        ),
        (
            {"vpcPeerings": [{"remoteVpc": "blue", "localConnectIP": "10.0.2.1/30"}]},
            "spec.vpcPeerings.0.localConnectIP: 10.0.2.1/30 overlaps 10.0.2.0/24 of Subnet/net2 in Vpc/blue",
        ),
        (
            {"vpcPeerings": [{"remoteVpc": "net1", "localConnectIP": "169.254.0.1/30"}]},
            "spec.vpcPeerings.0.remoteVpc: 'net1': the router port red-net1 is that of Subnet/net1 already",
        ),
        (
            {"vpcPeerings": [{"remoteVpc": "blue", "localConnectIP": "169.254.9.2/30"}]},
            "spec.vpcPeerings.0.localConnectIP: 169.254.9.2 is the address of Vpc/blue on the link",
        ),
    ],
)
def test_refused_among_others(spec: Spec, problem: str) -> None:
    engine = base()
    for item in (
        vpc("red"),
        vpc("blue", vpcPeerings=[{"remoteVpc": "red", "localConnectIP": "169.254.9.2/30"}]),
        subnet("net1", "10.0.1.0/24", "red"),
        subnet("net2", "10.0.2.0/24", "blue"),
    ):
        engine.put(item)
    assert [f"{item.field}: {item.message}" for item in check_put(engine.view, vpc("red", **spec))] == [problem]


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (
            subnet("late", "169.254.9.0/24", "blue"),
            "spec.cidrBlock: 169.254.9.0/24 overlaps 169.254.9.0/30, the link of Vpc/blue to Vpc/red",
        ),
        (
            subnet("late", "10.0.2.0/24,fd00:9::/64", "red"),
            "spec.cidrBlock: fd00:9::/64 overlaps fd00:9::/126, the link of Vpc/blue to Vpc/red",
        ),
        (
            subnet("b-c", "10.0.3.0/24", "a"),
            "metadata.name: 'b-c': the router port a-b-c is that of Subnet/c already",
        ),
        (
            subnet("x", "10.0.3.0/24", "y-z"),
            "metadata.name: 'x': the switch port x-y-z is that of Subnet/x-y already",
        ),
        (
            subnet("red", "10.0.3.0/24", "blue"),
            "metadata.name: 'red': the router port blue-red is that of the link of Vpc/blue to Vpc/red already",
        ),
        (
            vpc("a", vpcPeerings=[{"remoteVpc": "b-c", "localConnectIP": "169.254.0.1/30"}]),
            "spec.vpcPeerings.0.remoteVpc: 'b-c': the router port a-b-c is that of Subnet/c already",
        ),
        (
            subnet("a-b", "10.0.3.0/24", "c"),
            (
                "metadata.name: 'a-b': the router port c-a-b is that of Subnet/c already|"
                "metadata.name: 'a-b': the switch port a-b-c is that of Subnet/c already"
            ),
        ),
        (
            subnet("blue", "10.0.3.0/24", "red"),
            "metadata.name: 'blue': the switch port blue-red is that of the link of Vpc/blue to Vpc/red already",
        ),
    ],
    ids=[
        "link of its VPC",
        "link to its VPC",
        "router port",
        "switch port",
        "port of a link",
        "link and router port",
        "router and switch port",
        "link and switch port",
    ],
)
def test_what_comes_later_is_not_in_the_way(item: Resource, problem: str) -> None:
    engine = base()
    for known in (
        vpc("red"),
        vpc("blue", vpcPeerings=[{"remoteVpc": "red", "localConnectIP": "169.254.9.2/30,fd00:9::2/126"}]),
        *(vpc(name) for name in ("a", "a-b", "c", "z", "y-z")),
        subnet("c", "10.0.2.0/24", "a-b"),
        subnet("x-y", "10.0.2.0/24", "z"),
        subnet("elsewhere", "169.254.9.0/24", "a"),
    ):
        engine.put(known)
    assert not engine.rejected
    assert [f"{p.field}: {p.message}" for p in check_put(engine.view, item)] == problem.split("|")


@pytest.mark.parametrize(
    ("name", "switched"), [("shop", "shop-shop-router"), ("web", "web-shop")], ids=["the VPC's name", "its own"]
)
def test_a_subnets_ports_have_two_names(name: str, switched: str) -> None:
    """OVN has one table for the ports of routers and of switches, and drops one of two with the same name."""
    engine = base()
    for item in (vpc("shop"), subnet(name, "10.0.3.0/24", "shop")):
        engine.put(item)
    rows = engine.compile(f"Subnet/{name}").northbound
    names = {row.table: row.columns["name"] for row in rows if row.table.endswith("_Port")}
    assert names == {"Logical_Router_Port": f"shop-{name}", "Logical_Switch_Port": switched}


_ITEMS: list[Resource] = [
    vpc("red"),
    vpc("red", vpcPeerings=[{"remoteVpc": "blue", "localConnectIP": "169.254.0.1/30"}]),
    vpc(
        "red",
        vpcPeerings=[{"remoteVpc": "blue", "localConnectIP": "169.254.1.1/30"}],
        staticRoutes=[{"cidr": "10.2.0.0/16", "nextHopIP": "169.254.1.2"}],
    ),
    vpc("blue", vpcPeerings=[{"remoteVpc": "red", "localConnectIP": "169.254.0.2/30"}]),
    vpc("blue", policyRoutes=[{"action": "reroute", "match": "ip4", "nextHopIP": "10.1.0.9"}]),
    subnet("one", "10.1.0.0/16", "red"),
    subnet("two", "10.1.0.0/24", "blue"),
    subnet("two", "10.2.0.0/24", "blue", routeTable="rtb"),
    subnet("two", "10.2.0.0/24", "red"),
]


@given(st.lists(st.sampled_from([*_ITEMS, "Vpc/red", "Vpc/blue", "Subnet/one", "Subnet/two", "settle"]), max_size=20))
def test_whom_a_change_concerns_is_told(steps: list[Resource | str]) -> None:
    """What was said last, when an owner was dirty, is what would be said now; so are its rows."""
    engine, said = base(), dict[str, Any]()
    for step in [*steps, "settle"]:
        if step == "settle":
            dirty = [ref for ref in engine.dirty if ref.startswith("Vpc/")]
            settle(engine)
            said |= {ref: (engine.status(ref), engine.compile(ref)) for ref in dirty}
        elif isinstance(step, str):
            engine.remove_ref(step)
        else:
            engine.put(step)
    assert {ref: (engine.status(ref), engine.compile(ref)) for ref in said} == said
