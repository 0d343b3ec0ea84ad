"""What tables and times look like."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from weft.ctl.printing import age, at, cell, columns, complain, duration

NOW = datetime(2025, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (600, "10m"),
        (3 * 3600, "3h"),
        (2 * 86400, "2d"),
    ],
)
def test_durations_are_as_kubectl_has_them(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_age_of_a_timestamp() -> None:
    assert age("2025-03-01T11:59:30Z", NOW) == "30s"
    assert age("", NOW) == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, ""), ("", ""), (True, "true"), (7, "7"), (["a", "b"], "a,b"), ([{"ip": "10.0.0.1"}], "10.0.0.1")],
)
def test_cells(value: Any, shown: str) -> None:
    assert cell(value) == shown


def test_columns_are_as_wide_as_they_must_be_and_end_without_blanks() -> None:
    assert columns([("NAME", "X"), ("a", ""), ("longer", "1")]) == ["NAME     X", "a", "longer   1"]


def test_path_into_a_document() -> None:
    assert at({"spec": {"vpc": "blue"}}, "spec.vpc") == "blue"
    assert at({"spec": "x"}, "spec.vpc") is None


def test_only_the_first_line_of_an_error_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    complain("one", "  more of one", "two")
    assert capsys.readouterr().err == "error: one\n  more of one\nerror: two\n"
