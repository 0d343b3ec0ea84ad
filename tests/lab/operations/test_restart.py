"""Services are restarted, one host of one layer after the other, while workloads speak."""

from __future__ import annotations

import pytest

from tests.lab.conftest import Lab
from tests.lab.operations.conftest import Pair, killed, operation
from tests.support.pings import Pings

PIDS = "cat /run/ovn/*.pid; systemctl show --property MainPID weft-agent weft-controller"


def pids(lab: Lab) -> set[str]:
    return {f"{name} {word}" for name, said in lab.on_all(PIDS).items() for word in said.stdout.split()}


def test_all_reasons_are_told_and_nothing_restarts(healthy: Lab, pair: Pair) -> None:
    before = pids(healthy)
    seen = operation("restart", layers="vswitchd,nortd", host="lab1")
    seen.refused("there is no layer nortd")
    seen.refused("workloads on lab1 lose packets while vswitchd restarts: ")
    assert pids(healthy) == before


@pytest.mark.operations
def test_all_layers_are_restarted_and_no_packet_is_lost(healthy: Lab, pair: Pair) -> None:
    before = pids(healthy)
    with Pings(pair.way) as pings:
        seen = operation("restart").succeeded()
    print(f"restart: {pings.loss}")
    assert pings.loss.lost == 0, pings.loss
    assert "Restart 18 of 18, ovn-controller of lab3" in seen.text
    assert not pids(healthy) & before


@pytest.mark.operations
def test_a_restart_that_was_killed_is_run_again(healthy: Lab, pair: Pair) -> None:
    with Pings(pair.way) as pings:
        killed("restart", "Restart 2 of", layers="databases,relays")
        operation("restart", layers="databases,relays").succeeded()
    assert pings.loss.lost == 0, pings.loss


@pytest.mark.operations
def test_check_mode_restarts_nothing(healthy: Lab) -> None:
    before = pids(healthy)
    seen = operation("restart", "--check", layers="northd,agents").succeeded()
    assert "1 of 6, northd of lab1" in seen.text
    assert pids(healthy) == before


@pytest.mark.operations
def test_a_member_is_not_restarted_when_the_majority_would_be_lost(healthy: Lab) -> None:
    healthy["lab3"].run(["systemctl", "stop", "ovn-ovsdb-server-nb"])
    try:
        operation("restart", layers="databases").refused("OVN_Northbound: while lab1 restarts there is no majority")
    finally:
        healthy["lab3"].run(["systemctl", "start", "ovn-ovsdb-server-nb"])


@pytest.mark.operations
def test_vswitchd_restarts_when_that_is_wanted(healthy: Lab, pair: Pair) -> None:
    with Pings(pair.way) as pings:
        operation("restart", layers="vswitchd", host="lab1", interrupt=True).succeeded()
    print(f"restart, vswitchd: {pings.loss}")
    assert pings.loss.gap < 30, pings.loss
