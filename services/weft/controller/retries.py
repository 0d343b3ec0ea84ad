"""Owners whose rows a server refused: tried again with growing pauses, and not only when something touches them.

What the server refuses today it may take tomorrow: a name that somebody else holds is let go of, a row that ours refers
to appears. There is one entry an owner, so there are never more than objects.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

PAUSE = (1.0, 60.0)
"""First and longest pause, in seconds."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The server's words, how often it has said them, and when the owner is tried again (monotonic seconds)."""

    why: str
    tries: int
    due: float


@dataclass(slots=True)
class Retries:
    """See the module's text. The clock is the caller's."""

    refusals: dict[str, Refusal] = field(default_factory=dict)

    def __contains__(self, owner: object) -> bool:
        return owner in self.refusals

    def note(self, owner: str, why: str, now: float) -> Refusal:
        """It was refused once more."""
        tries = 1 + (self.refusals[owner].tries if owner in self.refusals else 0)
        refusal = Refusal(why, tries, now + min(PAUSE[0] * 2.0 ** min(tries - 1, 30), PAUSE[1]))
        self.refusals[owner] = refusal
        return refusal

    def forget(self, owner: str) -> None:
        """It was taken, or is not tried any more."""
        self.refusals.pop(owner, None)

    def take_due(self, now: float) -> list[str]:
        """Who is to be tried now. Each is given out once, until it is noted again."""
        due = [owner for owner, refusal in self.refusals.items() if refusal.due <= now]
        for owner in due:
            refusal = self.refusals[owner]
            self.refusals[owner] = Refusal(refusal.why, refusal.tries, math.inf)
        return due

    def next_due(self) -> float:
        """When somebody is to be tried; infinity when nobody is."""
        return min((refusal.due for refusal in self.refusals.values()), default=math.inf)

    def reasons(self) -> Mapping[str, str]:
        return {owner: refusal.why for owner, refusal in self.refusals.items()}
