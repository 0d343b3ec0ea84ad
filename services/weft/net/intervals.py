"""A set of integers kept as sorted, disjoint, closed intervals.

An IPv6 subnet has 2^64 addresses and an exclude list names ranges, so sets of single addresses would not do.
`add` and `remove` are a binary search and a splice of two lists, whatever the size of the intervals; intersection and
difference go once over the intervals of both sets.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class IntervalSet:
    """`add` and `remove` take closed intervals; both may overlap what is there."""

    __slots__ = ("_ends", "_size", "_starts")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, intervals: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._size = 0
        for low, high in intervals:
            self.add(low, high)

    def __contains__(self, value: int) -> bool:
        at = bisect_right(self._starts, value) - 1
        return at >= 0 and value <= self._ends[at]

    def __len__(self) -> int:
        raise TypeError("an IPv6 interval set may exceed len(): use .size")

    def __bool__(self) -> bool:
        return self._size > 0

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self._starts, self._ends, strict=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IntervalSet) and list(self) == list(other)

    @property
    def size(self) -> int:
        """How many integers are in the set."""
        return self._size

    def copy(self) -> IntervalSet:
        twin = IntervalSet()
        twin._starts, twin._ends, twin._size = self._starts.copy(), self._ends.copy(), self._size
        return twin

    @classmethod
    def _of(cls, pieces: Iterable[tuple[int, int]]) -> IntervalSet:
        """From intervals that are sorted and do not touch."""
        found = cls()
        for low, high in pieces:
            found._starts.append(low)
            found._ends.append(high)
            found._size += high - low + 1
        return found

    def __and__(self, other: IntervalSet) -> IntervalSet:
        few, many = sorted((self, other), key=lambda intervals: len(intervals._starts))
        return self._of(piece for low, high in few for piece in many.within(low, high))

    def __sub__(self, other: IntervalSet) -> IntervalSet:
        return self._of(gap for low, high in self for gap in other.gaps(low, high))

    def within(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """The parts of the set between two integers, both included."""
        at = bisect_left(self._ends, low)
        while at < len(self._starts) and self._starts[at] <= high:
            yield max(low, self._starts[at]), min(high, self._ends[at])
            at += 1

    def gaps(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """What between two integers, both included, is not in the set."""
        for start, end in self.within(low, high):
            if low < start:
                yield low, start - 1
            low = end + 1
        if low <= high:
            yield low, high

    def add(self, low: int, high: int) -> None:
        first = bisect_left(self._ends, low - 1)  # the first interval that touches or follows
        last = bisect_right(self._starts, high + 1)  # one past the last that touches
        self._size -= sum(self._ends[i] - self._starts[i] + 1 for i in range(first, last))
        if first < last:
            low, high = min(low, self._starts[first]), max(high, self._ends[last - 1])
        self._starts[first:last], self._ends[first:last] = [low], [high]
        self._size += high - low + 1

    def remove(self, low: int, high: int) -> None:
        first = bisect_left(self._ends, low)
        last = bisect_right(self._starts, high)
        if first >= last:
            return
        self._size -= sum(self._ends[i] - self._starts[i] + 1 for i in range(first, last))
        kept = [(a, b) for a, b in ((self._starts[first], low - 1), (high + 1, self._ends[last - 1])) if a <= b]
        self._starts[first:last], self._ends[first:last] = [a for a, _ in kept], [b for _, b in kept]
        self._size += sum(b - a + 1 for a, b in kept)

    def first_from(self, value: int) -> int | None:
        """The smallest member that is not below `value`; when there is none, the smallest of all; None when empty."""
        if not self._starts:
            return None
        at = bisect_left(self._ends, value)
        return max(value, self._starts[at]) if at < len(self._starts) else self._starts[0]
