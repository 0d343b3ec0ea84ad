"""A subnet gets other CIDRs unless: a table of fabrics, with the reason that each must give, and what is decided."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.weft.ovn.plugins.filter.operation import operation_plan
from ansible_collections.weft.ovn.plugins.filter.operation_read import operation_behind, operation_documents

from tests.unit.plugins.test_operation import expect, reasons, well

OWNED = {"labels": {"ovn.kubernetes.io/subnet": "blue"}}
EXCLUDED = ["10.66.0.1", "10.66.0.8..10.66.0.9"]
Objects = list[dict[str, Any]]
Change = Callable[[Objects], object]


def item(
    kind: str, name: str, where: str = "", metadata: dict[str, Any] | None = None, /, **spec: Any
) -> dict[str, Any]:
    return {"kind": kind, "name": name, "namespace": where, "metadata": metadata or {}, "spec": spec}


def objects() -> Objects:
    return [
        item("Vpc", "ovn-cluster"),
        item("Subnet", "blue", cidrBlock="10.66.0.0/24", gateway="10.66.0.1", excludeIps=EXCLUDED),
        item("Subnet", "join", cidrBlock="100.64.0.0/16", gateway="100.64.0.1"),
        item("Subnet", "red", cidrBlock="10.70.0.0/16", gateway="10.70.0.1"),
        item("Subnet", "far", cidrBlock="10.67.0.0/24", vpc="other"),
        item("Pod", "web", "shop"),
        item("IP", "web.shop", "", OWNED, subnet="blue", namespace="shop", podName="web", ipAddress="10.66.0.4"),
        item("IP", "node-a", "", OWNED, subnet="join", ipAddress="100.64.0.2"),
    ]  # fmt: skip


def plan(change: Change, operation: str = "change_cidr", look: Callable[[Any], object] = id, **options: Any) -> Any:
    seen = copy.deepcopy(well())
    look(seen)
    documents = objects()
    change(documents)
    given = {"subnet": "blue", "gateway": "", "exclude_ips": "", "named": "refuse", "kubernetes": False, **options}
    return operation_plan({**seen, "documents": documents}, operation, given)


def added(*args: Any, **spec: Any) -> Change:
    return lambda documents: documents.append(item(*args, **spec))


def nothing(_objects: Objects) -> None:
    """A fabric in which the subnet may change."""


NEW = {"cidr": "10.67.0.0/24"}
REFUSED: list[tuple[Change, dict[str, Any], list[str]]] = [
    (nothing, NEW, []),
    (nothing, {**NEW, "subnet": "green"},
     ["there is no subnet green; there are blue, far, join, red"]),
    (nothing, {**NEW, "subnet": "join"}, ["the subnet join is that of hosts"]),
    (nothing, {"cidr": "10.67.0.1/24"}, ["operation_cidr: '10.67.0.1/24'"]),
    (nothing, {"cidr": "10.67.0.0/24,10.68.0.0/24"}, ["one CIDR, or one of each family"]),
    (nothing, {"cidr": "10.70.1.0/24"}, ["10.70.1.0/24 overlaps 10.70.0.0/16 of Subnet/red"]),
    (nothing, {"cidr": "192.0.2.0/24"}, [f"contains 192.0.2.{n}, the address of host" for n in (1, 2, 3)]),
    (nothing, {"cidr": "10.67.0.0/29"},
     ["exclude_ips 10.66.0.8..10.66.0.9 of Subnet/blue has no place in 10.67.0.0/29"]),
    (nothing, {"cidr": "10.67.0.0/29", "exclude_ips": "10.67.0.6"}, []),
    (nothing, {"cidr": "10.67.0.0/31", "exclude_ips": "10.67.0.1"}, ["10.67.0.0/31 has room for 0, and 1 have"]),
    (added("Pod", "db", "shop", {"annotations": {"ovn.kubernetes.io/ip_address": "10.66.0.7"}}), NEW,
     ["Pod/shop/db annotation ovn.kubernetes.io/ip_address names 10.66.0.7, so it would be without an address"]),
    (added("Vip", "v", subnet="blue", v4ip="10.66.0.9"), {**NEW, "named": "leave"},
     ["Vip/v spec.v4ip"]),
    (added("Vip", "v", subnet="blue"), NEW, []),
    (added("IPPool", "p", ips=["10.66.0.20..10.66.0.30"]), NEW,
     ["IPPool/p spec.ips.0 names 10.66.0.20, 10.66.0.30"]),
    (added("IPPool", "p", ips=["10.66.0.20..10.66.0.30"]), {**NEW, "named": "leave"}, []),
    (added("Vpc", "v2", staticRoutes=[{"cidr": "10.66.0.0/25", "nextHopIP": "10.66.0.4"}]), NEW,
     ["Vpc/v2 spec.staticRoutes.0.cidr names 10.66.0.0/25", "Vpc/v2 spec.staticRoutes.0.nextHopIP names 10.66.0.4"]),
    (added("Vpc", "v2", staticRoutes=[{"cidr": "10.66.1.0/24"}]), NEW, []),
    (added("Namespace", "n", "", {"annotations": {"ovn.kubernetes.io/cidr": "10.66.0.0/24"}}), NEW, []),
    (added("IP", "mine", subnet="blue", ipAddress="10.66.0.77"), NEW,
     ["were reserved by hand: mine"]),
    # Those who stay inside need nothing.
    (added("IP", "mine", subnet="blue", ipAddress="10.66.0.77"), {"cidr": "10.66.0.0/23"}, []),
    (nothing, {**NEW, "kubernetes": True}, ["nothing would make these pods anew: shop/web"]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "options", "expected"), REFUSED)
def test_a_subnet_changes_unless(change: Change, options: dict[str, Any], expected: list[str]) -> None:
    expect(reasons(plan(change, **options)), expected)


@pytest.mark.parametrize(
    ("why", "expected"),
    [("playbook change_cidr: Subnet/blue", []), ("lunch", ["the fabric is paused"])],
)
def test_only_its_own_pause_does_not_stop_it(why: str, expected: list[str]) -> None:
    def paused(look: Any) -> None:
        look["rows"]["Fabric"][0].update(paused=True, external_ids={"pause-reason": why})

    expect(reasons(plan(nothing, look=paused, cidr="10.67.0.0/24")), expected)


def test_a_host_that_is_not_ready_would_keep_its_addresses() -> None:
    def silent(look: Any) -> None:
        look["rows"]["Port"] = [{"name": "web.shop", "host": "a"}]
        look["rows"]["Host_Status"][0].update(last_seen=1)

    expect(reasons(plan(nothing, look=silent, cidr="10.67.0.0/24")), ["host a is not ready"])
    expect(reasons(plan(nothing, "change_join_cidr", look=silent, cidr="100.65.0.0/16")), ["host a is not ready"])


DECIDED = [
    ("10.67.0.0/24", "10.67.0.1", ["10.67.0.1", "10.67.0.8..10.67.0.9"], ["web.shop"]),
    ("10.66.0.0/23", "10.66.0.1", ["10.66.0.1", "10.66.0.8..10.66.0.9"], []),
    ("10.67.0.0/24,fd00::/64", "10.67.0.1", ["10.67.0.1", "10.67.0.8..10.67.0.9"], ["web.shop"]),
    ("10.66.0.0/24,fd00::/64", "10.66.0.1", ["10.66.0.1", "10.66.0.8..10.66.0.9"], ["web.shop"]),
    ("fd00::/64", None, [], ["web.shop"]),
]


@pytest.mark.parametrize(("cidr", "gateway", "excluded", "users"), DECIDED)
def test_what_is_decided(cidr: str, gateway: str | None, excluded: list[str], users: list[str]) -> None:
    found = plan(nothing, cidr=cidr)
    assert found["spec"] == {"name": "blue", "cidr_block": cidr, "gateway": gateway, "exclude_ips": excluded}
    assert found["users"] == users
    assert found["endpoints"] == ({"shop": ["web"]} if users else {})


def test_hosts_are_the_users_of_join() -> None:
    found = plan(nothing, "change_join_cidr", cidr="100.65.0.0/16")
    assert (found["users"], found["spec"]["gateway"], found["problems"]) == (["node-a"], "100.65.0.1", [])


def test_pods_that_something_makes_anew_are_deleted() -> None:
    def made(documents: Objects) -> None:
        next(found for found in documents if found["kind"] == "Pod")["metadata"]["ownerReferences"] = [
            {"kind": "ReplicaSet"}
        ]

    found = plan(made, cidr="10.67.0.0/24", kubernetes=True)
    assert found["problems"] == []
    assert [pod["metadata"] for pod in found["pods"]] == [{"name": "web", "namespace": "shop"}]


def test_rows_and_documents_become_the_same() -> None:
    row = {
        "kind": "Pod",
        "namespace": "a",
        "name": "b",
        "metadata": json.dumps({"labels": {}}),
        "spec": json.dumps({"x": 1}),
    }
    document = {"kind": "Pod", "metadata": {"namespace": "a", "name": "b"}, "spec": {"x": 1}}
    first, second = operation_documents([row, document])
    assert (first["namespace"], first["name"], first["spec"]) == (second["namespace"], second["name"], second["spec"])


def test_who_is_behind() -> None:
    rows = {
        "Port": [
            {"name": "old", "subnet": "blue", "addresses": ["10.66.0.4"]},
            {"name": "new", "subnet": "blue", "addresses": ["10.67.0.4"]},
            {"name": "other", "subnet": "red", "addresses": ["10.66.0.4"]},
            {"name": "none", "subnet": "blue", "addresses": []},
        ],
        "Host": [{"name": "a", "addresses": ["100.64.0.2/16"]}, {"name": "b", "addresses": ["100.65.0.2/16"]}],
    }
    assert operation_behind(rows, "blue", "10.67.0.0/24") == ["none", "old"]
    assert operation_behind(rows, "join", "100.65.0.0/16") == ["a"]
