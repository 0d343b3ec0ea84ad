"""What is left over is removed only when it still is after the grace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from weft.agent.wiring import Wiring


class Half(Wiring):
    """Its leftovers are told from look to look."""

    def __init__(self, *looks: set[str]) -> None:
        self._looks = list(looks)
        self.removed: set[str] = set()

    async def _leftovers(self) -> set[str]:
        return self._looks.pop(0)

    async def _clean_one(self, name: str) -> None:
        self.removed.add(name)


@pytest.mark.parametrize(
    ("looks", "removed"),
    [
        ([set()], set()),
        ([{"a", "b"}, {"b", "c"}], {"b"}),
        ([{"a"}, set()], set()),
    ],
)
async def test_only_what_stays_is_removed(looks: list[set[str]], removed: set[str]) -> None:
    async def locked(name: str, work: Callable[[], Awaitable[None]]) -> None:
        await work()

    wiring = Half(*looks)
    await wiring.clean(locked, 0)
    assert wiring.removed == removed
