"""Given an object, these rows: one table a kind."""

from __future__ import annotations

from tests.unit.topology.build import host, pod, reservation, subnet, vpc
from weft.api.core import Pod
from weft.api.ip import IP
from weft.ovsdb.columns import NORTHBOUND, PARENTS, WEFT, Ownership
from weft.topology.host import compile_host
from weft.topology.network import Attached, Network
from weft.topology.pod import compile_pods
from weft.topology.rows import Ref, Row, Rows
from weft.topology.subnet import compile_subnet
from weft.topology.vpc import compile_vpc

DUAL = "10.66.0.0/16,fd00:66::/64"


def _ip(name: str = "web.ns1", address: str = "10.66.0.11") -> IP:
    return reservation(name, "blue", address, pod="web", ns="ns1")


def _rows(given: Pod, ip: IP) -> Rows:
    attached = Attached(Network("ovn", given.port_name, given.port_name), ip, default_route=True)
    return compile_pods([given], [attached], {"blue": subnet("blue", DUAL, "red")})


def test_a_vpc_is_a_router() -> None:
    assert compile_vpc(vpc("red")) == Rows(
        northbound=(
            Row("Logical_Router", "Vpc/red", {"name": "red", "external_ids": {"vendor": "kube-ovn", "vpc": "red"}}),
        )
    )


def test_a_subnet_is_a_switch_joined_to_its_router() -> None:
    rows = compile_subnet(subnet("blue", DUAL, "red", mtu=1400, gateway="10.66.255.254"))
    assert rows.northbound == (
        Row(
            "Logical_Switch",
            "Subnet/blue",
            {"name": "blue", "external_ids": {"vendor": "kube-ovn", "vpc": "red"}, "other_config": {}},
        ),
        Row(
            "Logical_Router_Port",
            "Subnet/blue",
            {
                "name": "red-blue",
                "mac": "0a:58:0a:42:ff:fe",
                "networks": ("10.66.255.254/16", "fd00:66::1/64"),
                "options": {},
                "ipv6_ra_configs": {},
                "external_ids": {"vendor": "kube-ovn", "subnet": "blue"},
            },
            key="red/router",
            parent=Ref("Logical_Router", "Vpc/red"),
        ),
        Row(
            "Logical_Switch_Port",
            "Subnet/blue",
            {
                "name": "blue-red",
                "type": "router",
                "addresses": ("router",),
                "options": {"router-port": "red-blue"},
                "external_ids": {"vendor": "kube-ovn", "ls": "blue"},
            },
            key="red/switch",
            parent=Ref("Logical_Switch", "Subnet/blue"),
        ),
    )
    assert rows.weft == (
        Row(
            "Subnet",
            "Subnet/blue",
            {
                "name": "blue",
                "vpc": "red",
                "cidrs": ("10.66.0.0/16", "fd00:66::/64"),
                "gateways": ("10.66.255.254", "fd00:66::1"),
                "mtu": 1400,
                "node_network": "",
                "host_routed": False,
                "nat_outgoing": False,
                "egress_gateways": (),
                "policy_table": (),
                "policy_priority": (),
                "gateway_hosts": (),
                "gateway_check": True,
                "gateway_addresses": {},
            },
        ),
    )


def test_hosts_route_the_subnets_of_the_default_vpc_and_not_their_own() -> None:
    routed = {
        given.name: compile_subnet(given).weft[0].columns["host_routed"]
        for given in (
            subnet("ovn-default", "10.16.0.0/16"),
            subnet("join", "100.64.0.0/16"),
            subnet("blue", "10.66.0.0/16", "red"),
        )
    }
    assert routed == {"ovn-default": True, "join": False, "blue": False}


def test_a_pod_is_a_port_and_a_row_for_its_host() -> None:
    given = pod("web", "blue", node="lab1", **{"weft.ovn/netns": "web"})
    rows = _rows(given, _ip(address="10.66.0.11,fd00:66::b"))
    assert rows.northbound == (
        Row(
            "Logical_Switch_Port",
            "Pod/ns1/web",
            {
                "name": "web.ns1",
                "addresses": ("0a:58:00:00:00:09 10.66.0.11 fd00:66::b",),
                "options": {"requested-chassis": "lab1"},
                "external_ids": {"vendor": "kube-ovn", "ls": "blue", "pod": "ns1/web"},
            },
            key="blue/port",
            parent=Ref("Logical_Switch", "Subnet/blue"),
        ),
    )
    assert rows.weft == (
        Row(
            "Port",
            "Pod/ns1/web",
            {
                "name": "web.ns1",
                "host": "lab1",
                "pod_namespace": "ns1",
                "pod_name": "web",
                "pod_uid": "uid-web",
                "interface": "eth0",
                "subnet": "blue",
                "mac": "0a:58:00:00:00:09",
                "addresses": ("10.66.0.11", "fd00:66::b"),
                "device_type": "veth",
                "provider": "ovn",
                "routes": (),
                "default_route": True,
                "shaping": {},
                "mirrors": (),
                "arriving": False,
                "node_network": "",
                "netns": "web",
            },
        ),
    )


def test_a_pod_without_a_host_is_no_hosts_business() -> None:
    rows = _rows(pod("web", "blue"), _ip())
    assert rows.weft == ()
    assert rows.northbound[0].columns["options"] == {}


def test_a_host_is_a_port_of_the_join_subnet() -> None:
    join = subnet("join", "100.64.0.0/16,fd00:100:64::/112", mtu=1300)
    rows = compile_host(host("lab1"), reservation("node-lab1", "join", "100.64.0.2,fd00:100:64::2", node="lab1"), join)
    assert rows.northbound[:1] == (
        Row(
            "Logical_Switch_Port",
            "Host/lab1",
            {
                "name": "node-lab1",
                "addresses": ("0a:58:00:00:00:09 100.64.0.2 fd00:100:64::2",),
                "options": {"requested-chassis": "lab1"},
                "external_ids": {"vendor": "kube-ovn", "ls": "join", "node": "lab1"},
            },
            key="join/port",
            parent=Ref("Logical_Switch", "Subnet/join"),
        ),
    )
    assert rows.weft == (
        Row(
            "Host",
            "Host/lab1",
            {
                "name": "lab1",
                "port": "node-lab1",
                "mac": "0a:58:00:00:00:09",
                "addresses": ("100.64.0.2/16", "fd00:100:64::2/112"),
                "gateways": ("100.64.0.1", "fd00:100:64::1"),
                "mtu": 1300,
                "tunnel_interface": "",
                "networks": {},
                "own_addresses": (),
            },
        ),
    )


def test_what_pods_of_a_subnet_share_is_not_on_them() -> None:
    """Nothing of a pod's rows follows from the subnet's mtu, gateway or prefix length."""
    rows = _rows(pod("web", "blue", node="lab1"), _ip())
    texts = " ".join(str(row.columns) for row in (*rows.northbound, *rows.weft))
    assert "/16" not in texts
    assert "mtu" not in texts
    assert "10.66.0.1'" not in texts


def test_owners_write_columns_that_are_theirs_alone() -> None:
    join = subnet("join", "100.64.0.0/16")
    everything = (
        compile_vpc(vpc("red")),
        compile_subnet(subnet("blue", DUAL, "red")),
        _rows(pod("web", "blue", node="lab1"), _ip()),
        compile_host(host("lab1"), reservation("node-lab1", "join", "100.64.0.2", node="lab1"), join),
    )
    for tables, rows in (
        (NORTHBOUND, [r for e in everything for r in e.northbound]),
        (WEFT, [r for e in everything for r in e.weft]),
    ):
        for row in rows:
            ownership = {tables[row.table][column] for column in row.columns}
            assert ownership <= {Ownership.OWN, Ownership.KEYS}
            parents = {table for table, _ in PARENTS.get(row.table, ())}
            assert (row.parent.table in parents) if row.parent else not parents
