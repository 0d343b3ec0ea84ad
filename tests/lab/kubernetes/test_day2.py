"""Operations on a fabric with Kubernetes: pods leave a host by its rules, get other addresses, and speak meanwhile.

The two that speak are on hosts that none of it concerns; their losses are printed. Budget, Deployment and DaemonSet are
real ones, and what they must not suffer is watched.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.lab.kubernetes.conftest import KubeLab
from tests.lab.kubernetes.workloads import budget, daemon_set, deployment, kept_pod, namespace
from tests.support.pings import Pings, Way

pytestmark = [pytest.mark.lab, pytest.mark.operations]
Eventually = Callable[..., None]
HOST, PLACE = "lab3", "day2"
OLD, NEW = "10.92.0.0/24", "10.93.0.0/24"
SUBNET = {"apiVersion": "kubeovn.io/v1", "kind": "Subnet", "metadata": {"name": PLACE}, "spec": {"cidrBlock": OLD}}


def apply(kube: KubeLab, *documents: dict[str, Any]) -> None:
    kube.kubectl("apply", "--filename", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}))


def pods(kube: KubeLab, app: str) -> list[dict[str, Any]]:
    found = kube.get("pods", "--namespace", PLACE, "--selector", f"app={app}")["items"]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def hosts_of(kube: KubeLab, app: str) -> set[str]:
    return {pod["spec"].get("nodeName", "") for pod in pods(kube, app)}


def ready(kube: KubeLab, app: str) -> int:
    return sum(
        item == {**item, "type": "Ready", "status": "True"}
        for pod in pods(kube, app)
        for item in pod["status"].get("conditions", [])
    )


def node(kube: KubeLab) -> tuple[bool, set[str]]:
    """Whether pods may come to the host, and the taints by which they may not."""
    spec = kube.get("node", HOST)["spec"]
    return not spec.get("unschedulable", False), {taint["key"] for taint in spec.get("taints", [])}


@pytest.fixture(scope="module")
def speaking(kube: KubeLab) -> Iterator[Way]:
    """From a workload on lab1 to one on lab2."""
    apply(kube, namespace(PLACE), kept_pod("one", "lab1", PLACE), kept_pod("two", "lab2", PLACE))
    kube.kubectl(
        "wait", "pod/two", "-n", PLACE, "--for=jsonpath={.metadata.annotations.ovn\\.kubernetes\\.io/routed}=true"
    )
    address = kube.get("pod", "two", "-n", PLACE)["metadata"]["annotations"]["ovn.kubernetes.io/ip_address"]
    yield Way(kube["lab1"], f"one.{PLACE}", address.split(",")[0])
    kube.kubectl("delete", "namespace", PLACE, "--timeout=60s")


@pytest.fixture(scope="module")
def bare(kube: KubeLab) -> Iterator[list[dict[str, Any]]]:
    """The examples' pods on the host, which nothing would make anew; they are there again afterwards."""
    found = kube.get("pods", "--all-namespaces", "--field-selector", f"spec.nodeName={HOST}")["items"]
    found = [pod for pod in found if "ownerReferences" not in pod["metadata"]]
    yield found
    for pod in found:
        kept = {key: pod["metadata"][key] for key in ("name", "namespace")}
        marks = pod["metadata"]["annotations"]
        kept["annotations"] = {key: text for key, text in marks.items() if key.startswith("weft.ovn/")}
        apply(kube, {"apiVersion": "v1", "kind": "Pod", "metadata": kept, "spec": pod["spec"]})


@pytest.fixture(scope="module")
def working(kube: KubeLab, speaking: Way) -> Iterator[KubeLab]:
    """Two of a Deployment on the host, of which one has to be ready at all times, and a DaemonSet's on every host."""
    for host in ("lab1", "lab2"):
        kube.kubectl("cordon", host)
    apply(kube, deployment("web", 2, PLACE), daemon_set("log", PLACE), budget("web", 1, PLACE))
    kube.kubectl("rollout", "status", "deployment/web", "-n", PLACE, "--timeout=60s")
    for host in ("lab1", "lab2"):
        kube.kubectl("uncordon", host)
    kube.kubectl("rollout", "status", "daemonset/log", "-n", PLACE, "--timeout=60s")
    assert hosts_of(kube, "web") == {HOST}
    yield kube
    kube.kubectl("delete", "deployment/web", "daemonset/log", "pdb/web", "-n", PLACE, "--timeout=60s")


def remove(kube: KubeLab, *arguments: str, **options: Any) -> Any:
    return kube.operation("remove_node", *arguments, host=HOST, workloads="drain", **options)


def test_all_reasons_of_kubernetes_are_told(working: KubeLab, bare: list[dict[str, Any]]) -> None:
    before = node(working)
    working.kubectl("patch", "pdb", "web", "-n", PLACE, "--type=merge", '--patch={"spec": {"minAvailable": 2}}')
    try:
        working.kubectl("wait", "pdb/web", "-n", PLACE, "--for=jsonpath={.status.disruptionsAllowed}=0")
        seen = remove(working)
        seen.refused(f"PodDisruptionBudget/{PLACE}/web lets none of its pods go now: ")
        seen.refused(f"nothing would make {len(bare)} pods anew elsewhere: ")
        assert set(seen.changed.values()) == {0}
        assert node(working) == before
    finally:
        apply(working, budget("web", 1, PLACE))


@pytest.fixture
def evictable(working: KubeLab, bare: list[dict[str, Any]]) -> KubeLab:
    """The host has no pods any more that nothing would make anew."""
    for pod in bare:
        place = ("-n", pod["metadata"]["namespace"])
        working.kubectl("delete", "pod", pod["metadata"]["name"], *place, "--ignore-not-found", "--timeout=60s")
    return working


def test_check_mode_tells_which_pods_go(evictable: KubeLab) -> None:
    seen = remove(evictable, "--check").succeeded()
    assert f"2 pods are evicted, as their budgets allow: {PLACE}/web-" in seen.text
    assert f"1 pods of DaemonSets are deleted, and not made again there: {PLACE}/log-" in seen.text
    assert node(evictable) == (True, set())
    assert hosts_of(evictable, "web") == {HOST}


def test_pods_leave_by_their_budget_and_come_back(evictable: KubeLab, speaking: Way, eventually: Eventually) -> None:
    watch = f"kubectl get deployment web -n {PLACE} --watch -o jsonpath='{{.status.availableReplicas}} '"
    watching = evictable["lab1"].start(f"timeout 600 {watch}")
    with Pings(speaking) as pings:
        remove(evictable).succeeded()
    print(f"remove_node with Kubernetes: {pings.loss}")
    assert pings.loss.lost <= 1, pings.loss
    evictable["lab1"].run("pkill -f '[g]et deployment web'", check=False)
    available = watching.communicate(timeout=30)[0].split()
    assert available
    assert set(available) <= {"1", "2"}, "its budget wants one ready at all times"
    assert HOST not in hosts_of(evictable, "web") | hosts_of(evictable, "log")
    open_, taints = node(evictable)
    assert (open_, "weft.ovn/leaving" in taints) == (False, True)
    assert set(remove(evictable).succeeded().changed.values()) == {0}

    with Pings(speaking) as pings:
        evictable.operation("add_node", host=HOST).succeeded()
    print(f"add_node with Kubernetes: {pings.loss}")
    assert pings.loss.lost <= 1, pings.loss
    eventually(lambda: node(evictable) == (True, set()), within=60, what="pods may come again")
    eventually(lambda: ready(evictable, "log") == 3, within=60, what="the DaemonSet has its pod there again")
    assert set(evictable.operation("add_node", host=HOST).succeeded().changed.values()) == {0}


def test_a_node_that_was_cordoned_stays_so(evictable: KubeLab) -> None:
    evictable.kubectl("cordon", HOST)
    try:
        remove(evictable).succeeded()
        evictable.operation("add_node", host=HOST).succeeded()
        assert "weft.ovn/leaving" not in node(evictable)[1]
        assert not node(evictable)[0]
    finally:
        evictable.kubectl("uncordon", HOST)


def test_pods_of_a_dead_host_are_made_anew_elsewhere(evictable: KubeLab, speaking: Way, eventually: Eventually) -> None:
    silent = f'weftctl node {HOST} -o json | grep -q \'"state": "silent"\''
    subprocess.run(["podman", "pause", evictable[HOST].container], check=True, capture_output=True)
    try:
        eventually(lambda: evictable["lab1"].run(silent, check=False).ok, within=120, what=f"{HOST} is silent")
        with Pings(speaking) as pings:
            remove(evictable, dead=True).succeeded()
        print(f"remove_node of a dead host with Kubernetes: {pings.loss}")
        assert pings.loss.lost <= 1, pings.loss
        assert HOST not in hosts_of(evictable, "web") | hosts_of(evictable, "log")
    finally:
        subprocess.run(["podman", "unpause", evictable[HOST].container], check=True, capture_output=True)
        evictable.operation("add_node", host=HOST).succeeded()
    eventually(lambda: node(evictable) == (True, set()), within=90, what="pods may come again")


def test_pods_get_addresses_of_another_cidr(kube: KubeLab, speaking: Way) -> None:
    apply(kube, SUBNET, deployment("moving", 2, PLACE, {"ovn.kubernetes.io/logical_switch": PLACE}))
    try:
        kube.kubectl("rollout", "status", "deployment/moving", "-n", PLACE, "--timeout=60s")
        with Pings(speaking) as pings:
            kube.operation("change_cidr", subnet=PLACE, cidr=NEW).succeeded()
        print(f"change_cidr with Kubernetes: {pings.loss}")
        assert pings.loss.lost <= 1, pings.loss
        kube.kubectl("rollout", "status", "deployment/moving", "-n", PLACE, "--timeout=60s")
        one, other = pods(kube, "moving")
        addresses = [ip_address(pod["status"]["podIP"]) for pod in (one, other)]
        assert all(address in ip_network(NEW) for address in addresses)
        kube.kubectl(
            "exec", one["metadata"]["name"], "-n", PLACE, "--", "ping", "-c", "3", "-W", "2", str(addresses[1])
        )
        assert set(kube.operation("change_cidr", subnet=PLACE, cidr=NEW).succeeded().changed.values()) == {0}
    finally:
        kube.kubectl("delete", "deployment/moving", "-n", PLACE, "--timeout=60s")
        kube.kubectl("wait", "pod", "-n", PLACE, "--selector=app=moving", "--for=delete", "--timeout=60s")
        kube.kubectl("delete", "subnet", PLACE, "--timeout=60s")


def test_another_authority_is_trusted_by_api_servers_too(kube: KubeLab, speaking: Way, eventually: Eventually) -> None:
    """Afterwards the webhook is still asked: it refuses a Subnet that only it knows to be wrong."""
    ca = "openssl x509 -noout -fingerprint -in /etc/weft/pki/ca.crt"
    before = kube["lab1"].run(ca).stdout
    with Pings(speaking) as pings:
        kube.operation("rotate_certificates", ca="replace").succeeded()
    print(f"rotate_certificates with Kubernetes: {pings.loss}")
    assert pings.loss.lost <= 1, pings.loss
    assert kube["lab1"].run(ca).stdout != before
    before = kube.get("lease", "weft-controller", "--namespace", "kube-system")["spec"]["renewTime"]
    eventually(
        lambda: kube.get("lease", "weft-controller", "--namespace", "kube-system")["spec"]["renewTime"] != before,
        what="a controller leads, by an API server with a certificate of the new authority",
    )
    twin = {**SUBNET, "metadata": {"name": "twin"}, "spec": {"cidrBlock": "10.16.0.0/16"}}
    refused = kube["lab1"].run(["kubectl", "apply", "--filename", "-"], stdin=json.dumps(twin), check=False)
    assert "denied the request" in refused.stderr, refused


def test_objects_of_kubernetes_are_collected_without_secrets(kube: KubeLab, speaking: Way, tmp_path: Path) -> None:
    secret = "hunter2VerySecret"
    kube.kubectl("create", "secret", "generic", "planted", "-n", PLACE, f"--from-literal=password={secret}")
    kube.operation("collect", collect_directory=str(tmp_path), since="10 minutes ago").succeeded()
    (path,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        files = {
            name.name.partition("/")[2]: stream.read()
            for name in archive.getmembers()
            if name.isfile() and (stream := archive.extractfile(name))
        }
    manifest = json.loads(files["manifest.json"])
    assert manifest["kubernetes"]["failed"] == {}
    assert {"kubernetes/Node.json", "kubernetes/Pod.json", "kubernetes/Subnet.json"} <= set(files)
    assert b'"two"' in files["kubernetes/Pod.json"]
    assert [name for name, content in files.items() if secret.encode() in content] == []
