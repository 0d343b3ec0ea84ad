"""What a host beyond the fabric sees of workloads: the lab's switch is one, at 172.30.0.1."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.lab.conftest import SWITCH, Lab
from tests.support.outside import PORT, answering, client

OUTSIDE = "172.30.0.1"
HOSTS = {"lab1": "172.30.0.11", "lab2": "172.30.0.12"}
NAME = "ways-out"
NAMESPACE: dict[str, Any] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME}}
SUBNET: dict[str, Any] = {
    "apiVersion": "kubeovn.io/v1",
    "kind": "Subnet",
    "metadata": {"name": NAME},
    "spec": {"cidrBlock": "10.211.0.0/16", "namespaces": [NAME], "natOutgoing": True},
}


def apply(lab: Lab, *documents: dict[str, Any]) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
    lab["lab1"].run(["weftctl", "apply", "-f", "-"], stdin=text)


def change(lab: Lab, **spec: Any) -> None:
    apply(lab, SUBNET | {"spec": SUBNET["spec"] | spec})


@pytest.fixture(scope="module")
def workloads(lab: Lab) -> Iterator[dict[str, dict[str, str]]]:
    """One on each of two hosts: its address and its network namespace there. The outside has routes back to them."""
    apply(lab, SUBNET, NAMESPACE)
    found = {}
    for host, near in HOSTS.items():
        lab["lab1"].run(["weftctl", "endpoint", "add", host, "--host", host, "--namespace", NAME, "--timeout", "30"])
        document = json.loads(lab["lab1"].run(["weftctl", "get", "pod", host, "-n", NAME, "-o", "json"]).stdout)
        found[host] = {
            "address": document["status"]["podIP"],
            "netns": document["metadata"]["annotations"]["weft.ovn/netns"],
        }
        route = ["ip", "-n", SWITCH, "route", "replace", found[host]["address"], "via", near]
        subprocess.run(route, check=True)
    with answering(SWITCH, "outside"):
        yield found
    for item in found.values():
        subprocess.run(["ip", "-n", SWITCH, "route", "delete", item["address"]], check=False)
    lab["lab1"].run(["weftctl", "endpoint", "delete", "-n", NAME, *HOSTS])
    lab["lab1"].run(["weftctl", "delete", "namespace", NAME])
    lab["lab1"].run(["weftctl", "delete", "subnet", NAME])


@pytest.mark.parametrize(
    ("spec", "seen"),
    [
        ({}, {"lab1": "lab1", "lab2": "lab2"}),
        ({"natOutgoing": False}, {"lab1": "pod", "lab2": "pod"}),
        ({"gatewayType": "centralized", "gatewayNode": "lab2"}, {"lab1": "lab2", "lab2": "lab2"}),
        (
            {
                "natOutgoingPolicyRules": [
                    {"action": "forward", "match": {"srcIPs": "10.211.0.0/16", "dstIPs": OUTSIDE}}
                ]
            },
            {"lab1": "pod", "lab2": "pod"},
        ),
    ],
    ids=["natOutgoing", "without natOutgoing", "centralized", "policy rule"],
)
def test_source_that_the_outside_sees(
    lab: Lab,
    workloads: dict[str, dict[str, str]],
    eventually: Callable[..., None],
    spec: dict[str, Any],
    seen: dict[str, str],
) -> None:
    change(lab, **spec)
    for host, source in seen.items():
        own = workloads[host]
        expected = f"outside {HOSTS.get(source, own['address'])}"
        command = ["ip", "netns", "exec", own["netns"], *client(OUTSIDE, PORT)]

        def right(host: str = host, command: list[str] = command, expected: str = expected) -> bool:
            return lab[host].run(command, check=False).stdout == expected

        eventually(right, within=15, what=f"{host}: {expected}")
