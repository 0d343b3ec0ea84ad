"""By which hosts traffic leaves the default VPC (manual, section 3.1.4): policies, hosts, what touches whom."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.topology.build import base, host, node, pod, settle, subnet, vpc
from weft.topology.engine import Engine
from weft.topology.view import Host

PLACES = {"lab1": "100.64.0.2", "lab2": "100.64.0.3", "lab3": "100.64.0.4"}
SOURCE = "ip4.src == $ovn.cluster.distributed.IPv4"
BOTH = {"gatewayType": "centralized", "gatewayNode": "lab2, lab1"}


def fabric(*items: Any) -> Engine:
    """With the hosts lab1, lab2 and lab3, which have the addresses `PLACES`."""
    engine = base()
    for name in PLACES:
        engine.put(host(name))
        settle(engine)
    for item in items:
        engine.put(item)
    settle(engine)
    return engine


def policies(engine: Engine, owner: str) -> list[tuple[Any, ...]]:
    rows = [row for row in engine.compile(owner).northbound if row.table == "Logical_Router_Policy"]
    return sorted(
        tuple(row.columns.get(name, ()) for name in ("priority", "match", "action", "nexthops")) for row in rows
    )


def sets(engine: Engine) -> dict[str, Any]:
    rows = [row for row in engine.compile("Vpc/ovn-cluster").northbound if row.table == "Address_Set"]
    return {row.columns["name"]: row.columns["addresses"] for row in rows}


def leaving(engine: Engine, name: str) -> tuple[str, ...]:
    """Next hops of a subnet's own policy; none when it has no such policy."""
    found = [hops for priority, _, _, hops in policies(engine, f"Subnet/{name}") if priority == 29000]
    return found[0] if found else ()


def told(engine: Engine, name: str) -> tuple[str, Any]:
    """activateGateway, and what the condition says."""
    status = engine.status(f"Subnet/{name}")
    assert status is not None
    (found,) = [item for item in status["conditions"] if item["type"] == "Gateway"]
    return status["activateGateway"], (found["status"], found["reason"], found["message"])


def test_a_host_is_the_way_out_of_its_own_pods_and_the_way_to_itself() -> None:
    engine = fabric(host("lab1", "192.0.2.1", "198.51.100.1", "2001:db8::1"))
    assert policies(engine, "Host/lab1") == [
        (29000, f'{SOURCE} && is_chassis_resident("node-lab1")', "reroute", ("100.64.0.2",)),
        (30000, "ip4.dst == {192.0.2.1, 198.51.100.1}", "reroute", ("100.64.0.2",)),
    ]


def test_both_families() -> None:
    engine = Engine()
    for item in (vpc("ovn-cluster"), subnet("join", "100.64.0.0/16,fd00:100:64::/112"), host("lab1", "2001:db8::1")):
        engine.put(item)
    settle(engine)
    six = "ip6.src == $ovn.cluster.distributed.IPv6"
    assert policies(engine, "Host/lab1") == [
        (29000, f'{SOURCE} && is_chassis_resident("node-lab1")', "reroute", ("100.64.0.2",)),
        (29000, f'{six} && is_chassis_resident("node-lab1")', "reroute", ("fd00:100:64::2",)),
        (30000, "ip6.dst == 2001:db8::1", "reroute", ("fd00:100:64::2",)),
    ]
    routes = [row for row in engine.compile("Vpc/ovn-cluster").northbound if row.table == "Logical_Router_Static_Route"]
    assert [(row.columns["ip_prefix"], row.columns["nexthop"]) for row in routes] == [
        ("0.0.0.0/0", "100.64.0.1"),
        ("::/0", "fd00:100:64::1"),
    ]


@pytest.mark.parametrize(
    ("hosts", "nodes", "own"),
    [
        ([], [], []),
        ([host("lab1", "192.0.2.1")], [], ["ip4.dst == 192.0.2.1"]),
        ([host("lab1", "192.0.2.1", "172.17.0.1")], [node("lab1", "192.0.2.1")], ["ip4.dst == 192.0.2.1"]),
        ([host("lab1", "192.0.2.1")], [node("lab1")], ["ip4.dst == 192.0.2.1"]),
        ([host("lab1", "192.0.2.1", "172.17.0.1"), host("lab2", "172.17.0.1")], [], ["ip4.dst == 192.0.2.1"]),
        ([host("lab1", "172.17.0.1")], [node("lab2", "172.17.0.1")], []),
        ([host("lab1", "not an address")], [], []),
    ],
    ids=["none", "the agent's", "the node's", "no node's", "shared", "another node's", "broken"],
)
def test_which_addresses_are_a_hosts_own(hosts: list[Host], nodes: list[Any], own: list[str]) -> None:
    engine = fabric(*hosts, *nodes)
    assert [match for priority, match, *_ in policies(engine, "Host/lab1") if priority == 30000] == own
    (told,) = engine.compile("Host/lab1").weft
    assert [f"ip4.dst == {address}" for address in told.columns["own_addresses"]] == own, "hosts are told the same"


def test_an_address_that_another_host_has_too_is_nobodys_until_it_is_gone() -> None:
    engine = fabric(host("lab1", "192.0.2.1"))
    engine.put(host("lab2", "192.0.2.1"))
    assert {"Host/lab1", "Host/lab2"} <= set(settle(engine))
    assert len(policies(engine, "Host/lab1")) == 1
    engine.remove_ref("Host/lab2")
    assert "Host/lab1" in settle(engine)
    assert len(policies(engine, "Host/lab1")) == 2


def test_distributed_subnets_are_a_set_and_have_no_policy() -> None:
    engine = fabric(
        subnet("blue", "10.66.0.0/16,fd00:66::/64"),
        subnet("gate", "10.67.0.0/16", **BOTH),
        subnet("red", "10.68.0.0/16", "other"),
        subnet("wire", "10.69.0.0/16", vlan="vlan1"),
    )
    assert sets(engine) == {
        "ovn.cluster.distributed.IPv4": ("10.66.0.0/16", "10.16.0.0/16"),
        "ovn.cluster.distributed.IPv6": ("fd00:66::/64",),
    }
    assert leaving(engine, "blue") == ()
    assert engine.compile("Subnet/blue").weft[0].columns["gateway_hosts"] == ()


def test_a_pod_costs_no_row_of_this() -> None:
    engine = fabric()
    engine.put(pod("web", node="lab1"))
    assert not {"Host/lab1", "Vpc/ovn-cluster"} & set(settle(engine))
    assert not policies(engine, "Pod/ns1/web")


CHOICES: list[tuple[dict[str, Any], list[Any], str, tuple[str, str, str]]] = [
    (BOTH, [], "lab2", ("True", "HostsFit", "")),
    ({**BOTH, "enableEcmp": True}, [], "lab2,lab1", ("True", "HostsFit", "")),
    (BOTH, [host("lab2", ready=False)], "lab1", ("True", "HostsFit", "not ready: lab2")),
    (BOTH, [node("lab2", ready="Unknown")], "lab1", ("True", "HostsFit", "not ready: lab2")),
    ({**BOTH, "enableEcmp": True}, [host("lab2", ready=False)], "lab1", ("True", "HostsFit", "not ready: lab2")),
    (
        BOTH,
        [host("lab1", ready=False), host("lab2", ready=False)],
        "lab2",
        ("False", "HostsUnfit", "not ready, and in use for want of others: lab2, lab1"),
    ),
    ({**BOTH, "gatewayNode": "lab9,lab3"}, [], "lab3", ("True", "HostsFit", "not in the fabric: lab9")),
    (
        {**BOTH, "gatewayNode": "lab9"},
        [],
        "",
        ("False", "NoHost", "no host of the fabric is one of lab9: what leaves the fabric is dropped"),
    ),
    (
        {"gatewayType": "centralized"},
        [],
        "",
        ("False", "NoHost", "no host is named or chosen: what leaves the fabric is dropped"),
    ),
    (
        {"gatewayType": "centralized", "gatewayNodeSelectors": [{"matchLabels": {key: "1"}} for key in "ab"]},
        [node("lab3", a="1"), node("lab1", b="1"), node("lab2", b="3")],
        "lab1",
        ("True", "HostsFit", ""),
    ),
    (
        {**BOTH, "gatewayNodeSelectors": [{"matchLabels": {"a": "1"}}]},
        [node("lab3", a="1")],
        "lab2",
        ("True", "HostsFit", ""),
    ),
]


@pytest.mark.parametrize(("spec", "states", "active", "says"), CHOICES)
def test_which_hosts_a_centralized_subnet_leaves_by(
    spec: dict[str, Any], states: list[Any], active: str, says: tuple[str, str, str]
) -> None:
    engine = fabric(subnet("gate", "10.67.0.0/16", **spec), *states)
    assert told(engine, "gate") == (active, says)
    assert leaving(engine, "gate") == tuple(sorted(PLACES[name] for name in filter(None, active.split(","))))


def test_hosts_are_told_of_all_that_may_be_the_gateway_and_what_they_translate_to() -> None:
    gate = subnet("gate", "10.67.0.0/16", **BOTH | {"gatewayNode": "lab1:172.18.0.2, lab2:172.18.0.3,lab9"})
    (row, *_) = fabric(gate).compile("Subnet/gate").weft
    assert row.columns["gateway_hosts"] == ("lab1", "lab2")
    assert row.columns["gateway_addresses"] == {"lab1": "172.18.0.2", "lab2": "172.18.0.3"}


@pytest.mark.parametrize(
    ("change", "concerned"),
    [
        (host("lab2", ready=False), True),
        (host("lab2", "192.0.2.9"), False),
        (host("lab2"), False),
        (node("lab2", "192.0.2.9"), True),
        (host("lab4"), True),
    ],
    ids=["unfit", "address", "same", "new node", "new host"],
)
def test_a_centralized_subnet_is_compiled_anew_when_its_hosts_may_be_others(change: Any, concerned: bool) -> None:
    engine = fabric(subnet("gate", "10.67.0.0/16", **BOTH))
    engine.put(change)
    assert ("Subnet/gate" in settle(engine)) == concerned
    assert "Subnet/ovn-default" not in engine.dirty


def test_a_host_that_is_gone_is_no_gateway() -> None:
    engine = fabric(subnet("gate", "10.67.0.0/16", **BOTH))
    engine.remove_ref("Host/lab2")
    settle(engine)
    assert leaving(engine, "gate") == ("100.64.0.2",)
    engine.put(node("lab1", ready="False"))
    engine.put(host("lab2"))
    settle(engine)
    assert leaving(engine, "gate") != ("100.64.0.2",)


def test_what_the_vpcs_own_routes_and_links_name_does_not_leave_by_hosts() -> None:
    routes = [
        {"cidr": "0.0.0.0/0", "nextHopIP": "100.64.0.1"},
        {"cidr": "192.168.0.0/16", "nextHopIP": "169.254.0.2"},
        {"policy": "policySrc", "cidr": "10.66.0.9", "nextHopIP": "10.66.0.8"},
        {"cidr": "0.0.0.0/0", "nextHopIP": "10.66.0.8", "routeTable": "own"},
        {"cidr": "172.16.0.0/12", "nextHopIP": "10.66.0.8", "routeTable": "own"},
        {"cidr": "172.16.0.0/12", "nextHopIP": "10.66.0.8", "routeTable": "nobodys"},
    ]
    links = [{"remoteVpc": "red", "localConnectIP": "169.254.0.1/30"}]
    engine = fabric(
        vpc("ovn-cluster", staticRoutes=routes, vpcPeerings=links), subnet("blue", "10.66.0.0/16", routeTable="own")
    )
    assert policies(engine, "Vpc/ovn-cluster") == [
        (29050, match, "allow", ())
        for match in (
            "ip4.dst == 169.254.0.0/30",
            "ip4.dst == 192.168.0.0/16",
            "ip4.src == 10.66.0.0/16",
            "ip4.src == 10.66.0.0/16 && ip4.dst == 172.16.0.0/12",
            "ip4.src == 10.66.0.9/32",
        )
    ]


def test_another_vpc_has_none_of_this() -> None:
    engine = fabric(vpc("red"), subnet("blue", "10.66.0.0/16", "red", **BOTH))
    assert [row.table for row in engine.compile("Vpc/red").northbound] == ["Logical_Router"]
    assert not policies(engine, "Subnet/blue")
    status = engine.status("Subnet/blue")
    assert status is not None
    assert [item["type"] for item in status["conditions"]] == ["Ready"]
