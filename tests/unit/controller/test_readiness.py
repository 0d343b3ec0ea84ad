"""When a host's network counts as there, and when not."""

from __future__ import annotations

from typing import Any

import pytest

from weft.controller.readiness import DOWN, SILENT, UP, Readiness

Step = tuple[float, str, Any]
PROBLEMS = {"ovn-controller": "is not running", "port/web.default": "no answer"}


def row(ready: bool) -> dict[str, Any]:
    return {"name": "h1", "ready": ready, "problems": {} if ready else PROBLEMS}


def beats(start: float, end: float, ready: bool = True) -> list[Step]:
    return [(float(second), "put", ready) for second in range(int(start), int(end) + 1, 30)]


CASES: dict[str, tuple[list[Step], list[tuple[float, str | None]]]] = {
    "ready at once": ([(0, "put", True)], [(0, "NetworkReady")]),
    "not ready has to last at the start, too": (
        [(0, "put", False)],
        [(0, None), (DOWN - 1, None), (DOWN, "NetworkNotReady")],
    ),
    "a short outage is not told": (
        [(0, "put", True), (1, "put", False), (DOWN, "put", True)],
        [(0, "NetworkReady"), (DOWN - 0.5, "NetworkReady"), (2 * DOWN, "NetworkReady")],
    ),
    "a long one is, and its end": (
        [(0, "put", True), (1, "put", False), (100, "put", True)],
        [
            (0, "NetworkReady"),
            (DOWN, "NetworkReady"),
            (1 + DOWN, "NetworkNotReady"),
            (100, "NetworkNotReady"),
            (100 + UP, "NetworkReady"),
        ],
    ),
    "flapping does not make it ready": (
        [(0, "put", False), *((20 + n, "put", n % 2 == 0) for n in range(20))],
        [(19, "NetworkNotReady"), (40, "NetworkNotReady")],
    ),
    "heartbeats do not begin the wait anew": (
        [(0, "put", True), *((1 + n, "put", False) for n in range(20))],
        [(1 + DOWN, "NetworkNotReady")],
    ),
    "silence": (
        [*beats(0, 60)],
        [(60 + SILENT, "NetworkReady"), (61 + SILENT, "HostSilent"), (500, "HostSilent")],
    ),
    "silence is over": (
        [(0, "put", True), (200, "put", True)],
        [(199, "HostSilent"), (200, "HostSilent"), (200 + UP, "NetworkReady")],
    ),
    "silence of one that was not ready": (
        [(0, "put", False)],
        [(SILENT, "NetworkNotReady"), (SILENT + 1, "HostSilent")],
    ),
    "nobody could be heard": ([(0, "put", True), (200, "excuse", None)], [(201, "NetworkReady")]),
    "forgotten": ([(0, "put", True), (1, "remove", None)], [(2, None)]),
}


@pytest.mark.parametrize("name", CASES)
def test_verdicts(name: str) -> None:
    steps, looks = CASES[name]
    readiness = Readiness()
    pending = sorted([*steps, *((at, "look", reason) for at, reason in looks)], key=lambda step: step[0])
    for at, what, value in pending:
        if what == "put":
            readiness.put(row(value), at)
        elif what == "excuse":
            readiness.excuse(at)
        elif what == "remove":
            readiness.remove("h1")
        else:
            verdict = readiness.judge(at).get("h1")
            assert (verdict and verdict.reason) == value, at


def test_the_message_names_what_is_wrong_with_the_host_and_not_with_one_pod() -> None:
    readiness = Readiness()
    readiness.put(row(False), 0)
    message = readiness.judge(DOWN)["h1"].message
    assert message == "weft-agent of h1 says: ovn-controller: is not running"
