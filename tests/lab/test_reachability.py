"""Packets, on the real hosts: who reaches whom is what the objects say, in both address families.

The examples of docs/ are applied and every pair is tried by tools/reach.py, as `make lab-demo` does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.lab.conftest import CHECKOUT, Lab

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def report(lab: Lab) -> dict[str, Any]:
    """All tries, made once."""
    command = [sys.executable, "tools/reach.py", "--output", "json"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode in (0, 1), done.stderr
    return dict(json.loads(done.stdout))


def tries(report: dict[str, Any], **wanted: Any) -> list[dict[str, Any]]:
    return [item for item in report["tries"] if all(item[name] == value for name, value in wanted.items())]


def test_everything_is_as_the_objects_say(report: dict[str, Any]) -> None:
    assert report["tries"]
    assert [item for item in report["tries"] if not item["right"]] == []


@pytest.mark.parametrize(
    "relation", ["ovn-cluster: subnet subnet1", "ovn-cluster: across subnets", "host and workload"]
)
def test_inside_the_default_vpc_across_hosts(report: dict[str, Any], relation: str) -> None:
    across = [item for item in tries(report, relation=relation) if item["source_host"] != item["destination_host"]]
    assert across
    assert all(item["reached"] and item["tcp"] == "ok" for item in across)


@pytest.mark.parametrize("address", ["10.17.0.15", "fd00:10:17::15"])
def test_both_families_of_a_dual_stack_subnet(report: dict[str, Any], address: str) -> None:
    (item,) = tries(report, source="dual-a.default", destination="dual-b.default", address=address)
    assert item["reached"]


def test_vpcs_with_the_same_addresses_are_apart(report: dict[str, Any]) -> None:
    """Asked at an address that both VPCs have, a workload of the own VPC answers, and not the other's."""
    across = tries(report, relation="test-vpc-1 | test-vpc-2")
    assert across
    assert not any(item["reached"] for item in across)
    own = {"test-vpc-1": "vpc1", "test-vpc-2": "vpc2"}.values()
    answered = [item for item in across if item["answered_by"]]
    assert answered, "the VPCs of the example overlap, so somebody of the own VPC has the other's address"
    assert all(item["answered_by"].split(".")[1] == item["source"].split(".")[1] for item in answered)
    assert {item["source"].split(".")[1] for item in answered} == set(own)


def test_hosts_do_not_reach_into_vpcs(report: dict[str, Any]) -> None:
    for vpc in ("test-vpc-1", "test-vpc-2"):
        assert tries(report, relation=f"hosts | {vpc}")
        assert not any(item["reached"] for item in tries(report, relation=f"hosts | {vpc}"))


def test_every_subnet_has_workloads_on_two_hosts(report: dict[str, Any]) -> None:
    hosts: dict[str, set[str]] = {}
    for party in report["workloads"]:
        hosts.setdefault(party["subnet"], set()).add(party["host"])
    assert {"subnet1", "ovn-test", "net1", "net2"} <= hosts.keys()
    assert all(len(names) >= 2 for names in hosts.values())
