"""Kubernetes' pods leave a host unless: a table of nodes, pods and budgets, with the reasons, and what is done."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.weft.ovn.plugins.filter.operation import operation_plan
from ansible_collections.weft.ovn.plugins.filter.operation_read import operation_kubernetes, operation_left

from tests.unit.plugins.test_operation import expect, reasons, well

Document = dict[str, Any]
READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
OURS = {"key": "weft.ovn/leaving", "value": "open", "effect": "NoSchedule"}
THEIRS = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
OFF = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}


def pod(name: str = "web-1", owner: str = "ReplicaSet", status: Document = READY, **spec: Any) -> Document:
    owners = [{"kind": owner, "name": "x", "controller": True}] if owner else []
    metadata = {"name": name, "namespace": "shop", "labels": {"app": name[:3]}, "ownerReferences": owners}
    return {"metadata": metadata, "spec": spec, "status": status}


def budget(selector: Any, name: str = "b", policy: str = "", namespace: str = "shop", **status: int) -> Document:
    spec = {"selector": selector, **({"unhealthyPodEvictionPolicy": policy} if policy else {})}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec, "status": status}


def node(*taints: Document, **spec: Any) -> Document:
    return {"metadata": {"name": "c"}, "spec": {"taints": list(taints), **spec}}


def planned(*there: Document, on: Document | None = None, **options: Any) -> Document:
    """The plan of remove_node for a host that has these pods, under these budgets."""
    of_kind = {
        "Node": [node() if on is None else on] if on != {} else [],
        "Pod": [item for item in there if "selector" not in item["spec"]],
        "PodDisruptionBudget": [item for item in there if "selector" in item["spec"]],
    }
    given = {"host": "c", "dead": False, "workloads": "drain", "last_gateway": False, **options}
    return dict(operation_plan({**well(), "kubernetes": of_kind}, "remove_node", given))


WEB = {"matchLabels": {"app": "web"}}
HELD = "PodDisruptionBudget/shop/b lets none of its pods go now: shop/web-1"
ILL = {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}
ANYTHING = [{"operator": "Exists"}]
MIRROR = {"metadata": {**pod()["metadata"], "annotations": {"kubernetes.io/config.mirror": "x"}}}
REFUSED: list[tuple[list[Document], list[str]]] = [
    ([pod()], []),
    ([pod(owner="")], ["nothing would make 1 pods anew elsewhere: shop/web-1"]),
    ([pod(owner="", status={"phase": "Succeeded"})], []),
    ([{**pod(owner=""), **MIRROR}], []),
    ([pod(owner="DaemonSet")], []),
    ([pod(owner="DaemonSet", tolerations=[THEIRS])], []),
    ([pod(owner="DaemonSet", tolerations=ANYTHING)], ["1 pods of DaemonSets tolerate any taint"]),
    ([pod(owner="DaemonSet", tolerations=ANYTHING, hostNetwork=True)], []),
    ([pod(owner="DaemonSet", tolerations=[{"operator": "Exists", "effect": "NoExecute"}])], []),
    ([pod(), budget(WEB, disruptionsAllowed=1)], []),
    ([pod(), budget(WEB, disruptionsAllowed=0)], [HELD]),
    ([pod(), budget({}, disruptionsAllowed=0)], [HELD]),
    ([pod(), budget(None, disruptionsAllowed=0)], []),
    ([pod(), budget(WEB, namespace="other", disruptionsAllowed=0)], []),
    ([pod(), budget({"matchLabels": {"app": "db"}}, disruptionsAllowed=0)], []),
    ([pod(), budget({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]})], [HELD]),
    ([pod(), budget({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]})], []),
    ([pod(), budget({"matchExpressions": [{"key": "app", "operator": "Exists"}]})], [HELD]),
    ([pod(), budget({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]})], []),
    # One that is not ready: as the budget's policy has it.
    ([pod(status={"phase": "Pending"}), budget(WEB)], []),
    ([pod(status=ILL), budget(WEB, currentHealthy=1, desiredHealthy=2)], [HELD]),
    ([pod(status=ILL), budget(WEB, currentHealthy=2, desiredHealthy=2)], []),
    ([pod(status=ILL), budget(WEB, policy="AlwaysAllow", currentHealthy=1, desiredHealthy=2)], []),
    ([pod(), budget(WEB, disruptionsAllowed=1), budget({}, "all", disruptionsAllowed=1)], [
        "1 pods have more than one PodDisruptionBudget: shop/web-1"]),
    # All at once.
    ([pod(owner=""), pod("web-2"), budget(WEB)], [
        "nothing would make 1 pods anew elsewhere: shop/web-1", "lets none of its pods go now: shop/web-2"]),
]  # fmt: skip


@pytest.mark.parametrize(("there", "expected"), REFUSED)
def test_pods_leave_unless(there: list[Document], expected: list[str]) -> None:
    expect(reasons(planned(*there)), expected)


def test_of_a_dead_host_nobody_is_asked() -> None:
    plan = planned(pod(owner=""), pod("web-2"), budget(WEB), dead=True, host="x")
    assert not [text for text in reasons(plan) if "pods" in text]
    assert plan["taints"] == [{**OURS}, OFF]
    assert "2 pods are deleted, since their host is dead: shop/web-1, shop/web-2" in plan["story"]


def test_what_is_done_is_told() -> None:
    plan = planned(pod(), pod("log-1", "DaemonSet"), pod("net-1", "DaemonSet", hostNetwork=True))
    assert plan["story"] == [
        "Node/c takes no new pods",
        "1 pods are evicted, as their budgets allow: shop/web-1",
        "1 pods of DaemonSets are deleted, and not made again there: shop/log-1",
    ]
    assert [item["metadata"]["name"] for item in plan["daemons"]] == ["log-1"]


@pytest.mark.parametrize(
    ("on", "taints"),
    [
        (node(), [OURS]),
        (node(unschedulable=True), [{**OURS, "value": "cordoned"}]),
        # An earlier run was killed after it had cordoned the node.
        (node(OURS, THEIRS, unschedulable=True), [OURS]),
        ({}, []),
    ],
)
def test_the_taint_tells_what_the_node_was(on: Document, taints: list[Document]) -> None:
    assert planned(on=on)["taints"] == taints


def test_without_draining_only_the_node_is_closed() -> None:
    plan = planned(pod(owner=""), budget(WEB), workloads="refuse")
    assert (reasons(plan), plan["taints"], plan["daemons"]) == ([], [OURS], [])


@pytest.mark.parametrize(
    ("nodes", "left"),
    [
        ([], {}),
        ([node(THEIRS)], {}),
        ([node(OFF)], {}),
        ([node(THEIRS, OURS, OFF)], {"was": "open", "taints": [OURS, OFF]}),
        ([node({**OURS, "value": "cordoned"})], {"was": "cordoned", "taints": [{**OURS, "value": "cordoned"}]}),
    ],
)
def test_a_node_is_what_it_was_when_its_host_comes_back(nodes: list[Document], left: Document) -> None:
    assert operation_left(nodes) == left


def test_an_api_that_does_not_answer_is_a_reason() -> None:
    answers = [{"item": {"kind": "Node"}, "resources": []}, {"item": {"kind": "Pod"}, "msg": "refused"}]
    known = operation_kubernetes(answers)
    assert known == {"failed": "refused"}
    assert operation_kubernetes(answers[:1]) == {"Node": []}
    options = {"host": "c", "dead": False, "workloads": "drain", "last_gateway": False}
    expect(
        reasons(operation_plan({**well(), "kubernetes": known}, "remove_node", options)),
        ["Kubernetes does not answer: refused"],
    )
