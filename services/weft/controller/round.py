"""One round of work: from dirty owners to committed rows and stored statuses, in the order that keeps promises.

    reserve   an address is durable in the store before the Northbound hears of it
    commit    the Northbound, then what hosts must know
    report    statuses, and the release of addresses whose ports are gone

Whatever fails leaves its owners dirty; the next round compares anew.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from weft import log
from weft.api.ip import IP
from weft.api.kinds import RANK
from weft.controller import metrics
from weft.controller.guard import kind_of
from weft.controller.retries import PAUSE, Refusal, Retries
from weft.ovsdb.fence import Fence
from weft.ovsdb.writer import Outcome, Writer
from weft.store.base import Store, Writes
from weft.store.conditions import timestamp
from weft.topology.engine import Engine
from weft.topology.status import condition

_log = log.get_logger(__name__)
OWNERS = 1000
"""Owners of one round: enough for full transactions, and the first of many need not wait for the last."""
_HOSTS = RANK["IP"]
"""Hosts are no kind of the store; they come where their addresses do."""


@dataclass(slots=True)
class Worker:
    """Carries out rounds. `held` owners are left as they are."""

    engine: Engine
    store: Store
    northbound: Writer
    weft: Writer
    fence: Fence
    held: set[str] = field(default_factory=set)
    retries: Retries = field(default_factory=Retries)
    """Owners whose rows a server refused."""
    seen: dict[str, float] = field(default_factory=dict)
    """When a change was seen, of dirty objects."""
    working: int = 0
    """Owners of the round that is on."""
    _unstored: dict[str, IP] = field(default_factory=dict)

    async def round(self) -> Outcome:
        """Work off what is dirty, at most `OWNERS` of it. On any error everything of this round is dirty again."""
        owners = sorted(self.engine.take_dirty(), key=_order)
        owners, later = owners[:OWNERS], owners[OWNERS:]
        self.engine.dirty |= dict.fromkeys(later)
        self.working = len(owners)
        try:
            return await self._round([owner for owner in owners if owner not in self.held])
        except BaseException:
            self.engine.dirty = dict.fromkeys([*owners, *self.engine.dirty])
            raise
        finally:
            self.working = 0

    async def _round(self, owners: Sequence[str]) -> Outcome:
        await self._reserve(owners)
        outcome = await self._commit([owner for owner in owners if not self.engine.is_frozen(owner)])
        await self._report(owners)
        return outcome

    async def _reserve(self, owners: Sequence[str]) -> None:
        self._unstored |= {ip.name: ip for ip in self.engine.reserve(owners)}
        if self._unstored:
            await self.store.write(Writes(create=list(self._unstored.values())), self.fence)
            self._unstored.clear()

    async def _commit(self, owners: Sequence[str]) -> Outcome:
        desired = {owner: self.engine.compile(owner) for owner in owners}
        northbound = await self.northbound.apply({owner: rows.northbound for owner, rows in desired.items()})
        weft = await self.weft.apply({owner: rows.weft for owner, rows in desired.items()})
        outcome = Outcome()
        for name, part in (("OVN_Northbound", northbound), ("Weft", weft)):
            _count(name, part)
            outcome.add(part)
        self._note(owners, outcome.refused)
        return outcome

    def _note(self, owners: Collection[str], refused: Mapping[str, str]) -> None:
        """Who was taken, who was refused, and how long it took since their change was seen."""
        now = time.monotonic()
        for owner in owners:
            if (seen := self.seen.pop(owner, None)) is not None:
                metrics.LATENCY.labels(kind_of(owner)).observe(now - seen)
            if owner not in refused:
                self.retries.forget(owner)
        for owner, why in refused.items():
            refusal = self.retries.note(owner, why, now)
            pause = refusal.due - now
            _log.error("rows refused by the database", object=owner, reason=why, tries=refusal.tries, seconds=pause)

    async def _report(self, owners: Collection[str]) -> None:
        gone = self.engine.releases(owners)
        writes = Writes(update=self.engine.moved(owners), delete=[ip.ref for ip in gone])
        for owner in owners:
            if kind_of(owner) == "Subnet":
                name = owner.partition("/")[2]
                metrics.report_subnet(name, self.engine.addressing.pools(name).values())
            if owner in self.store:
                self._describe(owner, writes)
            writes.annotations |= self.engine.annotations(owner)
        if writes:
            await self.store.write(writes, self.fence)
        self.engine.released(gone)

    def _describe(self, owner: str, writes: Writes) -> None:
        """What is said of an object that is in the store."""
        if self.engine.is_gone(owner):
            writes.finalize.append(owner)
        elif (status := self.engine.status(owner)) is not None:
            if (refusal := self.retries.refusals.get(owner)) is not None:
                status = {**status, "conditions": _refused(refusal)}
            writes.statuses[owner] = status


def _refused(refusal: Refusal) -> list[dict[str, str]]:
    """Two conditions, so that the message of the first stays the same from try to try: who is told tells it once."""
    at = timestamp(max(refusal.due - time.monotonic(), 0))
    return [
        condition(
            "Ready", False, "Refused", f"{refusal.why}; tried again with growing pauses, the longest {PAUSE[1]:g} s"
        ),
        condition("Retrying", True, "BackOff", f"refused {refusal.tries} times, the next try is at {at}"),
    ]


def _count(database: str, part: Outcome) -> None:
    metrics.TRANSACTIONS.labels(database).inc(part.transactions)
    for op, count in part.changes.items():
        metrics.ROWS.labels(database, op).inc(count)
    for size in part.sizes:
        metrics.TRANSACTION_ROWS.labels(database).observe(size)


def _order(owner: str) -> tuple[int, str]:
    return RANK.get(kind_of(owner), _HOSTS), owner
