"""An interval set is a set of integers: every operation is held against Python's own set."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.net.intervals import IntervalSet

_BOUNDS = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (min(pair), max(pair)))
_STEPS = st.lists(st.tuples(st.sampled_from(["add", "remove"]), _BOUNDS), max_size=25)
Steps = list[tuple[str, tuple[int, int]]]


def _apply(steps: Steps) -> tuple[IntervalSet, set[int]]:
    ours, model = IntervalSet(), set[int]()
    for verb, (low, high) in steps:
        members = set(range(low, high + 1))
        if verb == "add":
            ours.add(low, high)
            model |= members
        else:
            ours.remove(low, high)
            model -= members
    return ours, model


@given(_STEPS)
def test_holds_what_a_set_of_integers_holds(steps: Steps) -> None:
    ours, model = _apply(steps)
    assert _members(ours) == model
    assert [value in ours for value in range(-2, 64)] == [value in model for value in range(-2, 64)]
    assert ours.size == len(model)
    assert bool(ours) == bool(model)


@given(_STEPS)
def test_intervals_are_sorted_and_never_touch(steps: Steps) -> None:
    intervals = list(_apply(steps)[0])
    assert all(low <= high for low, high in intervals)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(intervals))


@given(_STEPS, st.integers(-5, 70))
def test_first_from_is_the_next_member_or_wraps_to_the_smallest(steps: Steps, value: int) -> None:
    ours, model = _apply(steps)
    following = [member for member in model if member >= value]
    assert ours.first_from(value) == (min(following) if following else min(model, default=None))


def _members(pieces: Iterable[tuple[int, int]]) -> set[int]:
    return {value for low, high in pieces for value in range(low, high + 1)}


@given(_STEPS, _STEPS)
def test_intersection_and_difference_are_those_of_sets(steps: Steps, others: Steps) -> None:
    (ours, model), (other, other_model) = _apply(steps), _apply(others)
    before = list(ours), list(other)
    for found, expected in ((ours & other, model & other_model), (ours - other, model - other_model)):
        assert _members(found) == expected
        assert found.size == len(expected)
        assert all(earlier[1] + 1 < later[0] for earlier, later in pairwise(found))
    assert (list(ours), list(other)) == before


@given(_STEPS, _BOUNDS)
def test_what_is_in_between_and_what_is_missing(steps: Steps, bounds: tuple[int, int]) -> None:
    ours, model = _apply(steps)
    between = set(range(bounds[0], bounds[1] + 1))
    assert _members(ours.within(*bounds)) == model & between
    assert _members(ours.gaps(*bounds)) == between - model


@given(_STEPS, _BOUNDS)
def test_a_copy_lives_its_own_life(steps: Steps, more: tuple[int, int]) -> None:
    ours, _ = _apply(steps)
    before, twin = list(ours), ours.copy()
    assert twin == ours
    twin.add(*more)
    twin.remove(more[0], more[0])
    assert list(ours) == before


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([(1, 3), (4, 6)], [(1, 6)], id="neighbours become one"),
        pytest.param([(1, 3), (5, 6)], [(1, 3), (5, 6)], id="a gap of one stays"),
        pytest.param([(5, 6), (1, 9)], [(1, 9)], id="the larger swallows the smaller"),
        pytest.param([(1, 2), (4, 5), (7, 8), (2, 7)], [(1, 8)], id="one bridges many"),
        pytest.param([(0, 2**128 - 1)], [(0, 2**128 - 1)], id="all of IPv6"),
    ],
)
def test_built_from_intervals(intervals: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    assert list(IntervalSet(intervals)) == expected


def test_a_whole_ipv6_prefix_has_a_size_but_no_len() -> None:
    prefix = IntervalSet([(0, 2**64 - 1)])
    assert prefix.size == 2**64
    with pytest.raises(TypeError, match=r"use \.size"):
        len(prefix)
