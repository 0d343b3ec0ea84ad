"""What a server refused is tried again later and later, and never more often than that."""

from __future__ import annotations

import math

from weft.controller.retries import Retries


def test_pauses_grow_to_a_minute() -> None:
    retries = Retries()
    now, pauses = 0.0, []
    for _ in range(9):
        refusal = retries.note("Pod/ns1/web", "constraint violation", now)
        pauses.append(refusal.due - now)
        now = refusal.due
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert retries.refusals["Pod/ns1/web"].tries == 9


def test_who_is_due_is_given_out_once() -> None:
    retries = Retries()
    retries.note("a", "no", 0)
    retries.note("b", "no", 10)
    assert retries.next_due() == 1
    assert retries.take_due(0.5) == []
    assert retries.take_due(5) == ["a"]
    assert retries.take_due(5) == []
    assert retries.next_due() == 11
    retries.note("a", "no", 5)
    assert retries.take_due(6.9) == []
    assert retries.take_due(7) == ["a"], "the second pause is longer"


def test_who_was_taken_begins_anew() -> None:
    retries = Retries()
    retries.note("a", "no", 0)
    retries.note("a", "no", 0)
    retries.forget("a")
    assert "a" not in retries
    assert retries.next_due() == math.inf
    assert retries.note("a", "no", 0).due == 1


def test_never_more_than_owners() -> None:
    retries = Retries()
    for round_ in range(1000):
        for owner in "abc":
            retries.note(owner, "no", round_)
    assert len(retries.refusals) == 3
