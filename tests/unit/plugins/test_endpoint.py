"""What the module endpoint asks weftctl for, and the difference that it shows."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.modules.endpoint import ENDPOINT_SPEC, diff, wanted

NOTHING: dict[str, Any] = {**dict.fromkeys(ENDPOINT_SPEC), "ip": [], "name": None, "config": None}
TASK: dict[str, Any] = {**NOTHING, "namespace": "default", "state": "present"}
ITEM: dict[str, Any] = {**dict.fromkeys(ENDPOINT_SPEC), "ip": [], "namespace": None, "state": None}


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (
            {"name": "a", "host": "lab1", "ip": ["10.0.0.2", "fd00::2"]},
            [{"name": "a", "namespace": "default", "state": "present", "host": "lab1", "ip": "10.0.0.2,fd00::2"}],
        ),
        (
            {
                "host": "lab1",
                "config": [{**ITEM, "name": "a"}, {**ITEM, "name": "b", "host": "lab2", "namespace": "n"}],
            },
            [
                {"name": "a", "namespace": "default", "state": "present", "host": "lab1"},
                {"name": "b", "namespace": "n", "state": "present", "host": "lab2"},
            ],
        ),
        (
            {
                "state": "absent",
                "config": [{**ITEM, "name": "a", "host": "lab1"}, {**ITEM, "name": "b", "state": "present"}],
            },
            [
                {"name": "a", "namespace": "default", "state": "absent"},
                {"name": "b", "namespace": "default", "state": "present"},
            ],
        ),
    ],
)
def test_options_of_the_task_are_defaults_of_its_items(options: dict[str, Any], asked: list[dict[str, str]]) -> None:
    assert list(wanted({**TASK, **options})) == asked


def test_the_difference_shows_only_what_changes() -> None:
    same = {"metadata": {"name": "same"}}
    endpoints = [
        {"namespace": "n", "name": "same", "before": same, "after": same},
        {"namespace": "n", "name": "new", "before": None, "after": {"spec": {}}},
        {"namespace": "n", "name": "old", "before": {"spec": {}}, "after": None},
    ]
    assert diff(endpoints) == {"before": {"n/old": {"spec": {}}}, "after": {"n/new": {"spec": {}}}}
