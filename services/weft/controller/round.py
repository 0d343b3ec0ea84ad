"""One round of work: from dirty owners to committed rows and stored statuses, in the order that keeps promises.

    reserve   an address is durable in the store before the Northbound hears of it
    commit    the Northbound, then what hosts must know
    report    statuses, and the release of addresses whose ports are gone

Whatever fails leaves its owners dirty; the next round compares anew.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from weft import log
from weft.api.ip import IP
from weft.controller import metrics
from weft.controller.guard import kind_of
from weft.ovsdb.fence import Fence
from weft.ovsdb.writer import Outcome, Writer
from weft.store.base import Store, Writes
from weft.topology.engine import Engine
from weft.topology.status import condition

_log = log.get_logger(__name__)
_RANK = {"Vpc": 0, "Subnet": 1, "Host": 2, "Pod": 3}


@dataclass(slots=True)
class Worker:
    """Carries out rounds. `held` owners are left as they are."""

    engine: Engine
    store: Store
    northbound: Writer
    weft: Writer
    fence: Fence
    held: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    """Owners whose rows a server refused, and its words."""
    _unstored: dict[str, IP] = field(default_factory=dict)

    async def round(self) -> Outcome:
        """Work off what is dirty now. On any error everything of this round is dirty again."""
        owners = self.engine.take_dirty()
        try:
            return await self._round(sorted(set(owners) - self.held, key=_order))
        except BaseException:
            self.engine.dirty = dict.fromkeys([*owners, *self.engine.dirty])
            raise

    async def _round(self, owners: Sequence[str]) -> Outcome:
        await self._reserve(owners)
        owners = sorted({*owners, *self.engine.take_dirty()} - self.held, key=_order)
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
        for name, part in (("OVN_Northbound", northbound), ("Weft", weft)):
            metrics.TRANSACTIONS.labels(name).inc(part.transactions)
            for op, count in part.changes.items():
                metrics.ROWS.labels(name, op).inc(count)
        outcome = Outcome()
        outcome.add(northbound)
        outcome.add(weft)
        for owner in owners:
            self.refused.pop(owner, None)
        for owner, why in outcome.refused.items():
            _log.error("rows refused by the database", object=owner, reason=why)
        self.refused |= outcome.refused
        return outcome

    async def _report(self, owners: Collection[str]) -> None:
        gone = self.engine.releases(owners)
        writes = Writes(delete=[ip.ref for ip in gone])
        for owner in owners:
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
            if owner in self.refused:
                status = {**status, "conditions": [condition("Ready", False, "Refused", self.refused[owner])]}
            writes.statuses[owner] = status


def _order(owner: str) -> tuple[int, str]:
    return _RANK.get(kind_of(owner), 9), owner
