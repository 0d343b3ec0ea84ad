"""A controller whose objects are in a real Kubernetes API: Kube-OVN's manifests and annotations, and faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.support.fabric import Fabric, fabric
from tests.support.kubernetes import KubeSandbox, find_programs
from tests.support.ovn import ROOT
from weft.store.kubernetes import FINALIZER

CRDS = ROOT / "roles/crds/files"
PREFIX = "ovn.kubernetes.io/"


class Cluster:
    """A Kubernetes API with our kinds, and a fabric that is told by it."""

    def __init__(self, kube: KubeSandbox, made: Fabric) -> None:
        self.kube = kube
        self.made = made

    def apply(self, *documents: dict[str, Any]) -> None:
        self.kube.apply(*documents)

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
        where = ("--namespace", namespace) if namespace else ()
        return dict(json.loads(self.kube.kubectl("get", kind, name, *where, "--output=json")))

    async def until(self, holds: Callable[[], Any], seconds: float = 20, what: str = "") -> Any:
        """The API sends tests no events."""
        async with asyncio.timeout(seconds):
            while True:
                try:
                    if result := await asyncio.to_thread(holds):
                        return result
                except (RuntimeError, KeyError):
                    pass
                await asyncio.sleep(0.05)
        raise AssertionError(what)

    async def annotation(self, name: str, namespace: str, key: str) -> str:
        def read() -> str:
            return str(self.get("pod", name, namespace)["metadata"]["annotations"][PREFIX + key])

        return str(await self.until(read))


@pytest.fixture(scope="module")
def kube() -> Any:
    if find_programs() is None:
        pytest.skip("no kube-apiserver, kubectl or etcd: run `make kube-tools`, or set KUBEBUILDER_ASSETS")
    with KubeSandbox() as sandbox:
        sandbox.kubectl("apply", "--server-side", "--filename", str(CRDS))
        sandbox.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        yield sandbox


@pytest_asyncio.fixture
async def cluster(kube: KubeSandbox) -> AsyncIterator[Cluster]:
    """A fresh fabric on the module's API, which earlier tests have left empty."""
    async with fabric(northd=False) as made:
        made.kubeconfig = str(kube.kubeconfig())
        yield Cluster(kube, made)
    for kind in ("pods", "ips.kubeovn.io", "subnets.kubeovn.io", "vpcs.kubeovn.io"):
        names = kube.kubectl("get", kind, "--all-namespaces", "--output=name").split()
        where = ("--all-namespaces",) if kind == "pods" else ()
        if names:
            patch = '{"metadata":{"finalizers":null}}'
            if kind != "pods":
                for name in names:
                    kube.kubectl("patch", name, "--type=merge", f"--patch={patch}")
            kube.kubectl("delete", kind, "--all", *where, "--grace-period=0", "--force", "--wait=false")


def subnet(name: str = "subnet1", cidr: str = "10.66.0.0/16", **spec: Any) -> dict[str, Any]:
    body = {"cidrBlock": cidr, "excludeIps": [f"{cidr[:6]}0.1..{cidr[:6]}0.10"], **spec}
    return {"apiVersion": "kubeovn.io/v1", "kind": "Subnet", "metadata": {"name": name}, "spec": body}


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def pod(name: str, where: str = "ns1", node: str = "h1", **annotations: str) -> dict[str, Any]:
    marks = {f"{PREFIX}{key}": value for key, value in annotations.items()}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": where, "annotations": marks},
        "spec": {"nodeName": node, "containers": [{"name": "main", "image": "example/image"}]},
    }


async def test_a_manifest_of_the_manual(cluster: Cluster) -> None:
    """Kube-OVN 1.15 manual, section 3.1.3."""
    async with cluster.made.controller() as controller:
        assert cluster.get("vpc", "ovn-cluster")["status"]["default"] is True
        cluster.apply(namespace("ns1"), subnet(namespaces=["ns1"]), pod("nginx"))
        assert await cluster.annotation("nginx", "ns1", "ip_address") == "10.66.0.11"
        annotations = cluster.get("pod", "nginx", "ns1")["metadata"]["annotations"]
        assert {key.removeprefix(PREFIX): value for key, value in annotations.items() if key.startswith(PREFIX)} == {
            "allocated": "true",
            "cidr": "10.66.0.0/16",
            "gateway": "10.66.0.1",
            "ip_address": "10.66.0.11",
            "logical_router": "ovn-cluster",
            "logical_switch": "subnet1",
            "mac_address": "0a:58:0a:42:00:0b",
            "network_type": "geneve",
            "routed": "true",
        }
        reservation = cluster.get("ip", "nginx.ns1")
        assert reservation["spec"]["v4IpAddress"] == "10.66.0.11"
        await cluster.made.settled(controller)
        assert [row["pod_uid"] for row in await cluster.made.rows("Port")] == [
            cluster.get("pod", "nginx", "ns1")["metadata"]["uid"]
        ]
        assert cluster.get("namespace", "ns1")["metadata"]["annotations"][f"{PREFIX}logical_switch"] == "subnet1"
        assert cluster.get("subnet", "subnet1")["status"]["v4usingIPs"] == 1

        cluster.kube.kubectl("delete", "pod", "nginx", "--namespace=ns1", "--grace-period=0", "--force")
        await cluster.until(lambda: not cluster.kube.kubectl("get", "ips.kubeovn.io", "--output=name"))
        await cluster.made.settled(controller)
        assert await cluster.made.rows("Port") == []


async def test_a_kept_namespace_is_kept_after_the_pod_has_its_address(cluster: Cluster) -> None:
    """`weft.ovn/netns` stays its owner's wish; the controller's own annotations are none."""
    wish = pod("kept", ip_address="10.66.0.20")
    wish["metadata"]["annotations"]["weft.ovn/netns"] = "kept.ns1"
    async with cluster.made.controller() as controller:
        cluster.apply(namespace("ns1"), subnet(namespaces=["ns1"]), wish)
        await cluster.annotation("kept", "ns1", "routed")
        cluster.apply(pod("later"))
        await cluster.annotation("later", "ns1", "routed")
        await cluster.made.settled(controller)
        (row,) = [row for row in await cluster.made.rows("Port") if row["name"] == "kept.ns1"]
        assert (row["netns"], row["addresses"]) == ("kept.ns1", ["10.66.0.20"])


async def test_a_node_learns_its_place(cluster: Cluster) -> None:
    async with cluster.made.controller():
        await cluster.made.add_host("h1")
        cluster.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "h1"}})

        def place() -> Any:
            return cluster.get("node", "h1")["metadata"]["annotations"][f"{PREFIX}ip_address"]

        assert await cluster.until(place) == "100.64.0.2"


async def test_a_subnet_in_use_is_deleted_when_its_last_pod_is(cluster: Cluster) -> None:
    async with cluster.made.controller() as controller:
        cluster.apply(namespace("ns1"), subnet(namespaces=["ns1"]), pod("web"))
        await cluster.annotation("web", "ns1", "ip_address")
        await cluster.until(lambda: cluster.get("subnet", "subnet1")["metadata"]["finalizers"])
        cluster.kube.kubectl("delete", "subnet", "subnet1", "--wait=false")

        def waits() -> bool:
            conditions = cluster.get("subnet", "subnet1")["status"]["conditions"]
            return any(c["type"] == "Ready" and c["reason"] == "Terminating" for c in conditions)

        await cluster.until(waits)
        await cluster.made.settled(controller)
        assert "subnet1" in [row["name"] for row in await cluster.made.rows("Logical_Switch")]
        cluster.kube.kubectl("delete", "pod", "web", "--namespace=ns1", "--grace-period=0", "--force")
        await cluster.until(lambda: "subnet1" not in cluster.kube.kubectl("get", "subnets", "--output=name"))
        await cluster.made.settled(controller)
        assert "subnet1" not in [row["name"] for row in await cluster.made.rows("Logical_Switch")]


async def test_a_subnet_that_leaves_and_has_no_rows_any_more_is_let_go(cluster: Cluster) -> None:
    """So it is when a leader loses its lock after the rows of a deleted subnet, and before its finalizer."""
    async with cluster.made.controller():
        await cluster.until(lambda: "ovn-default" in cluster.kube.kubectl("get", "subnets", "--output=name"))
    left = subnet("left")
    cluster.apply({**left, "metadata": {**left["metadata"], "finalizers": [FINALIZER]}})
    cluster.kube.kubectl("delete", "subnet", "left", "--wait=false")
    async with cluster.made.controller():
        await cluster.until(lambda: "left" not in cluster.kube.kubectl("get", "subnets", "--output=name"))


async def test_what_is_wrong_is_an_event(cluster: Cluster) -> None:
    tiny = {**subnet(namespaces=["ns1"]), "spec": {"cidrBlock": "10.67.0.0/30", "namespaces": ["ns1"]}}
    async with cluster.made.controller():
        cluster.apply(namespace("ns1"), tiny, pod("a"), pod("b"))

        def event() -> str:
            events = json.loads(cluster.kube.kubectl("get", "events", "--namespace=ns1", "--output=json"))["items"]
            return next((e["message"] for e in events if e["reason"] == "NoAddressAvailable"), "")

        message = await cluster.until(event)
        full = "Subnet/subnet1: IPv4 10.67.0.0/30 is full: all 1 addresses that may be handed out are in use"
        assert message == f"{full}; tried again when an address is given back, or the subnet or pool changes"


async def test_a_restart_writes_nothing(cluster: Cluster) -> None:
    async with cluster.made.controller() as controller:
        cluster.apply(namespace("ns1"), subnet(namespaces=["ns1"]), *(pod(f"p{n}") for n in range(20)))
        for number in range(20):
            await cluster.annotation(f"p{number}", "ns1", "ip_address")
        await cluster.made.settled(controller)
    before, written = await cluster.made.content(), _writes(cluster)
    async with cluster.made.controller():
        await asyncio.sleep(0.5)
    assert _writes(cluster) == written
    assert await cluster.made.content() == before


def _writes(cluster: Cluster) -> int:
    """Writes that the API server has recorded, but for the lease."""
    return len([write for write in cluster.kube.audit_writes() if write.resource != "leases"])


async def test_the_api_goes_away_and_comes_back(cluster: Cluster) -> None:
    async with cluster.made.controller() as controller:
        cluster.apply(namespace("ns1"), subnet(namespaces=["ns1"]), pod("a"))
        await cluster.annotation("a", "ns1", "ip_address")
        before = await cluster.made.content()
        cluster.kube.kill_apiserver()
        await asyncio.sleep(60)
        assert await cluster.made.content() == before, "no view is no wish"
        cluster.kube.start_apiserver()
        cluster.apply(pod("b"))
        assert await cluster.annotation("b", "ns1", "ip_address")
        await cluster.made.settled(controller)


async def test_a_watch_that_expired(cluster: Cluster) -> None:
    async with cluster.made.controller() as controller:
        cluster.apply(namespace("ns1"), subnet(namespaces=["ns1"]), pod("a"), pod("b"))
        await cluster.annotation("b", "ns1", "ip_address")
        cluster.kube.expire_history()
        cluster.kube.kubectl("delete", "pod", "a", "--namespace=ns1", "--grace-period=0", "--force")
        cluster.apply(pod("c"))
        assert await cluster.annotation("c", "ns1", "ip_address")
        await cluster.until(lambda: "a.ns1" not in cluster.kube.kubectl("get", "ips.kubeovn.io", "--output=name"))
        await cluster.made.settled(controller)
        assert sorted(row["name"] for row in await cluster.made.rows("Port")) == ["b.ns1", "c.ns1"]


async def test_a_pod_deleted_and_made_again_under_its_name(cluster: Cluster) -> None:
    async with cluster.made.controller() as controller:
        cluster.apply(namespace("ns1"), subnet(namespaces=["ns1"]), pod("a"))
        await cluster.annotation("a", "ns1", "ip_address")
        for _ in range(3):
            cluster.kube.kubectl("delete", "pod", "a", "--namespace=ns1", "--grace-period=0", "--force")
            cluster.apply(pod("a"))
        address = await cluster.annotation("a", "ns1", "ip_address")
        await cluster.made.settled(controller)
        uid = cluster.get("pod", "a", "ns1")["metadata"]["uid"]
        assert [(row["pod_uid"], row["addresses"]) for row in await cluster.made.rows("Port")] == [(uid, [address])]
        assert cluster.kube.kubectl("get", "ips.kubeovn.io", "--output=name").split() == ["ip.kubeovn.io/a.ns1"]


async def test_two_controllers_one_leads(cluster: Cluster) -> None:
    async with cluster.made.controller("c1") as first:
        cluster.apply(namespace("ns1"), subnet(namespaces=["ns1"]), pod("a"))
        await cluster.annotation("a", "ns1", "ip_address")
        async with cluster.made.controller("c2", settled=False) as second:
            await asyncio.sleep(2)
            assert first.term is not None
            assert second.term is None
            assert first._api is not None
            first._api.client.configuration.host = "https://127.0.0.1:9"  # it can renew its lease no more
            async with asyncio.timeout(10):
                while second.term is None:
                    await asyncio.sleep(0.05)
            cluster.apply(pod("b"))
            await cluster.annotation("b", "ns1", "ip_address")
            await cluster.made.settled(second)
            assert (await cluster.made.fabric_row())["leader"] == "c2"
