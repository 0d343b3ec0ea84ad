"""Deletions that are held: what an approval lets go, what comes back, what is judged anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from weft.controller import metrics
from weft.controller.guard import Hold
from weft.controller.holds import Holds
from weft.controller.state import Alarms
from weft.ovsdb.database import Database

PODS = [f"Pod/ns1/p{number:03d}" for number in range(100)]
DIGEST = Hold("Pod", frozenset(PODS), 100).digest


@pytest.fixture
def alarms() -> Iterator[Alarms]:
    yield Alarms(cast("Database", None), "c1")  # raised and cleared here, never stored
    metrics.HELD.clear()


@pytest.fixture
def holds(alarms: Alarms) -> Holds:
    holds = Holds(alarms)
    assert holds.sort_out(PODS, PODS) == []
    return holds


@pytest.mark.parametrize(
    ("approved", "returned", "gone", "back", "held"),
    [
        pytest.param("", 0, 0, 0, 100, id="nobody looked, nothing came back"),
        pytest.param("0123456789ab", 0, 0, 0, 100, id="something else was approved"),
        pytest.param(DIGEST, 0, 100, 0, 0, id="approved"),
        pytest.param(DIGEST, 3, 97, 3, 0, id="approved, and what came back meanwhile stays"),
        pytest.param("", 3, 0, 3, 97, id="some came back, the rest is too much still"),
        pytest.param("", 60, 40, 60, 0, id="most came back, the rest is few"),
        pytest.param("", 100, 0, 100, 0, id="all came back"),
    ],
)
def test_what_becomes_of_held_deletions(
    holds: Holds, alarms: Alarms, approved: str, returned: int, gone: int, back: int, held: int
) -> None:
    went, came = holds.review(approved, PODS[:returned])
    assert (went, came) == (PODS[100 - gone :] if gone else [], PODS[:back])
    assert len(holds.owners) == held
    assert alarms.raised == ({"held/Pod"} if held else set())


def test_only_what_is_held_can_be_approved(holds: Holds) -> None:
    assert holds.awaits(DIGEST)
    holds.review(DIGEST, ())
    assert not holds.awaits(DIGEST)
