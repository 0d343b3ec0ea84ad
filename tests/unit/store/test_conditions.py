"""A status is written when it says something new, and a condition keeps the time of its last turn."""

from __future__ import annotations

import json
from typing import Any

import pytest

from weft.store.conditions import merge_status, rounded

THEN, NOW = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"


def _condition(status: str, time: str = "", **more: str) -> dict[str, str]:
    times = {"lastTransitionTime": time} if time else {}
    return {"type": "Ready", "status": status, "reason": "R", **more, **times}


@pytest.mark.parametrize(
    ("old", "new", "merged"),
    [
        pytest.param({}, {}, None, id="nothing to say"),
        pytest.param({}, {"phase": "Running"}, {"phase": "Running"}, id="first words"),
        pytest.param({"phase": "Running"}, {"phase": "Running"}, None, id="the same words"),
        pytest.param(
            {"phase": "Running", "podIP": "x"}, {"phase": "Running"}, {"phase": "Running"}, id="less than before"
        ),
        pytest.param(
            {},
            {"conditions": [_condition("True")]},
            {"conditions": [_condition("True", NOW)]},
            id="a first condition",
        ),
        pytest.param(
            {"conditions": [_condition("True", THEN)]},
            {"conditions": [_condition("True")]},
            None,
            id="the same condition",
        ),
        pytest.param(
            {"conditions": [_condition("True", THEN)]},
            {"conditions": [_condition("False")]},
            {"conditions": [_condition("False", NOW)]},
            id="it turned",
        ),
        pytest.param(
            {"conditions": [_condition("False", THEN, message="a")]},
            {"conditions": [_condition("False", message="b")]},
            {"conditions": [_condition("False", THEN, message="b")]},
            id="another message is no turn",
        ),
        pytest.param(
            {"conditions": [_condition("True")]},
            {"conditions": [_condition("True")]},
            {"conditions": [_condition("True", NOW)]},
            id="without a time it gets one",
        ),
        pytest.param(
            {"conditions": [_condition("True", THEN), {"type": "Old", "status": "True"}]},
            {"conditions": [_condition("True")]},
            {"conditions": [_condition("True", THEN)]},
            id="a condition that is no longer told",
        ),
        pytest.param({"conditions": [_condition("True", THEN)]}, {}, {}, id="none is told any more"),
    ],
)
def test_merge(old: dict[str, Any], new: dict[str, Any], merged: dict[str, Any] | None) -> None:
    assert merge_status(old, new, NOW) == merged
    if merged is not None:
        assert merge_status(merged, new, "later") is None


@pytest.mark.parametrize("available", [2**64 - 10, 2**64 - 11, 2**120 - 3])
def test_a_count_that_an_api_server_rounds_is_not_written_again(available: int) -> None:
    stored = json.loads(json.dumps({"v6availableIPs": float(available)}))
    assert merge_status(rounded(stored), rounded({"v6availableIPs": available}), NOW) is None


def test_counts_that_a_number_can_hold_are_exact() -> None:
    status = {"v4usingIPs": 2**53, "podIP": "10.0.0.3", "standby": True}
    assert rounded(status) == status
    assert all(type(rounded(status)[name]) is type(value) for name, value in status.items())
