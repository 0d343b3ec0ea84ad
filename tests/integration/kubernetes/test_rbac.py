"""The controller as the user that roles/controller makes of it: what it may do is what it does, and no more.

The sandbox's user `weft-controller` has no rights but those of roles/controller/files/rbac.yaml.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

import pytest

from tests.integration.kubernetes.test_store import CRDS, PREFIX, Cluster, namespace, pod, subnet
from tests.support.fabric import fabric
from tests.support.kubernetes import ADMIN, CONTROLLER, KubeSandbox, find_programs
from tests.support.ovn import ROOT
from weft.api.kinds import KINDS

RBAC = ROOT / "roles/controller/files/rbac.yaml"


@pytest.fixture
def kube() -> Iterator[KubeSandbox]:
    """An API of this test's own: with the kinds, and nothing that the controller may do."""
    if find_programs() is None:
        pytest.skip("no kube-apiserver, kubectl or etcd: run `make kube-tools`, or set KUBEBUILDER_ASSETS")
    with KubeSandbox() as sandbox:
        sandbox.kubectl("apply", "--server-side", "--filename", str(CRDS))
        sandbox.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        yield sandbox


def refused(kube: KubeSandbox, *arguments: str) -> bool:
    """Whether the API server says no to the controller's user, for want of a right."""
    try:
        kube.kubectl(*arguments, user=CONTROLLER)
    except RuntimeError as error:
        return "forbidden" in str(error).lower()
    return False


def said(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    return text in caplog.text.replace("\\", "")


async def test_without_rights_it_says_what_is_refused_and_then_recovers(
    kube: KubeSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The manual's manifest (Kube-OVN 1.15 manual, section 3.1.3), from no right at all to an address."""
    caplog.set_level("INFO")
    async with fabric(northd=False) as made:
        made.kubeconfig = str(kube.kubeconfig(CONTROLLER))
        cluster = Cluster(kube, made)
        async with made.controller(settled=False) as controller:
            for refusal in (
                'cannot list resource "pods"',
                'cannot list resource "subnets"',
                'cannot get resource "leases"',
            ):
                await cluster.until(partial(said, caplog, refusal), what=refusal)
            assert controller.term is None
            kube.kubectl("apply", "--server-side", "--filename", str(RBAC))
            await made.settled(controller, timeout=45)

            cluster.apply(namespace("ns1"), subnet(namespaces=["ns1"]), pod("nginx"))
            assert await cluster.annotation("nginx", "ns1", "ip_address") == "10.66.0.11"
            await made.add_host("h1")
            cluster.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "h1"}})
            await cluster.until(lambda: cluster.get("node", "h1")["metadata"]["annotations"][f"{PREFIX}ip_address"])
            await cluster.until(lambda: cluster.get("namespace", "ns1")["metadata"]["annotations"][f"{PREFIX}cidr"])

            full = {**subnet("tiny"), "spec": {"cidrBlock": "10.67.0.0/30", "namespaces": ["ns2"]}}
            cluster.apply(namespace("ns2"), full, pod("a", "ns2"), pod("b", "ns2"))
            await cluster.until(lambda: "NoAddressAvailable" in kube.kubectl("get", "events", "--namespace=ns2"))

            for name, where in (("nginx", "ns1"), ("a", "ns2"), ("b", "ns2")):
                kube.kubectl("delete", "pod", name, f"--namespace={where}", "--grace-period=0", "--force")
            kube.kubectl("delete", "subnet", "subnet1", "--wait=false")
            await cluster.until(lambda: "subnet1" not in kube.kubectl("get", "subnets", "--output=name"))
            await made.settled(controller)
        # A second life reads what the first one wrote, and finds its events.
        async with made.controller("c2"):
            pass
    assert [write for write in kube.audit_writes(CONTROLLER) if write.code == 403 and write.resource != "leases"] == []


def test_what_is_not_its_business_is_refused(kube: KubeSandbox) -> None:
    kube.kubectl("apply", "--server-side", "--filename", str(RBAC))
    kube.apply(namespace("ns1"), pod("web"))
    marked = ("annotate", "pod", "web", "--namespace=ns1", "x=y", "--overwrite")
    assert refused(kube, *marked), "kubectl reads an object first, and the controller never does"
    patch = ("patch", "pod", "web", "--namespace=ns1", "--type=merge", '--patch={"metadata":{"annotations":{"x":"y"}}}')
    assert kube.kubectl("auth", "can-i", *patch[:2], "--namespace=ns1", user=CONTROLLER).strip() == "yes"
    for arguments in (
        ("delete", "pod", "web", "--namespace=ns1", "--wait=false"),
        ("create", "namespace", "mine"),
        ("delete", "namespace", "ns1", "--wait=false"),
        ("get", "secrets", "--all-namespaces"),
        ("get", "configmaps", "--all-namespaces"),
        ("get", "serviceaccounts", "--all-namespaces"),
        ("create", "token", "weft-controller", "--namespace=kube-system"),
        ("delete", "subnet", "mine"),
        ("delete", "vpc", "mine"),
        ("get", "leases", "--namespace=kube-node-lease"),
        ("delete", "lease", "weft-controller", "--namespace=kube-system"),
        ("create", "clusterrolebinding", "mine", "--clusterrole=cluster-admin", "--user=weft-controller"),
    ):
        assert refused(kube, *arguments), arguments


def test_the_rights_are_these(kube: KubeSandbox) -> None:
    """Word by word, so that a further one is a decision and no accident."""
    kube.kubectl("apply", "--server-side", "--filename", str(RBAC))
    granted: dict[tuple[str, str], set[str]] = {}
    for kind, where in (("clusterrole", ()), ("role", ("--namespace=kube-system",))):
        role = json.loads(kube.kubectl("get", kind, CONTROLLER, *where, "--output=json", user=ADMIN))
        for rule in role["rules"]:
            for resource in rule["resources"]:
                key = (resource, ",".join(rule.get("resourceNames", ())))
                granted.setdefault(key, set()).update(rule["verbs"])
    ours = [cls.INFO.plural for cls in KINDS.values() if cls.STATUS is not None]
    expected = {(resource, ""): {"list", "watch", "patch"} for resource in (*ours, "namespaces", "nodes", "pods")}
    expected |= {(f"{plural}/status", ""): {"patch"} for plural in (*ours, "nodes")}
    expected["ips", ""] |= {"create", "delete"}
    expected["subnets", ""] |= {"create"}
    expected["vpcs", ""] |= {"create"}
    for plural in ("network-attachment-definitions", "statefulsets", "virtualmachines"):
        expected[plural, ""] = {"list", "watch"}
    expected["events", ""] = {"create", "get", "patch"}
    expected["leases", "weft-controller"] = {"get", "update"}
    expected["leases", ""] = {"create"}
    assert granted == expected
