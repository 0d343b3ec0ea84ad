"""The fabric's programs are upgraded unless: a table of fabrics, with the reason that each must give."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.weft.ovn.plugins.filter.operation import operation_plan
from ansible_collections.weft.ovn.plugins.module_utils.operation.versions import parse_policy

from tests.unit.plugins.test_operation import DATABASES, Change, expect, reasons, silent, stopped, unreachable, well

POLICY = """openvswitch-switch:
  Installed: 3.5.0-1
  Candidate: {switch}
  Version table:
 *** 3.5.0-1 500
ovn-host:
  Installed: {old}
  Candidate: {new}
  Version table:
 *** {old} 500
ovn-ic:
  Installed: (none)
  Candidate: {new}
"""


def policy(new: str = "25.03.0-1", old: str = "25.03.0-1", switch: str = "3.5.0-1") -> str:
    return POLICY.format(old=old, new=new, switch=switch)


def plan(change: Change, option: str = "leave", **versions: str) -> Any:
    look = copy.deepcopy(well())
    told = {"manager": "apt", "policy": policy(**versions), "matches_northd": False}
    look["versions"] = {host: dict(told) for host in "abc"}
    change(look)
    return operation_plan(look, "upgrade", {"switch": option})


def nothing(_look: Any) -> None:
    """A fabric that may be upgraded."""


def told(host: str, **values: Any) -> Callable[[Any], object]:
    return lambda look: look["versions"][host].update(values)


REFUSED: list[tuple[Change, dict[str, str], list[str]]] = [
    (nothing, {}, []),
    (nothing, {"new": "25.03.1-1"}, []),
    (nothing, {"old": "24.03.2-1", "new": "26.03.0-1"}, []),
    (nothing, {"old": "22.03.2-1", "new": "25.03.0-1"}, ["OVN 25.03.0-1 is too far from 22.03.2-1 for one step"]),
    (told("b", policy=policy("25.09.0-1")), {}, ["ovn-host would differ: 25.03.0-1 on a, c; 25.09.0-1 on b"]),
    (told("b", matches_northd=True), {}, ["b has external_ids:ovn-match-northd-version"]),
    (told("b", manager=""), {}, ["b has no package manager that is known here"]),
    (unreachable("b"), {}, ["b cannot be reached", *[f"{name}: b does not" for name in DATABASES]]),
    (stopped("b"), {}, ["OVN_Northbound: b does not take part", "OVN_Southbound: b", "Weft: b"]),
    (silent("b"), {}, ["host b is not ready"]),
    (lambda look: look["rows"]["Fabric"][0].update(paused=True), {}, ["the fabric is paused"]),
]


@pytest.mark.parametrize(("change", "versions", "expected"), REFUSED)
def test_a_fabric_is_upgraded_unless(change: Change, versions: dict[str, str], expected: list[str]) -> None:
    expect(reasons(plan(change, **versions)), expected)


@pytest.mark.parametrize(("option", "due"), [("leave", ["ovn-host"]), ("keep", ["ovn-host", "openvswitch-switch"])])
def test_open_vswitch_is_left_alone_unless_asked_for(option: str, due: list[str]) -> None:
    found = plan(nothing, option, new="25.03.1-1", switch="3.5.1-1")
    assert found["packages"] == dict.fromkeys("abc", due)
    assert "ovn-host 25.03.0-1 -> 25.03.1-1 on a, b, c" in found["story"]


def test_what_apt_says() -> None:
    assert parse_policy(policy("25.03.1-1")) == {
        "openvswitch-switch": ("3.5.0-1", "3.5.0-1"),
        "ovn-host": ("25.03.0-1", "25.03.1-1"),
    }
