"""The fabric with a Kubernetes API, on hosts: the same packets, Kube-OVN's marks, few rights, another leader, no trace.

The tests stand in the order in which they use the lab up: the last one removes it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import LOGS, Lab, make
from tests.lab.kubernetes.conftest import NAME, VARIABLES, KubeLab, reach

pytestmark = pytest.mark.lab
SITE = "playbooks/lab_kubernetes.yml"
PREFIX = "ovn.kubernetes.io/"
KUBECONFIG = "/etc/weft/kubeconfig"
CACHE = Path(os.environ.get("WEFT_CACHE", "~/.cache/weft")).expanduser()
LATE = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "late", "namespace": "default", "annotations": {"weft.ovn/netns": "late"}},
    "spec": {"nodeName": "lab2", "containers": [{"name": "none", "image": "none"}]},
}
IS_UP = "ovn-nbctl --no-leader-only --bare --columns=name find Logical_Switch_Port name=late.default up=true"
Eventually = Callable[..., None]


def verdicts(report: dict[str, Any]) -> set[tuple[str, str, bool, bool]]:
    """Who reaches whom, by which family."""
    return {(item["source"], item["destination"], ":" in item["address"], item["reached"]) for item in report["tries"]}


def test_who_reaches_whom_is_the_same_whichever_the_store(kube: KubeLab, lab: Lab) -> None:
    by_kubectl, by_weftctl = reach(lab=NAME), reach()
    assert [item for item in by_kubectl["tries"] if not item["right"]] == []
    assert verdicts(by_kubectl) == verdicts(by_weftctl)


def test_pods_carry_what_kube_ovn_writes(kube: KubeLab) -> None:
    """What stands on a pod is what its subnet says, its reservation, and its port in the Northbound."""
    subnets = {item["metadata"]["name"]: item["spec"] for item in kube.get("subnets")["items"]}
    ips = {item["metadata"]["name"]: item["spec"] for item in kube.get("ips")["items"]}
    pods = kube.get("pods", "--all-namespaces")["items"]
    assert len(pods) >= len(subnets) - 1, "the examples have pods in all of their subnets"
    ports = ports_of(kube)
    for pod in pods:
        marks = {key.removeprefix(PREFIX): value for key, value in pod["metadata"]["annotations"].items()}
        port = f"{pod['metadata']['name']}.{pod['metadata']['namespace']}"
        subnet, ip = subnets[marks["logical_switch"]], ips[port]
        assert (marks["allocated"], marks["routed"]) == ("true", "true"), port
        assert (marks["ip_address"], marks["mac_address"]) == (ip["ipAddress"], ip["macAddress"]), port
        assert (marks["cidr"], marks["gateway"]) == (subnet["cidrBlock"], gateway(subnet)), port
        assert marks["logical_router"] == subnet["vpc"], port
        assert ports[port] == " ".join([ip["macAddress"], *ip["ipAddress"].split(",")]), port


def gateway(subnet: dict[str, Any]) -> str:
    """The first address of each network, where the subnet names no other."""
    networks = map(ip_network, subnet["cidrBlock"].split(","))
    return str(subnet.get("gateway") or ",".join(str(network[1]) for network in networks))


def ports_of(kube: KubeLab) -> dict[str, str]:
    """Addresses of switch ports, as the Northbound has them."""
    list_ = "ovn-nbctl --no-leader-only --format=json --columns=name,addresses list Logical_Switch_Port"
    rows = json.loads(kube["lab1"].run(list_).stdout)["data"]
    return {name: addresses for name, addresses in rows if isinstance(addresses, str)}


@pytest.mark.parametrize(
    ("right", "allowed"),
    [
        ("watch pods", "yes"),
        ("patch pods", "yes"),
        ("create ips.kubeovn.io", "yes"),
        ("delete pods", "no"),
        ("create pods", "no"),
        ("get secrets", "no"),
        ("delete subnets.kubeovn.io", "no"),
        ("create customresourcedefinitions.apiextensions.k8s.io", "no"),
        ("update clusterroles.rbac.authorization.k8s.io", "no"),
    ],
)
def test_what_the_controllers_token_may_do(kube: KubeLab, right: str, allowed: str) -> None:
    words = ["--kubeconfig", KUBECONFIG, "auth", "can-i", *right.split(), "--all-namespaces"]
    assert kube.kubectl(*words, check=False) == allowed


def test_nobody_but_the_controller_can_read_its_token(kube: KubeLab) -> None:
    for host in kube:
        owner = host.run("systemctl show --value --property=User weft-controller").stdout or "root"
        assert host.run(f"stat --format='%a %U' {KUBECONFIG}").stdout in (f"600 {owner}", "600 root"), host.name


def test_the_second_run_changes_nothing(kube: KubeLab) -> None:
    assert kube.play(SITE).succeeded().changed == {"lab1": 0, "lab2": 0, "lab3": 0}


def test_another_controller_takes_over(kube: KubeLab, eventually: Eventually) -> None:
    """The leader is killed and stays away; a pod that is made meanwhile is served by the next one."""
    before = kube.leader()
    kube[before].run("systemctl kill --signal=KILL weft-controller; systemctl stop weft-controller")
    try:
        kube.kubectl("apply", "--filename", "-", stdin=json.dumps(LATE))
        eventually(lambda: kube["lab1"].run(IS_UP).stdout, within=60, what="the next leader serves the pod")
        assert kube.leader() != before
        late = [item for item in reach("--no-apply", lab=NAME)["tries"] if "late.default" in item["source"]]
        assert late
        assert all(item["right"] for item in late)
    finally:
        kube[before].run("systemctl start weft-controller")


def test_it_goes_without_a_trace_and_leaves_the_other_lab_alone(kube: KubeLab, lab: Lab) -> None:
    make("lab-down", LOGS / NAME / "lab-down.log", **VARIABLES)
    containers = subprocess.check_output(["podman", "ps", "--all", "--format", "{{.Names}}"], text=True).split()
    assert {host.container for host in kube}.isdisjoint(containers)
    assert not Path(f"/var/run/netns/weft-lab-{NAME}").exists()
    assert not (CACHE / "labs" / NAME).exists()
    assert {host.container for host in lab} <= set(containers)
    assert lab.ready()
