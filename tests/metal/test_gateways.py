"""What a host beyond the fabric sees of workloads on the kernel's datapath: the guests' switch is such a host."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.metal.conftest import ADDRESSES, SWITCH, Guest
from tests.metal.fabric import address, apply, inside, workload
from tests.support.outside import PORT, answering, client

Fabric = dict[str, Guest]
OUTSIDE, NAME = "172.30.0.1", "ways-out"
HOSTS = {"out1": "metal1", "out2": "metal2"}


def subnet(**spec: Any) -> dict[str, Any]:
    spec = {"cidrBlock": "10.211.0.0/16", "natOutgoing": True, **spec}
    return {"apiVersion": "kubeovn.io/v1", "kind": "Subnet", "metadata": {"name": NAME}, "spec": spec}


@pytest.fixture(scope="module")
def workloads(fabric: Fabric) -> Iterator[dict[str, str]]:
    """One on each guest, and its address. The outside has routes back to them, by their own guests."""
    documents = [workload(name, host, logical_switch=NAME) for name, host in HOSTS.items()]
    apply(fabric["metal1"], subnet(), *documents)
    found = {name: address(fabric[host], name) for name, host in HOSTS.items()}
    for name, own in found.items():
        route = ["ip", "-n", SWITCH, "route", "replace", own, "via", ADDRESSES[HOSTS[name]]]
        subprocess.run(route, check=True)
    with answering(SWITCH, "outside"):
        yield found
    for own in found.values():
        subprocess.run(["ip", "-n", SWITCH, "route", "delete", own], check=False)


@pytest.mark.parametrize(
    ("spec", "seen"),
    [
        ({}, {"out1": "metal1", "out2": "metal2"}),
        ({"natOutgoing": False}, {"out1": "out1", "out2": "out2"}),
        ({"gatewayType": "centralized", "gatewayNode": "metal2"}, {"out1": "metal2", "out2": "metal2"}),
        (
            {
                "natOutgoingPolicyRules": [
                    {"action": "forward", "match": {"srcIPs": "10.211.0.0/16", "dstIPs": OUTSIDE}}
                ]
            },
            {"out1": "out1", "out2": "out2"},
        ),
    ],
    ids=["distributed", "without natOutgoing", "centralized", "policy rule"],
)
def test_source_that_the_outside_sees(
    fabric: Fabric,
    workloads: dict[str, str],
    eventually: Callable[..., None],
    spec: dict[str, Any],
    seen: dict[str, str],
) -> None:
    apply(fabric["metal1"], subnet(**spec))
    for name, source in seen.items():
        expected = f"outside {ADDRESSES.get(source) or workloads[source]}"
        guest, command = fabric[HOSTS[name]], inside(name, shlex.join(client(OUTSIDE, PORT)))

        def right(guest: Guest = guest, command: str = command, expected: str = expected) -> bool:
            return guest.run(command, check=False).stdout == expected

        eventually(right, within=60, what=f"{name}: {expected}")
