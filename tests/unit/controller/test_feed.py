"""What the engine makes of what the store says between two looks."""

from __future__ import annotations

import pytest

from tests.unit.topology.build import base, pod, settle, subnet
from weft.api.problem import Problem
from weft.controller.feed import feed_objects
from weft.store.base import Changes, ObjectChange, Removed, Stored

WEB = pod("web")
WRONG = Stored(WEB.ref, None, (Problem(WEB.ref, "spec", "is wrong"),))


def _stored() -> Stored:
    return Stored(WEB.ref, WEB)


@pytest.mark.parametrize(
    ("happened", "present"),
    [
        ([_stored()], True),
        ([_stored(), Removed(WEB.ref)], False),
        ([_stored(), Removed(WEB.ref), _stored()], True),
        ([Removed(WEB.ref), _stored()], True),
        ([_stored(), WRONG], False),
    ],
)
def test_the_last_word_counts(happened: list[ObjectChange], present: bool) -> None:
    engine = base()
    changes = Changes()
    changes.follow()
    for change in happened:
        changes.add(change)
    feed_objects(engine, changes.take())
    assert (WEB.ref in engine.view.pods) is present


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        pytest.param([WRONG], True, id="it cannot be read right now"),
        pytest.param([Removed(WEB.ref), WRONG], False, id="it went, and another one of its name cannot be read"),
    ],
)
def test_rows_outlive_what_cannot_be_read_but_not_what_went(changes: list[ObjectChange], kept: bool) -> None:
    engine = base()
    feed_objects(engine, [_stored()])
    settle(engine)
    feed_objects(engine, changes)
    assert bool(engine.is_frozen(WEB.ref) or engine.compile(WEB.ref).northbound) is kept


def test_kinds_come_in_the_order_in_which_they_depend_on_each_other() -> None:
    engine = base()
    blue = subnet("blue", "10.66.0.0/16", namespaces=["ns1"])
    feed_objects(engine, [_stored(), Stored(blue.ref, blue)])
    settle(engine)
    assert engine.view.ips["web.ns1"].spec.subnet == "blue"
