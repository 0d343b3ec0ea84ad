"""Modules of objects: from options to documents and back, and what a state changes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.support.collection import alias
from weft.api.generate.__main__ import EXAMPLES, ROOT
from weft.api.generate.modules import MODULES, SYSTEM, fields, to_options
from weft.api.kinds import KINDS
from weft.topology.first import DEFAULT_SUBNET
from weft.topology.view import DEFAULT_VPC, JOIN_SUBNET

alias()
from plugins.module_utils.resources import config, documents, plan, promised  # noqa: E402
from plugins.module_utils.resources.kinds import KINDS as TABLE  # noqa: E402

SUBNET = TABLE["subnets"]


def subnet(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kubeovn.io/v1",
        "kind": "Subnet",
        "metadata": {"name": name},
        "spec": spec,
    }


def test_every_kind_that_people_write_has_a_module() -> None:
    ours = {kind for kind, cls in KINDS.items() if cls.STATUS is not None}
    assert ours - set(MODULES) == {"DNSNameResolver"}
    assert set(TABLE) == set(MODULES.values())


def test_they_are_one_action_group() -> None:
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())
    assert runtime["action_groups"]["resources"] == sorted([*MODULES.values(), "resources"])


def test_what_a_fabric_is_born_with() -> None:
    assert set(SYSTEM["Subnet"]) == {DEFAULT_SUBNET, JOIN_SUBNET}
    assert SYSTEM["Vpc"] == (DEFAULT_VPC,)


@pytest.mark.parametrize(("kind", "module"), MODULES.items())
def test_documents_come_back_as_they_were(kind: str, module: str) -> None:
    document = yaml.safe_load((ROOT / EXAMPLES / f"{kind.lower()}.yml").read_text())
    known = TABLE[module]
    item = config.to_item(known, document)
    assert {key: value for key, value in item.items() if key in fields(KINDS[kind])} == to_options(
        fields(KINDS[kind]), document["spec"]
    )
    assert config.to_document(known, item) == document
    KINDS[kind].parse(config.to_document(known, item))


BLUE = subnet("blue", cidrBlock="10.1.0.0/24", vpc="ovn-cluster", default=False, excludeIps=["10.1.0.9"], mtu=1400)


@pytest.mark.parametrize(
    ("state", "spec", "after"),
    [
        pytest.param("merged", {}, None, id="nothing given"),
        pytest.param("merged", {"mtu": 1400}, None, id="as it is"),
        pytest.param("merged", {"mtu": 1300}, {**BLUE["spec"], "mtu": 1300}, id="one field"),
        pytest.param("merged", {"excludeIps": []}, {**BLUE["spec"], "excludeIps": []}, id="an empty list"),
        pytest.param(
            "replaced", {"cidrBlock": "10.1.0.0/24", "excludeIps": ["10.1.0.9"], "mtu": 1400}, None,
            id="without what the API fills in",
        ),
        pytest.param(
            "replaced", {"cidrBlock": "10.1.0.0/24"},
            {"cidrBlock": "10.1.0.0/24"}, id="without the others",
        ),
        pytest.param(
            "replaced", {"cidrBlock": "10.1.0.0/24", "vpc": "red", "excludeIps": ["10.1.0.9"], "mtu": 1400},
            {"cidrBlock": "10.1.0.0/24", "vpc": "red", "excludeIps": ["10.1.0.9"], "mtu": 1400},
            id="another than the API's",
        ),
    ],
)  # fmt: skip
def test_fields(state: str, spec: dict[str, Any], after: dict[str, Any] | None) -> None:
    found = plan.changes(SUBNET, state, [subnet("blue", **spec)], {"blue": BLUE})
    assert [change.after["spec"] for change in found] == ([] if after is None else [after])


def test_what_the_api_fills_in_within_lists_is_no_difference() -> None:
    kind = {"fields": {"rules": {"field": "rules", "fields": {"on": {"field": "on", "stored": True}}}}, "system": []}
    live, wanted = subnet("a", rules=[{"on": True}, {"on": False}]), subnet("a", rules=[{}, {"on": False}])
    assert plan.changes(kind, "replaced", [wanted], {"a": live}) == []
    assert plan.changes(kind, "merged", [subnet("a", rules=[{}, {}])], {"a": live}) != []


@pytest.mark.parametrize(
    ("state", "names", "expected"),
    [
        ("merged", ["blue", "new"], {"new": "created"}),
        ("replaced", ["new"], {"new": "created"}),
        ("overridden", ["new"], {"new": "created", "blue": "deleted", "red": "deleted"}),
        ("overridden", ["blue"], {"red": "deleted"}),
        ("deleted", ["blue", "absent"], {"blue": "deleted"}),
        ("overridden", [], {"blue": "deleted", "red": "deleted"}),
    ],
)
def test_objects(state: str, names: list[str], expected: dict[str, str]) -> None:
    live = {name: subnet(name, cidrBlock="10.1.0.0/24") for name in ("blue", "red", "join", "ovn-default")}
    wanted = [subnet(name, cidrBlock="10.1.0.0/24") for name in names]
    found = plan.changes(SUBNET, state, wanted, live)
    assert {change.ref: change.action for change in found} == expected


def test_system_objects_go_when_told_to() -> None:
    found = plan.changes(SUBNET, "overridden", [], {"join": subnet("join")}, delete_system=True)
    assert [(change.ref, change.action) for change in found] == [("join", "deleted")]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1, "b": {"x": 1, "y": 2}}, {"b": {"x": 1, "y": 3}}, {"a": None, "b": {"y": 3}}),
        ({"a": [1]}, {"a": [1, 2]}, {"a": [1, 2]}),
        ({}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": "text"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": 1}, {"a": 1}, {}),
    ],
)
def test_patch(before: dict[str, Any], after: dict[str, Any], expected: dict[str, Any]) -> None:
    change = plan.Change({"metadata": {"name": "x"}, "spec": before}, {"metadata": {"name": "x"}, "spec": after})
    assert plan.patch(change) == ({"spec": expected} if expected else {})


def test_labels_of_others_stay() -> None:
    live = subnet("blue")
    live["metadata"] |= {"labels": {"theirs": "1"}, "annotations": {config.LAST_APPLIED: "{}"}}
    wanted = subnet("blue")
    wanted["metadata"]["labels"] = {"ours": "2"}
    (change,) = plan.changes(SUBNET, "replaced", [wanted], {"blue": live})
    assert plan.patch(change) == {"metadata": {"labels": {"ours": "2"}}}
    assert config.to_item(SUBNET, live) == {"name": "blue", "labels": {"theirs": "1"}}


def test_no_result_shows_a_secret() -> None:
    shown = config.shown(TABLE["bgp_configs"], {"name": "a", "password": "secret", "local_asn": 65000})
    assert shown == {"name": "a", "local_asn": 65000}
    assert config.options(TABLE["bgp_configs"])["password"]["no_log"]


def test_documents_go_in_the_order_in_which_kinds_need_each_other() -> None:
    vpc = {"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": "shop"}}
    pool = {"apiVersion": "kubeovn.io/v1", "kind": "IPPool", "metadata": {"name": "p"}}
    core = [{"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}} for kind in ("Pod", "Namespace")]
    found = [kind["kind"] for kind, _ in documents.grouped([*core, pool, subnet("blue"), vpc])]
    assert found == ["Namespace", "Vpc", "Subnet", "IPPool", "Pod"]


POD = {"nodeName": "lab1", "containers": [{"name": "main", "image": "a"}]}
FILLED = {**POD, "restartPolicy": "Always", "containers": [{"name": "main", "image": "a", "resources": {}}]}


@pytest.mark.parametrize(
    ("spec", "after"),
    [
        (POD, None),
        ({"nodeName": "lab1"}, None),
        ({**POD, "nodeName": "lab2"}, {**FILLED, "nodeName": "lab2"}),
        (
            {**POD, "containers": [{"name": "main", "image": "b"}]},
            {**FILLED, "containers": [{"name": "main", "image": "b", "resources": {}}]},
        ),
        ({**POD, "containers": [{"name": "x"}]}, {**FILLED, "containers": [{"name": "x"}]}),
    ],
    ids=["as it is", "less", "another host", "another image", "another container"],
)
@pytest.mark.parametrize("state", ["merged", "replaced"])
def test_what_kubernetes_fills_in_stays(state: str, spec: dict[str, Any], after: dict[str, Any] | None) -> None:
    def pod(spec: dict[str, Any]) -> dict[str, Any]:
        return {"kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}

    found = plan.changes(documents.POD, state, [pod(spec)], {"shop/web": pod(FILLED)})
    assert [change.after["spec"] for change in found] == ([] if after is None else [after])


@pytest.mark.parametrize(
    ("refusal", "granted"),
    [
        ("spec.vpc: Vpc/shop does not exist", True),
        ('admission webhook "x.weft.ovn" denied the request: spec.vpc: Vpc/shop does not exist', True),
        (
            "metadata.namespace: Namespace/a does not exist; metadata.annotations[x]: 10.1.0.9 is not inside Subnet/b",
            True,
        ),
        ('namespaces "shop" not found', True),
        ("is in use by 2 subnets: shop-web, shop-db", True),
        ("spec.gateway: 10.1.0.9 is in use by Pod/default/web", False),
        ("spec.cidrBlock: 10.1.0.0/24 overlaps 10.1.0.0/16 of Subnet/blue in Vpc/red", False),
        ("field a.b: must be so, as one that does not exist is", False),
    ],
)
def test_what_check_mode_takes_for_granted(refusal: str, granted: bool) -> None:
    assert promised.is_promised(refusal) == granted


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"kind": "Node"}, "kind: 'Node'; allowed: Namespace, Vpc, "),
        ({}, "kind: None; allowed: "),
        ({"kind": "Subnet", "apiVersion": "v1", "metadata": {"name": "a"}}, "apiVersion: 'v1'; allowed: kubeovn.io/v1"),
        ({"kind": "Subnet", "apiVersion": "kubeovn.io/v1"}, "metadata.name: is required"),
        ({**subnet("a"), "spec": []}, "spec: [] is no mapping"),
    ],
)
def test_documents_that_are_none(document: dict[str, Any], words: str) -> None:
    (problem,) = documents.problems([document])
    assert problem.startswith(f"document 1: {words}")


def test_documents_given_twice() -> None:
    assert documents.problems([subnet("a"), subnet("a")]) == ["Subnet/a: more than once"]
