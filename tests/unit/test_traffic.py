"""What is read of ping's words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.traffic import Loss, measure

LINE = "[{0:.2f}] 64 bytes from 10.0.0.1: icmp_seq={1} ttl=64 time=0.1 ms\n"


@pytest.mark.parametrize(
    ("numbers", "loss"),
    [
        ([1, 2, 3, 4], Loss(4, 0, 0.01)),
        ([1, 2, 7, 8], Loss(8, 4, 0.05, (100.02,))),
        ([1, 3, 7, 8], Loss(8, 4, 0.04, (100.01, 100.03))),
        ([1, 3, 2, 4], Loss(4, 0, 0.01)),
        ([1, 1, 2], Loss(2, 0, 0.01)),
    ],
)
def test_loss(numbers: list[int], loss: Loss) -> None:
    found = measure("".join(LINE.format(100 + number / 100, number) for number in numbers))
    assert replace(found, gap=round(found.gap, 3)) == loss


@pytest.mark.parametrize(("sent", "loss"), [(104, Loss(4, 0, 0.01)), (105, Loss(105, 101, float("inf")))])
def test_an_outage_that_does_not_end_is_loss(sent: int, loss: Loss) -> None:
    """What a second holds may still be on its way."""
    answers = "".join(LINE.format(100 + number / 100, number) for number in range(1, 5))
    found = measure(f"{answers}{sent} packets transmitted, 4 received, 96% packet loss, time {sent * 10}ms\n")
    assert replace(found, gap=round(found.gap, 3)) == loss


def test_nothing_was_answered() -> None:
    assert measure("PING\n") == Loss(0, 0, float("inf"))
