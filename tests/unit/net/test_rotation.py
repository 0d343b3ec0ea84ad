"""An address that was just released is used again last; and all that are free can be had."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.net.intervals import IntervalSet
from weft.net.rotation import RESTING, Rotation


def _next(rotation: Rotation) -> int | None:
    """Take the one whose turn it is."""
    value = rotation.choose()
    if value is not None:
        rotation.take(value)
    return value


def _rotation(low: int, high: int) -> Rotation:
    return Rotation(IntervalSet([(low, high)]))


def test_in_ascending_order_then_the_one_that_rested_longest() -> None:
    rotation = _rotation(1, 4)
    assert [_next(rotation) for _ in range(3)] == [1, 2, 3]
    for value in (3, 1):
        rotation.put_back(value)
    assert [_next(rotation) for _ in range(4)] == [4, 3, 1, None]


@pytest.mark.parametrize("value", [2, 7], ids=["before the turn", "ahead of it"])
def test_one_that_is_released_ahead_of_the_turn_rests_all_the_same(value: int) -> None:
    rotation = _rotation(1, 9)
    for taken in (1, 2, 7):
        rotation.take(taken)
    rotation.put_back(value)
    assert [_next(rotation) for _ in range(7)] == [8, 9, 3, 4, 5, 6, value]


def test_choosing_takes_nothing() -> None:
    rotation = _rotation(1, 2)
    assert (rotation.choose(), rotation.choose(), rotation.size) == (1, 1, 2)


def test_in_a_network_that_is_never_full_what_rested_enough_is_forgotten() -> None:
    rotation = _rotation(0, 2**64 - 1)
    for _ in range(3 * RESTING):
        rotation.put_back(_next(rotation) or 0)
    assert len(rotation.resting) == RESTING
    assert rotation.size == 2**64
    assert rotation.choose() == 3 * RESTING


def test_made_anew_it_goes_on_where_it_was() -> None:
    old = _rotation(1, 9)
    for value in range(1, 7):
        old.take(value)
    for value in (5, 2, 4):
        old.put_back(value)
    new = Rotation(IntervalSet([(2, 3), (5, 9)]), old.resting, old.start)
    assert new.resting == [5, 2]
    assert [_next(new) for _ in range(8)] == [7, 8, 9, 3, 6, 5, 2, None]


@given(st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=60))
def test_free_is_free_whatever_happened(steps: list[int | None]) -> None:
    """None: take the one whose turn it is; a number: take that one, or release it."""
    rotation, free = _rotation(0, 9), set(range(10))
    for step in steps:
        if step is None:
            assert (rotation.choose() is None) == (not free)
            if (value := _next(rotation)) is not None:
                free.remove(value)
        elif step in free:
            rotation.take(step)
            free.remove(step)
        else:
            rotation.put_back(step)
            free.add(step)
        assert rotation.size == len(free)
    assert {_next(rotation) for _ in range(len(free))} == free
