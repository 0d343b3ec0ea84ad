"""Rules between objects: what is refused, and in which words."""

from __future__ import annotations

import pytest

from tests.unit.topology.build import ippool, namespace, pod, reservation, subnet, vpc
from weft.api.annotations import NETNS
from weft.api.base import Resource
from weft.api.core import Pod
from weft.topology import claims, rules
from weft.topology.request import Request
from weft.topology.settings import Settings
from weft.topology.view import View


def _world(*more: Resource) -> View:
    view = View()
    for item in (
        vpc("ovn-cluster"),
        vpc("red", namespaces=["ns-red"]),
        vpc("green"),
        namespace("ns1"),
        subnet("join", "100.64.0.0/16"),
        subnet("ovn-default", "10.16.0.0/16", default=True),
        subnet("red-net", "10.66.0.0/16", "red"),
        *more,
    ):
        view.put(item)
    return view


EGRESS = {"externalEgressGateway": "192.0.2.1", "policyRoutingTableID": 1000, "policyRoutingPriority": 1500}
TABLE_1000 = subnet("external", "10.18.0.0/16", **EGRESS)
USED = reservation("web.ns1", "red-net", "10.66.0.11", pod="web", ns="ns1")


@pytest.mark.parametrize(
    ("more", "item", "problems"),
    [
        pytest.param([], subnet("blue", "10.17.0.0/16"), [], id="a neighbour"),
        pytest.param([], subnet("blue", "10.66.0.0/16", "green"), [], id="the same CIDR in another VPC"),
        pytest.param([], subnet("blue", "100.64.0.0/16", "green"), [], id="join is a neighbour in its own VPC only"),
        pytest.param([], subnet("ovn-default", "10.16.0.0/16", default=True), [], id="itself"),
        pytest.param([], subnet("ovn-default", "10.16.0.0/15", default=True), [], id="itself, grown"),
        pytest.param(
            [TABLE_1000], subnet("blue", "10.17.0.0/16", **EGRESS | {"policyRoutingTableID": 1001}), [], id="tables"
        ),
        pytest.param([TABLE_1000], TABLE_1000, [], id="its own table"),
        pytest.param(
            [TABLE_1000],
            subnet("blue", "10.17.0.0/16", **EGRESS),
            ["spec.policyRoutingTableID: 1000 is that of Subnet/external already"],
            id="another's table",
        ),
        pytest.param(
            [],
            subnet("blue", "10.66.128.0/17", "red"),
            ["spec.cidrBlock: 10.66.128.0/17 overlaps 10.66.0.0/16 of Subnet/red-net in Vpc/red"],
            id="part of a neighbour",
        ),
        pytest.param(
            [],
            subnet("blue", "100.64.7.0/24"),
            ["spec.cidrBlock: 100.64.7.0/24 overlaps 100.64.0.0/16 of Subnet/join in Vpc/ovn-cluster"],
            id="part of join",
        ),
        pytest.param(
            [subnet("six", "10.70.0.0/24,fd00::/64", "red")],
            subnet("blue", "10.0.0.0/8,fd00::/32", "red"),
            [
                "spec.cidrBlock: 10.0.0.0/8 overlaps 10.66.0.0/16 of Subnet/red-net in Vpc/red",
                "spec.cidrBlock: 10.0.0.0/8 overlaps 10.70.0.0/24 of Subnet/six in Vpc/red",
                "spec.cidrBlock: fd00::/32 overlaps fd00::/64 of Subnet/six in Vpc/red",
            ],
            id="around several, in both families",
        ),
        pytest.param(
            [], subnet("blue", "10.0.0.0/24", "nope"), ["spec.vpc: Vpc/nope does not exist"], id="no such VPC"
        ),
        pytest.param(
            [], subnet("blue", "10.16.0.0/24", provider="net1.default"), [], id="no overlay: its VPC does not matter"
        ),
        pytest.param(
            [subnet("one", "10.0.0.0/24", provider="net1.default")],
            subnet("two", "10.0.0.0/16", provider="net1.default"),
            ["spec.cidrBlock: 10.0.0.0/16 overlaps 10.0.0.0/24 of Subnet/one in net1.default"],
            id="addresses of one provider",
        ),
        pytest.param(
            [],
            subnet("blue", "10.0.0.0/24", default=True),
            ["spec.default: Subnet/ovn-default is the default already; one is allowed"],
            id="two defaults",
        ),
        pytest.param(
            [],
            subnet("blue", "10.0.0.0/24", "red", namespaces=["ns-red", "ns1"]),
            ["spec.namespaces: 'ns1' is not in Vpc/red spec.namespaces (ns-red)"],
            id="a namespace that is not the VPC's",
        ),
        pytest.param([], subnet("blue", "10.0.0.0/24", "green", namespaces=["ns1"]), [], id="a VPC for any namespace"),
        pytest.param([USED], subnet("red-net", "10.66.0.0/24", "red"), [], id="shrunk, users inside"),
        pytest.param([], subnet("red-net", "10.70.0.0/24", "red"), [], id="moved, nobody uses it"),
        pytest.param(
            [USED],
            subnet("red-net", "10.66.1.0/24", "red"),
            ["spec.cidrBlock: 10.66.1.0/24 does not contain 10.66.0.11, which is in use by web.ns1"],
            id="shrunk under a user",
        ),
        pytest.param(
            [USED],
            subnet("red-net", "10.66.0.8/30", "red"),
            ["spec.cidrBlock: 10.66.0.8/30 does not let a workload have 10.66.0.11, which is in use by web.ns1"],
            id="shrunk until a user's address is the broadcast address",
        ),
        pytest.param(
            [USED],
            subnet("red-net", "10.66.0.0/16", "red", gateway="10.66.0.11"),
            ["spec.gateway: 10.66.0.11 is in use by web.ns1"],
            id="gateway in use",
        ),
        pytest.param(
            [USED],
            subnet("red-net", "10.66.0.0/16", "green"),
            ["spec.vpc: 'green': cannot change from 'red' while 1 addresses are in use"],
            id="another VPC under a user",
        ),
        pytest.param([], subnet("red-net", "10.66.0.0/16", "green"), [], id="another VPC, nobody uses it"),
        pytest.param([USED], subnet("red-net", "10.66.0.0/16,fd00::/64", "red"), [], id="a second family under users"),
        pytest.param([], vpc("red", namespaces=["ns-red", "ns1"]), [], id="a VPC's own namespaces"),
        pytest.param(
            [],
            vpc("blue", namespaces=["ns1", "ns-red"]),
            ["spec.namespaces: 'ns-red' belongs to Vpc/red already"],
            id="a namespace in two VPCs",
        ),
        pytest.param([], namespace("any"), [], id="namespaces have no rules"),
        pytest.param(
            [ippool("theirs", "red-net", "10.66.0.9", "10.67.0.0/24")],
            ippool("p", "red-net", "10.66.255.0..10.67.1.9", "fd00::/64"),
            [],
            id="a pool's addresses beside its subnet mean nothing, and overlap nobody's",
        ),
    ],
)
def test_put(more: list[Resource], item: Resource, problems: list[str]) -> None:
    assert [str(p) for p in rules.check_put(_world(*more), item)] == [f"{item.ref}: {problem}" for problem in problems]


ADDRESS = "metadata.annotations[ovn.kubernetes.io/ip_address]"
SWITCH = "metadata.annotations[ovn.kubernetes.io/logical_switch]"


def endpoint(node: str) -> Pod:
    return pod("web", node=node, **{NETNS: "web.ns1"})


@pytest.mark.parametrize(
    ("more", "item", "problems"),
    [
        pytest.param([], pod("web"), [], id="by default"),
        pytest.param([], pod("web", "red-net"), [], id="by annotation"),
        pytest.param(
            [], pod("web", ns="nope"), ["metadata.namespace: Namespace/nope does not exist"], id="no namespace"
        ),
        pytest.param([], pod("web", "nope"), [f"{SWITCH}: Subnet/nope does not exist"], id="no such subnet"),
        pytest.param([], pod("web", ip="10.16.0.9"), [], id="static address"),
        pytest.param([USED], pod("web", "red-net", ip="10.66.0.11"), [], id="static address that is its own"),
        pytest.param(
            [USED],
            pod("db", "red-net", ip="10.66.0.11"),
            [f"{ADDRESS}: 10.66.0.11 is in use by web.ns1"],
            id="static address taken",
        ),
        pytest.param([USED], pod("db", ip="10.16.0.11"), [], id="the same address elsewhere"),
        pytest.param(
            [],
            pod("web", ip="10.66.0.11,fd00::1"),
            [
                f"{ADDRESS}: 10.66.0.11 is not inside Subnet/ovn-default 10.16.0.0/16",
                f"{ADDRESS}: fd00::1 is not inside Subnet/ovn-default 10.16.0.0/16",
            ],
            id="static addresses outside",
        ),
        pytest.param([pod("web", node="lab1")], pod("web", node="lab1"), [], id="the same host"),
        pytest.param([pod("web")], pod("web", node="lab1"), [], id="a first host"),
        pytest.param(
            [pod("web", node="lab1")],
            pod("web", node="lab2"),
            ["spec.nodeName: 'lab2': cannot change from 'lab1'; delete the pod first"],
            id="another host",
        ),
        pytest.param([endpoint("lab1")], endpoint("lab2"), [], id="another host keeps the endpoint"),
        pytest.param(
            [pod("web", node="lab1")],
            endpoint("lab2"),
            ["spec.nodeName: 'lab2': cannot change from 'lab1'; delete the pod first"],
            id="no endpoint yet, and another host",
        ),
    ],
)
def test_put_pod(more: list[Resource], item: Pod, problems: list[str]) -> None:
    assert [str(p) for p in rules.check_put(_world(*more), item)] == [f"{item.ref}: {problem}" for problem in problems]


def test_a_pod_where_no_subnet_is_the_default() -> None:
    view = View()
    view.put(namespace("ns1"))
    assert [str(p) for p in rules.check_put(view, pod("web"))] == [
        "Pod/ns1/web: metadata.namespace: no subnet: there is no default one"
    ]


SYSTEM = "is part of the fabric itself and cannot be deleted"


@pytest.mark.parametrize(
    ("more", "item", "problems"),
    [
        pytest.param([], vpc("ovn-cluster"), [SYSTEM], id="the default VPC"),
        pytest.param([], subnet("join", "100.64.0.0/16"), [SYSTEM], id="join"),
        pytest.param(
            [],
            subnet("ovn-default", "10.16.0.0/16", default=True),
            ["spec.default: true: the default subnet cannot be deleted; make another one the default first"],
            id="the default subnet",
        ),
        pytest.param([], subnet("red-net", "10.66.0.0/16", "red"), [], id="an unused subnet"),
        pytest.param(
            [USED], subnet("red-net", "10.66.0.0/16", "red"), ["is in use by 1 addresses: web.ns1"], id="used"
        ),
        pytest.param(
            [reservation(f"p{n}.ns1", "red-net", f"10.66.0.{n}", pod=f"p{n}", ns="ns1") for n in (2, 3, 4, 5)],
            subnet("red-net", "10.66.0.0/16", "red"),
            ["is in use by 4 addresses: p2.ns1, p3.ns1, p4.ns1 …"],
            id="used by many",
        ),
        pytest.param([], vpc("red"), ["is in use by 1 subnets: red-net"], id="a VPC with a subnet"),
        pytest.param([], vpc("green"), [], id="an empty VPC"),
        pytest.param([pod("web")], namespace("ns1"), ["is in use by 1 pods: web"], id="a namespace with a pod"),
        pytest.param([pod("web", ns="ns2")], namespace("ns1"), [], id="an empty namespace"),
        pytest.param([USED], pod("web"), [], id="a pod, always"),
    ],
)
def test_delete(more: list[Resource], item: Resource, problems: list[str]) -> None:
    found = rules.check_delete(_world(*more), item)
    assert [str(p) for p in found] == [f"{item.ref}: {problem}" for problem in problems]


@pytest.mark.parametrize(
    ("more", "item", "subnet_name"),
    [
        pytest.param([], pod("web"), "ovn-default", id="the fabric's default"),
        pytest.param([], pod("web", "blue"), "blue", id="annotation first"),
        pytest.param([subnet("b", "10.1.0.0/16", namespaces=["ns1"])], pod("web"), "b", id="bound to the namespace"),
        pytest.param(
            [subnet("b", "10.1.0.0/16", namespaces=["ns1"]), subnet("a", "10.2.0.0/16", namespaces=["ns1"])],
            pod("web"),
            "a",
            id="of several the first by name",
        ),
        pytest.param(
            [vpc("v", namespaces=["ns1"], defaultSubnet="red-net")], pod("web"), "red-net", id="the VPC's default"
        ),
        pytest.param([vpc("v", namespaces=["ns1"])], pod("web"), "ovn-default", id="a VPC without a default"),
    ],
)
def test_which_subnet_a_pod_belongs_to(more: list[Resource], item: Pod, subnet_name: str) -> None:
    """Kube-OVN 1.15 manual, section 3.1.3."""
    (request,) = claims.requests(_world(*more, item), Settings(), item.ref)
    assert isinstance(request, Request)
    assert request.subnets[0] == subnet_name


def test_indexes_follow_changes() -> None:
    view = _world(subnet("b", "10.1.0.0/16", "red", namespaces=["ns1"]))
    view.put(subnet("b", "10.1.0.0/16", "green", namespaces=["ns2"]))
    view.put(vpc("red", namespaces=["ns9"]))
    assert view.subnets_of_vpc["red"] == {"red-net"}
    assert view.subnets_of_vpc["green"] == {"b"}
    assert not view.subnets_of_namespace["ns1"]
    assert view.subnets_of_namespace["ns2"] == {"b"}
    assert not view.vpcs_of_namespace["ns-red"]
    for item in list(view.resources()):
        view.remove(item)
    assert not list(view.resources())
    assert not any(view.subnets_of_vpc.values())
    assert view.default_subnet() is None
