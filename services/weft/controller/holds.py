"""Deletions that wait for an operator: what `guard` does not let go, until it is approved or comes back."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable

from weft import log
from weft.controller import metrics
from weft.controller.guard import Hold, sort_out
from weft.controller.state import Alarms

_log = log.get_logger(__name__)


class Holds:
    """By kind. Each is an alarm for as long as it lasts."""

    def __init__(self, alarms: Alarms) -> None:
        self.owners: set[str] = set()
        """All that are held: whoever works on owners leaves these as they are."""
        self._of_kind: dict[str, Hold] = {}
        self._alarms = alarms

    def sort_out(self, absent: Iterable[str], known: Collection[str]) -> list[str]:
        """Which of the `absent` may go; the others are held from now on. `known` are all of their kinds."""
        free, held = sort_out(absent, known)
        for kind, hold in held.items():
            self._of_kind[kind] = hold
            self.owners |= hold.owners
            self._alarms.raise_(f"held/{kind}", str(hold))
            metrics.HELD.labels(kind).set(len(hold.owners))
        return free

    def awaits(self, approved: str) -> bool:
        """Is this the digest of something that is held?"""
        return any(hold.digest == approved for hold in self._of_kind.values())

    def review(self, approved: str, present: Container[str]) -> tuple[list[str], list[str]]:
        """Owners that may go now, and those that came back.

        The rest of what was approved may go. Where some came back and nobody approved, the rest is judged anew.
        """
        gone: list[str] = []
        back: list[str] = []
        for hold in list(self._of_kind.values()):
            returned = {owner for owner in hold.owners if owner in present}
            agreed = hold.digest == approved
            if not agreed and not returned:
                continue
            self._drop(hold)
            absent = sorted(hold.owners - returned)
            if agreed:
                _log.info("held deletions approved", kind=hold.kind, count=len(absent))
            gone += absent if agreed else self.sort_out(absent, hold.owners)
            back += sorted(returned)
        return gone, back

    def _drop(self, hold: Hold) -> None:
        del self._of_kind[hold.kind]
        self.owners -= hold.owners
        self._alarms.clear(f"held/{hold.kind}")
        metrics.HELD.labels(hold.kind).set(0)
