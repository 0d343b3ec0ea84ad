"""The sandbox itself: what tests against the Kubernetes API rely on."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.kubernetes import ADMIN, CONTROLLER, AuditWrite, KubeSandbox

CAGES = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "cages.sandbox.test"},
    "spec": {
        "group": "sandbox.test",
        "scope": "Namespaced",
        "names": {"kind": "Cage", "plural": "cages", "singular": "cage"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["low", "high"],
                                "properties": {"low": {"type": "integer"}, "high": {"type": "integer"}},
                                "x-kubernetes-validations": [
                                    {"rule": "self.low <= self.high", "message": "low must not be above high"},
                                    {"rule": "self.low == oldSelf.low", "message": "low cannot be changed"},
                                ],
                            }
                        },
                    }
                },
            }
        ],
    },
}


def cage(namespace: str, low: int, high: int) -> dict[str, Any]:
    metadata = {"name": "birds", "namespace": namespace}
    return {"apiVersion": "sandbox.test/v1", "kind": "Cage", "metadata": metadata, "spec": {"low": low, "high": high}}


def configmap(namespace: str, name: str, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


@pytest.fixture(scope="module")
def cages(kube: KubeSandbox) -> None:
    kube.apply(CAGES)
    kube.kubectl("wait", "--for=condition=Established", "--timeout=20s", "crd/cages.sandbox.test")


def get(kube: KubeSandbox, path: str) -> tuple[int, Any]:
    """GET as a client without kubectl's own retries: the status and the first line's JSON."""
    request = urllib.request.Request(kube.url + path, headers={"Authorization": f"Bearer {kube.tokens[ADMIN]}"})
    context = ssl.create_default_context(cafile=str(kube.ca_cert))
    try:
        with urllib.request.urlopen(request, timeout=20, context=context) as answer:
            return answer.status, json.loads(answer.readline())
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def settled(count: Callable[[], list[AuditWrite]], wanted: int) -> list[AuditWrite]:
    """What the audit log says once it has the wanted number of entries, or after a second."""
    deadline = time.monotonic() + 1
    while len(count()) < wanted and time.monotonic() < deadline:
        time.sleep(0.01)
    return count()


def test_it_is_a_current_kubernetes(kube: KubeSandbox) -> None:
    version = json.loads(kube.kubectl("version", "--output=json"))
    assert version["serverVersion"]["gitVersion"] == version["clientVersion"]["gitVersion"]
    assert "discovery.k8s.io/v1" in kube.kubectl("api-versions")


@pytest.mark.usefixtures("cages")
@pytest.mark.parametrize(
    ("low", "high", "message"),
    [(2, 1, "low must not be above high"), ("x", 1, "spec.low"), (2, 9, "low cannot be changed")],
    ids=["rule", "type", "immutable"],
)
def test_a_bad_object_is_refused(kube: KubeSandbox, namespace: str, low: int, high: int, message: str) -> None:
    kube.apply(cage(namespace, 1, 5))
    with pytest.raises(RuntimeError, match=message):
        kube.apply(cage(namespace, low, high))
    assert kube.kubectl("get", "cage", "birds", f"--namespace={namespace}", "--output=jsonpath={.spec.high}") == "5"


def test_the_audit_log_counts_writes_and_only_writes(kube: KubeSandbox, namespace: str) -> None:
    def mine() -> list[AuditWrite]:
        return [write for write in kube.audit_writes(ADMIN, "configmaps") if write.namespace == namespace]

    kube.apply(configmap(namespace, "one", color="blue"), configmap(namespace, "two"))
    kube.kubectl("get", "configmaps", f"--namespace={namespace}")
    kube.apply(configmap(namespace, "one", color="red"))
    kube.apply(configmap(namespace, "one", color="red"))
    writes = settled(mine, 3)
    assert [(write.verb, write.name, write.code) for write in writes] == [
        ("create", "one", 201),
        ("create", "two", 201),
        ("patch", "one", 200),
    ]


def test_the_controller_may_do_what_rbac_says(kube: KubeSandbox, namespace: str) -> None:
    with pytest.raises(RuntimeError, match=f'User "{CONTROLLER}" cannot create'):
        kube.kubectl("create", "configmap", "mine", f"--namespace={namespace}", user=CONTROLLER)
    role = ("--verb=create", "--resource=configmaps", f"--namespace={namespace}")
    kube.kubectl("create", "role", "writer", *role)
    kube.kubectl("create", "rolebinding", "writer", "--role=writer", f"--user={CONTROLLER}", role[-1])
    assert kube.kubectl("auth", "can-i", "create", "configmaps", role[-1], user=CONTROLLER) == "yes"
    kube.kubectl("create", "configmap", "mine", f"--namespace={namespace}", user=CONTROLLER)
    writes = settled(lambda: kube.audit_writes(CONTROLLER, "configmaps"), 2)
    assert [write.code for write in writes[-2:]] == [403, 201]


def test_expired_history_is_gone(kube: KubeSandbox, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    kube.apply(*(configmap(namespace, f"c{number}") for number in range(3)))
    page = get(kube, f"{path}?limit=1")[1]["metadata"]
    kube.expire_history()
    code, status = get(kube, f"{path}?limit=1&continue={page['continue']}")
    assert (code, status["reason"]) == (410, "Expired")
    code, event = get(kube, f"{path}?watch=1&timeoutSeconds=5&resourceVersion={page['resourceVersion']}")
    assert (code, event["type"], event["object"]["code"]) == (200, "ERROR", 410)


def test_what_was_written_outlives_the_api_server(kube: KubeSandbox, namespace: str) -> None:
    kube.apply(configmap(namespace, "kept"))
    kube.kill_apiserver()
    with pytest.raises(RuntimeError, match="refused"):
        kube.kubectl("get", "configmaps", f"--namespace={namespace}")
    kube.start_apiserver()
    assert "configmap/kept" in kube.kubectl("get", "configmaps", f"--namespace={namespace}", "--output=name")
