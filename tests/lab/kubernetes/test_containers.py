"""Pods that real kubelets run on the fabric: addresses, packets, probes, host ports, exec, restarts, and their end.

The tests stand in the order in which they use the pods up: the last one deletes them.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from itertools import permutations
from typing import Any

import pytest

from tests.lab.conftest import NAMES, Host
from tests.lab.kubernetes.conftest import KubeLab
from tests.lab.kubernetes.workloads import HOST_PORT, NAMESPACE, PORT, documents
from tests.support.hosts import CommandError

pytestmark = pytest.mark.lab
Eventually = Callable[..., None]
Pod = dict[str, Any]
SCRIPT = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=5).read().decode())"
FETCH = ("python3", "-c", SCRIPT)
INTERFACES = "ovs-vsctl --format=json --columns=external_ids list Interface"


@pytest.fixture(scope="module")
def running(kube: KubeLab) -> Iterator[KubeLab]:
    """The lab with the workloads, all of them ready."""
    objects = {"apiVersion": "v1", "kind": "List", "items": documents()}
    kube.kubectl("apply", "--filename", "-", stdin=json.dumps(objects))
    for name in ("deployment/web", "statefulset/store", "deployment/frail"):
        kube.kubectl("--namespace", NAMESPACE, "rollout", "status", name, "--timeout=55s")
    yield kube
    # waited for: what other tests find in this lab shall not change under them
    kube.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=55s")


def pods(kube: KubeLab, app: str) -> list[Pod]:
    found = kube.get("pods", "--namespace", NAMESPACE, "--selector", f"app={app}")["items"]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def name(pod: Pod) -> str:
    return str(pod["metadata"]["name"])


def address(pod: Pod) -> str:
    return str(pod["status"].get("podIP", ""))


def restarts(pod: Pod) -> int:
    return sum(status["restartCount"] for status in pod["status"].get("containerStatuses", []))


def is_ready(pod: Pod) -> bool:
    return {"type": "Ready", "status": "True"}.items() <= next(
        (item.items() for item in pod["status"].get("conditions", []) if item["type"] == "Ready"), {}.items()
    )


def execute(kube: KubeLab, pod: Pod, *command: str) -> str:
    return kube.kubectl("--namespace", NAMESPACE, "exec", name(pod), "--", *command)


def state(kube: KubeLab) -> dict[str, tuple[str, int, str]]:
    """What must not change under a pod: its container, its restarts, and its interface with its number."""
    return {
        name(pod): (
            pod["status"]["containerStatuses"][0]["containerID"],
            restarts(pod),
            execute(kube, pod, "ip", "-o", "link", "show", "eth0"),
        )
        for app in ("web", "store")
        for pod in pods(kube, app)
    }


def test_pods_have_the_addresses_that_their_subnet_gave_them(running: KubeLab) -> None:
    for pod in [*pods(running, "web"), *pods(running, "store")]:
        marks = pod["metadata"]["annotations"]
        networks = [ip_network(cidr) for cidr in marks["ovn.kubernetes.io/cidr"].split(",")]
        addresses = [item["ip"] for item in pod["status"]["podIPs"]]
        assert addresses == marks["ovn.kubernetes.io/ip_address"].split(","), name(pod)
        assert all(ip_address(item) in network for item, network in zip(addresses, networks, strict=True)), name(pod)
        assert addresses[0] in execute(running, pod, "ip", "-o", "address", "show", "eth0"), name(pod)


def test_pods_of_all_hosts_reach_each_other(running: KubeLab) -> None:
    web = pods(running, "web")
    assert sorted(pod["spec"]["nodeName"] for pod in web) == sorted(NAMES)
    for one, other in permutations(web, 2):
        got = execute(running, one, "wget", "-q", "-T", "5", "-O", "-", f"http://{address(other)}:{PORT}/")
        assert got == name(other)


def test_ports_of_hosts_lead_to_their_pods(running: KubeLab) -> None:
    """From outside of the fabric, from the host itself and from all others."""
    for pod in pods(running, "web"):
        host, url = running[pod["spec"]["nodeName"]], f"http://{pod['status']['hostIP']}:{HOST_PORT}/"
        command = ["ip", "netns", "exec", f"weft-lab-{host.lab}", *FETCH, url]
        assert subprocess.check_output(command, text=True, timeout=30).strip() == name(pod), host.name
        assert [asking.run([*FETCH, url]).stdout for asking in running] == [name(pod)] * len(NAMES), host.name


def test_probes_see_what_becomes_of_a_pod(running: KubeLab, eventually: Eventually) -> None:
    """Without its page a server is not ready, then is restarted, and is ready again at the same address."""
    (before,) = pods(running, "frail")
    assert (is_ready(before), restarts(before)) == (True, 0)
    execute(running, before, "rm", "/www/index.html")

    def restarted() -> bool:
        (pod,) = pods(running, "frail")
        return restarts(pod) == 1 and is_ready(pod)

    eventually(restarted, within=40, what="the kubelet restarts the container")
    (after,) = pods(running, "frail")
    assert (name(after), address(after)) == (name(before), address(before))


def test_pods_of_a_stateful_set_keep_their_addresses(running: KubeLab, eventually: Eventually) -> None:
    before = {name(pod): (address(pod), pod["metadata"]["uid"]) for pod in pods(running, "store")}
    running.kubectl("--namespace", NAMESPACE, "delete", "pod", *before)

    def back() -> bool:
        found = pods(running, "store")
        return len(found) == len(before) and all(map(is_ready, found))

    eventually(back, within=60, what="the StatefulSet's pods are back")
    after = {name(pod): (address(pod), pod["metadata"]["uid"]) for pod in pods(running, "store")}
    assert {key: value[0] for key, value in after.items()} == {key: value[0] for key, value in before.items()}
    assert all(after[key][1] != before[key][1] for key in before), "they are other pods of the same names"


@pytest.mark.parametrize("unit", ["kubelet", "containerd", "weft-agent"])
def test_a_restart_of_what_runs_pods_does_not_disturb_them(running: KubeLab, eventually: Eventually, unit: str) -> None:
    before = state(running)
    running.on_all(["systemctl", "restart", unit])

    def works() -> bool:
        ready = 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}'
        try:
            nodes = running.kubectl("get", "nodes", "--output", ready)
            return nodes.split() == ["True"] * len(NAMES) and state(running) == before
        except CommandError:  # a kubelet that has just begun does not know its pods yet
            return False

    eventually(works, within=60, what="the nodes are ready, with the same containers and interfaces")


def interfaces(host: Host) -> list[dict[str, str]]:
    """What Open vSwitch on a host says of the interfaces of these pods."""
    rows = [dict(row[0][1]) for row in json.loads(host.run(INTERFACES).stdout)["data"]]
    return [row for row in rows if row.get("iface-id", "").endswith(f".{NAMESPACE}")]


def test_nothing_is_left_of_pods_that_are_deleted(running: KubeLab, eventually: Eventually) -> None:
    files = {host.name: [row["pod_netns"] for row in interfaces(host)] for host in running}
    assert all(files.values())
    running.kubectl("delete", "namespace", NAMESPACE, "--wait=false")

    def gone() -> bool:
        ips = [ip["metadata"]["name"] for ip in running.get("ips")["items"]]
        return not any(ip.endswith(f".{NAMESPACE}") for ip in ips) and not any(map(interfaces, running))

    eventually(gone, within=60, what="no reservation and no interface is left")
    for host in running:
        assert not [file for file in files[host.name] if host.run(["test", "-e", file], check=False).ok], host.name
        assert f"dport {HOST_PORT}" not in host.run("nft list ruleset").stdout, host.name
