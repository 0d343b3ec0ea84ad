"""Routes, policies and peerings of VPCs (Kube-OVN 1.15 manual, sections 5.1.4 and 5.9): rows, conditions, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.topology.build import base, settle, subnet, vpc
from weft.api.problem import InvalidError
from weft.topology.engine import Engine
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


def test_the_order_of_a_list_is_nobodys_news() -> None:
    routes = [{"cidr": f"10.{n}.0.0/16", "nextHopIP": "10.0.1.254"} for n in range(3)]
    one, other = compile_vpc(vpc("red", staticRoutes=routes)), compile_vpc(vpc("red", staticRoutes=routes[::-1]))
    assert {row.ref: row.columns for row in one.northbound} == {row.ref: row.columns for row in other.northbound}


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
