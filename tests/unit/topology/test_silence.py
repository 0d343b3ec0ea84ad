"""When a host counts as silent, and what becomes of the subnets that leave by it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.unit.topology.build import settle, subnet
from tests.unit.topology.test_gateways import BOTH, fabric, leaving, told
from weft.topology.silence import Silence, overdue

WALL = 1_800_000_000.0


def row(name: str = "lab1", **columns: Any) -> dict[str, Any]:
    return {"name": name, "last_seen": int(WALL), **columns}


@pytest.mark.parametrize(
    ("columns", "age", "late"),
    [({}, 90, False), ({}, 92, True), ({"heartbeat": 3}, 10, False), ({"heartbeat": 3}, 11, True)],
)
def test_how_long_a_host_may_say_nothing(columns: dict[str, Any], age: float, late: bool) -> None:
    assert overdue(row(**columns), WALL + age) == late
    silence = Silence()
    silence.heard(row(**columns), 100.0)
    assert silence.silent(100.0 + age) == ({"lab1"} if late else set())


def test_a_row_that_was_never_signed_is_not_late() -> None:
    assert not overdue(row(last_seen=0), WALL)


def test_a_host_is_silent_until_it_is_heard() -> None:
    silence = Silence()
    silence.begin(row("lab1", last_seen=int(WALL) - 600), 0.0, WALL)
    silence.begin(row("lab2"), 0.0, WALL)
    assert (silence.silent(1.0), silence.next_due()) == ({"lab1"}, 91.0)
    silence.excuse(500.0)
    assert (silence.silent(500.0), silence.next_due()) == ({"lab1"}, 591.0)
    silence.heard(row("lab1", heartbeat=3), 510.0)
    assert (silence.silent(515.0), silence.next_due()) == (set(), 520.0)
    silence.forget("lab1")
    silence.forget("lab2")
    assert (silence.silent(9999.0), silence.next_due()) == (set(), math.inf)


def test_a_silent_host_is_no_gateway() -> None:
    engine = fabric(subnet("gate", "10.67.0.0/16", **BOTH))
    engine.hear(frozenset({"lab2"}))
    assert "Subnet/gate" in settle(engine)
    assert leaving(engine, "gate") == ("100.64.0.2",)
    assert told(engine, "gate") == ("lab1", ("True", "HostsFit", "not ready: lab2"))
    engine.hear(frozenset({"lab2"}))
    assert not engine.dirty, "nothing new"
    engine.hear(frozenset())
    assert "Subnet/gate" in settle(engine)
    assert leaving(engine, "gate") == ("100.64.0.3",)
