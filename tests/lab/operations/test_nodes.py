"""A host leaves the fabric and joins it again; the others' packets are not touched."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from tests.lab.conftest import Lab
from tests.lab.operations.conftest import NAMESPACE, Pair, killed, operation, rows, status

pytestmark = pytest.mark.usefixtures("kept")
HOST = "lab3"
Eventually = Callable[..., None]
GONE = (
    "systemctl is-active weft-agent ovn-controller; ip link show ovn0; ip netns list; nft list table inet weft; "
    "ip route show table all proto 157; ls /etc/cni/net.d/01-weft.conflist /var/lib/weft/agent; "
    "ovs-vsctl br-exists br-int && echo br-int"
)


def add_workload(lab: Lab) -> None:
    lab["lab1"].run(["weftctl", "endpoint", "add", "three", "--host", HOST, "--namespace", NAMESPACE])


def test_a_host_with_workloads_stays_and_all_reasons_are_told(healthy: Lab, pair: Pair) -> None:
    add_workload(healthy)
    healthy["lab1"].run(["weftctl", "pause", "--reason", "test"])
    try:
        seen = operation("remove_node", host=HOST)
        seen.refused(f"{NAMESPACE}/three")
        seen.refused("the fabric is paused")
    finally:
        healthy["lab1"].run(["weftctl", "resume"])
    assert set(seen.changed.values()) == {0}


def test_check_mode_tells_and_changes_nothing(healthy: Lab, pair: Pair) -> None:
    before = status(healthy)
    seen = operation("remove_node", "--check", host=HOST, workloads="drain").succeeded()
    assert "they are drained" in seen.text
    assert seen.changed[HOST] > 0
    assert status(healthy) == before


def test_a_host_leaves_and_joins_again(healthy: Lab, pair: Pair, eventually: Eventually) -> None:
    before = status(healthy)
    with pair.traffic(most=2):
        operation("remove_node", host=HOST, workloads="drain").succeeded()
    for database, table in (("OVN_Southbound", "Chassis"), ("Weft", "Host"), ("Weft", "Host_Status"), ("Weft", "Port")):
        assert f'"{HOST}"' not in rows(healthy, database, table), table
    assert f'"{HOST}"' not in rows(healthy, "OVN_Northbound", "Logical_Switch_Port")
    left = healthy[HOST].run(GONE, check=False).stdout.split()
    assert left == ["inactive", "inactive"], left
    assert set(operation("remove_node", host=HOST).succeeded().changed.values()) == {0}

    with pair.traffic(most=2):
        operation("add_node", host=HOST).succeeded()
    eventually(lambda: status(healthy) == before, within=60, what="the status of before")
    add_workload(healthy)
    healthy["lab1"].run(["weftctl", "endpoint", "delete", "-n", NAMESPACE, "three"])


@pytest.mark.operations
def test_the_second_run_of_add_node_changes_nothing(healthy: Lab, pair: Pair) -> None:
    assert set(operation("add_node", host=HOST).succeeded().changed.values()) == {0}


@pytest.mark.operations
@pytest.mark.parametrize("at", ["What it made in the kernel goes", "The Southbound has no chassis of the host"])
def test_a_removal_that_was_killed_is_finished(healthy: Lab, pair: Pair, eventually: Eventually, at: str) -> None:
    before = status(healthy)
    killed("remove_node", at, host=HOST, workloads="drain")
    operation("remove_node", host=HOST, workloads="drain").succeeded()
    assert f'"{HOST}"' not in rows(healthy, "Weft", "Host")
    operation("add_node", host=HOST).succeeded()
    eventually(lambda: status(healthy) == before, within=60, what="the status of before")


@pytest.mark.operations
def test_a_dead_host_is_taken_out_and_comes_back(healthy: Lab, pair: Pair, eventually: Eventually) -> None:
    """Its machine does not answer: the container is frozen, so that its tunnels and databases end as by a power cut."""
    before = status(healthy)
    add_workload(healthy)
    subprocess.run(["podman", "pause", healthy[HOST].container], check=True, capture_output=True)
    try:
        operation("remove_node", host=HOST, workloads="drain", dead=True).refused("its agent was heard of")
        operation("remove_node", host=HOST, workloads="drain").refused(f"{HOST} cannot be reached")
        silent = f'weftctl node {HOST} -o json | grep -q \'"state": "silent"\''
        eventually(lambda: healthy["lab1"].run(silent, check=False).ok, within=120, what=f"{HOST} is silent")
        with pair.traffic(most=2):
            operation("remove_node", host=HOST, workloads="drain", dead=True).succeeded()
        for database, table in (("OVN_Southbound", "Chassis"), ("Weft", "Host"), ("Weft", "Port")):
            assert f'"{HOST}"' not in rows(healthy, database, table), table
    finally:
        subprocess.run(["podman", "unpause", healthy[HOST].container], check=True, capture_output=True)
        operation("add_node", host=HOST).succeeded()
    eventually(lambda: status(healthy) == before, within=60, what="the status of before")
