"""Which hosts have not been heard of for too long to be a gateway. Pure; callers say what time it is.

Each change of a host's row of `Host_Status` is a sign of life. How often its agent gives one the row says itself: one
whose host is a gateway does it more often. Silence is measured by this controller's own clock; only a term that begins
has nothing else than the time in the row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

USUAL = 30
"""Seconds between two signs of life of an agent that says nothing about it."""
MISSED = 3
GRACE = 1.0


def limit(row: Mapping[str, Any]) -> float:
    """Seconds after which the host of this row is silent."""
    return MISSED * float(row.get("heartbeat") or USUAL) + GRACE


def overdue(row: Mapping[str, Any], now: float) -> bool:
    """Whether it was silent already at a time in seconds since 1970."""
    return bool(row["last_seen"]) and now - row["last_seen"] > limit(row)


class Silence:
    """All hosts, by monotonic seconds."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._limits: dict[str, float] = {}

    def begin(self, row: Mapping[str, Any], now: float, wall: float) -> None:
        """What is known of a host when a term begins."""
        self.heard(row, now)
        if overdue(row, wall):
            self._until[row["name"]] = -math.inf

    def heard(self, row: Mapping[str, Any], now: float) -> None:
        """A host's row changed."""
        name = row["name"]
        self._limits[name] = limit(row)
        self._until[name] = now + self._limits[name]

    def forget(self, name: str) -> None:
        """A host is gone."""
        self._until.pop(name, None)
        self._limits.pop(name, None)

    def excuse(self, now: float) -> None:
        """Nobody could be heard until now, for want of the database; who was silent before stays so."""
        for name, until in self._until.items():
            if until != -math.inf:
                self._until[name] = now + self._limits[name]

    def silent(self, now: float) -> frozenset[str]:
        """Who is silent at this time; they stay so until they are heard."""
        found = frozenset(name for name, until in self._until.items() if until < now)
        self._until.update(dict.fromkeys(found, -math.inf))
        return found

    def next_due(self) -> float:
        """When somebody may be silent who is not now; infinity when nobody can."""
        return min((until for until in self._until.values() if until != -math.inf), default=math.inf)
