"""In which order the free addresses of a set are used, so that what was just released is used again last.

Stale neighbour entries and connections elsewhere need time to go. A released address therefore rests: as long as there
are others, none of the last `RESTING` that were released is handed out; when there are no others, the one that has
rested longest. Those that rested enough are handed out in ascending order after the last one that was.

The bound keeps memory small: in a /64 that is never full, all addresses that ever were released would rest.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from weft.net.intervals import IntervalSet

RESTING = 4096


class Rotation:
    """The free ones of a set of addresses, as integers."""

    __slots__ = ("_next", "_rested", "_resting")

    def __init__(self, free: IntervalSet, resting: Iterable[int] = (), start: int = 0) -> None:
        """`resting`: of these those that are in `free` were released lately, the oldest first."""
        self._rested = free
        self._resting: OrderedDict[int, None] = OrderedDict()
        self._next = start
        for value in resting:
            if value in free:
                free.remove(value, value)
                self._resting[value] = None

    @property
    def size(self) -> int:
        return self._rested.size + len(self._resting)

    @property
    def resting(self) -> list[int]:
        """Released lately, the oldest first."""
        return list(self._resting)

    @property
    def start(self) -> int:
        """Where the next one is looked for."""
        return self._next

    def choose(self) -> int | None:
        """The address whose turn it is; it stays free until it is taken. None when there is none."""
        value = self._rested.first_from(self._next)
        if value is None:
            return next(iter(self._resting), None)
        self._next = value
        return value

    def take(self, value: int) -> None:
        """The address is free no more. The turn goes on behind it, unless it is there already."""
        if value in self._resting:
            del self._resting[value]
        else:
            self._rested.remove(value, value)
        self._next = max(self._next, value + 1)

    def put_back(self, value: int) -> None:
        """The address is free again, and rests."""
        self._resting[value] = None
        if len(self._resting) > RESTING:
            oldest, _ = self._resting.popitem(last=False)
            self._rested.add(oldest, oldest)
