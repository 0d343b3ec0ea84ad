"""A term of leadership: from the moment the lock is held until it is lost.

A term begins with nothing: it reads the store, the hosts and the databases, sorts out what is missing (`holds`), and
works rounds until there is nothing to do. Then it sleeps until something changes. An error ends a round, never the
term; being fenced or losing the lock ends the term.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from weft import log
from weft.controller import metrics
from weft.controller.config import Config
from weft.controller.feed import feed_host, feed_objects, host_rows
from weft.controller.holds import Holds
from weft.controller.nodes import NodeKeeper
from weft.controller.report import report
from weft.controller.round import Worker
from weft.controller.state import Alarms, read_state, write_state
from weft.ovsdb.database import Database, Operation, RowChange
from weft.ovsdb.errors import CommitError, FencedError, NotConnectedError
from weft.ovsdb.fence import Fence, ForeignFabricError
from weft.ovsdb.index import News, OwnerIndex
from weft.ovsdb.plan import Planner, Tables
from weft.ovsdb.writer import Writer
from weft.store.base import KUBERNETES, ObjectChange, Removed, Store, StoreError, Writes
from weft.topology.engine import Engine
from weft.topology.first import first_objects
from weft.topology.silence import Silence
from weft.topology.view import DEFAULT_VPC, Host

_log = log.get_logger(__name__)
LINGER = 0.01
"""Seconds to wait after a change for others that come with it: a burst becomes a batch."""
RETRY = (0.2, 5.0)
"""First and longest pause, in seconds, after a round that failed."""


class EmptyStoreError(Exception):
    """The store has lost what every fabric has: that is an error, not a wish for nothing."""


@dataclass(frozen=True, slots=True)
class Side:
    """A database that we write, the index of what is ours in it, and which of its columns are."""

    database: Database
    index: OwnerIndex
    tables: Tables

    def writer(self, fence: Fence, operations: Callable[[], Awaitable[list[Operation]]]) -> Writer:
        planner = Planner(fence.fabric, self.tables)
        return Writer(self.database, self.index, planner, operations, fence.explain)


class Term:
    """See the module's text. What databases and store call (`changed`, `heard`, `poke` …) runs on the event loop."""

    def __init__(self, config: Config, store: Store, weft: Side, northbound: Side) -> None:
        self._config = config
        self._store = store
        self._weft_side = weft
        self._northbound_side = northbound
        self._weft = weft.database
        self._northbound = northbound.database
        self._rows: list[RowChange] = []
        self._news: list[News] = []
        self._wake = asyncio.Event()
        self._back = asyncio.Event()
        self._alarms = Alarms(weft.database, config.name)
        self._holds = Holds(self._alarms)
        self._nodes = NodeKeeper(weft.database, store)
        self._silence = Silence()
        self.engine = Engine(config.network)
        self.paused = False
        self.trouble = "has not read the databases yet"
        """Why the last thing that was tried failed; empty when it did not."""
        self.settled = asyncio.Event()
        """Set while there is nothing to do."""

    # -- fed by the databases -----------------------------------------------------------------------------------------

    def changed(self, rows: list[RowChange]) -> None:
        """Rows of the Weft database: hosts, and the fabric's own."""
        self._rows.extend(rows)
        self._nodes.heard(rows)
        self._hear(rows)
        self.poke()

    def _hear(self, rows: list[RowChange]) -> None:
        """Each change of a host's row is a sign of life."""
        for change in rows:
            if change.table == "Host_Status" and change.row:
                if change.op == "delete":
                    self._silence.forget(change.row["name"])
                else:
                    self._silence.heard(change.row, time.monotonic())

    def heard(self, news: News) -> None:
        """What somebody did to our rows."""
        self._news.append(news)
        self.poke()

    def poke(self) -> None:
        """There is something to look at."""
        self.settled.clear()
        self._wake.set()

    def connected(self, connected: bool) -> None:
        """A database was lost, or is whole again: then what failed for want of it need not wait any longer."""
        if connected:
            self._back.set()
            self._silence.excuse(time.monotonic())

    def depth(self) -> int:
        """Owners that wait for work or are worked on: never more than there are and just were. Any thread may ask."""
        worker = getattr(self, "_worker", None)
        return len(self.engine.dirty) + (0 if worker is None else worker.working)

    # -- the term -----------------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Lead until cancelled. Raises FencedError when another leader has taken over."""
        await self._begin()
        nodes = asyncio.ensure_future(self._keep_nodes())
        try:
            await self._rounds()
        finally:
            nodes.cancel()

    async def _keep_nodes(self) -> None:
        """Only where pods' default network is ours; a leader that is fenced learns of it in its rounds."""
        if self._store.name == KUBERNETES and self._config.network.primary:
            with contextlib.suppress(FencedError):
                await self._nodes.run(self._worker.fence, lambda: self.paused)

    async def _rounds(self) -> None:
        pause = RETRY[0]
        while True:
            try:
                await self._work()
                pause = RETRY[0]
            except (CommitError, NotConnectedError, StoreError, EmptyStoreError) as error:
                metrics.FAILURES.labels(type(error).__name__.removesuffix("Error")).inc()
                self.trouble = str(error)
                _log.warning("round failed, to be tried again", seconds=pause, reason=error)
                self._wake.set()
                await self._pause(pause)
                pause = min(pause * 2, RETRY[1])

    async def _pause(self, seconds: float) -> None:
        """A database that is back ends it."""
        self._back.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._back.wait()

    async def _begin(self) -> None:
        """Read everything; what cannot be served is said once and tried again."""
        pause = RETRY[0]
        while True:
            try:
                return await self._load()
            except (ForeignFabricError, EmptyStoreError) as error:
                self.trouble = str(error)
                key = "fabric" if isinstance(error, ForeignFabricError) else "store"
                self._alarms.raise_(key, str(error))
                await self._try_store_alarms()
            except (CommitError, NotConnectedError, StoreError) as error:
                self.trouble = str(error)
                _log.warning("cannot begin yet", reason=error)
            await self._pause(pause)
            pause = min(pause * 2, RETRY[1])

    async def _load(self) -> None:
        started = time.monotonic()
        self._rows.clear()
        self._news.clear()
        state = await read_state(self._weft)
        fence = Fence(state.uid, self._config.name, self._weft, self._northbound)
        await fence.check_fabric()
        store = self._store
        objects = await store.load()
        if not state.initialized:
            objects = await self._initialize(fence)
        self._check_store()
        self.engine = engine = Engine(self._config.network)
        engine.view.services = self._config.services
        feed_objects(engine, objects)
        for row in await self._weft.call(host_rows):
            engine.put(Host.of(row))
            self._silence.begin(row, time.monotonic(), time.time())
        await self._nodes.begin()
        self._worker = Worker(
            engine,
            store,
            self._northbound_side.writer(fence, fence.northbound_operations),
            self._weft_side.writer(fence, fence.weft_operations),
            fence,
            self._holds.owners,
        )
        await self._compare_all()
        self._alarms.clear("fabric", "store")
        metrics.LEADER.set(1)
        metrics.QUEUE.set_function(self.depth)
        self.trouble = ""
        _log.info(
            "leading",
            fabric=state.uid,
            objects=len(objects),
            owners=len(engine.owners()),
            seconds=time.monotonic() - started,
        )
        self._wake.set()

    async def _initialize(self, fence: Fence) -> Sequence[ObjectChange]:
        """A new fabric gets its first objects; those that are there already (an earlier, interrupted start) stay."""
        await self._store.write(Writes(create=first_objects(self._config.defaults)), fence)
        operations = await fence.weft_operations()
        flag = {"op": "update", "table": "Fabric", "where": [], "row": {"initialized": True}}
        told = [["external_ids", "insert", ["map", [["store", self._store.name]]]]]
        mark = {"op": "mutate", "table": "Fabric", "where": [], "mutations": told}
        await self._weft.commit([*operations, flag, mark])
        _log.info("fabric initialized", default_subnet=self._config.defaults.default_subnet.cidr)
        return await self._store.load()

    def _check_store(self) -> None:
        if f"Vpc/{DEFAULT_VPC}" not in self._store:
            raise EmptyStoreError(
                f"the store has {len(self._store.refs())} objects and no Vpc/{DEFAULT_VPC}: "
                "it was emptied or is another one. Nothing is written. Restore it from a backup"
            )

    async def _compare_all(self) -> None:
        """All owners are dirty; those that have rows or addresses and no object are sorted out.

        So is what leaves and has none of these any more: another leader may have stopped before it let it go.
        """
        engine = self.engine
        known = {
            *await self._worker.northbound.owners(),
            *await self._worker.weft.owners(),
            *engine.claimants(),
        }
        present = set(engine.owners())
        absent = sorted(owner for owner in known - present if owner not in engine.rejected)
        free = self._holds.sort_out(absent, known)
        for owner, name in await self._northbound.call(lambda _: self._northbound_side.index.bound_ports()):
            engine.set_up(name, owner, True)
        leave = [ref for ref in engine.dirty if ref in self._store and engine.is_gone(ref)]
        engine.dirty = dict.fromkeys([*engine.owners(), *engine.rejected, *free, *leave])

    # -- rounds -------------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        await self._until_woken()
        await asyncio.sleep(LINGER)
        self._wake.clear()
        touched = self._drain()
        state = await read_state(self._weft)
        await self._worker.fence.look()
        self._check_store()
        self.paused = state.paused
        metrics.PAUSED.set(state.paused)
        if state.paused:
            self._alarms.raise_("paused", "all commits are paused; go on with: weftctl resume")
        else:
            self._alarms.clear("paused", "store")
            await self._review_holds(state.approved)
            self.engine.dirty |= dict.fromkeys(self._worker.retries.take_due(time.monotonic()))
            while self.engine.dirty and not (await read_state(self._weft)).paused:
                await self._one_round(touched)
        report(self.engine, self._worker.retries, self._alarms)
        await self._alarms.store()
        self.trouble = ""
        if not self._wake.is_set():
            self.settled.set()

    async def _until_woken(self) -> None:
        """Something changed, a host has become silent, or what a server refused is to be tried again."""
        due = math.inf if self.paused else min(self._worker.retries.next_due(), self._silence.next_due())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if due == math.inf else max(due - time.monotonic(), 0)):
                await self._wake.wait()

    async def _one_round(self, touched: set[str]) -> None:
        started, count = time.monotonic(), len(self.engine.dirty)
        outcome = await self._worker.round()
        seconds = time.monotonic() - started
        metrics.ROUND.observe(seconds)
        rows = sum(outcome.changes.values())
        if rows:
            _log.info("committed", owners=count, seconds=seconds, transactions=outcome.transactions, **outcome.changes)
        if rows and touched:
            metrics.DRIFT.inc(len(touched))
            objects = sorted(touched)[:10]
            _log.warning("rows changed by somebody else were put right", objects=objects, count=len(touched))
        touched.clear()

    def _drain(self) -> set[str]:
        """Feed the engine. Gives the owners that are dirty only because somebody changed their rows."""
        rows, self._rows = self._rows, []
        news, self._news = self._news, []
        objects = self._store.take_changes()
        lost = [change.ref for change in objects if isinstance(change, Removed) and not change.seen]
        self._feed_guarded(objects, lost)
        for change in objects:
            if change.ref in self.engine.dirty:
                self._worker.seen.setdefault(change.ref, change.at)
        for row in rows:
            if row.table == "Host_Status":
                feed_host(self.engine, row)
        if self._weft.connected:
            self.engine.hear(self._silence.silent(time.monotonic()))
        else:
            self._silence.excuse(time.monotonic())
        before = set(self.engine.dirty)
        touched: set[str] = set()
        for item in news:
            touched |= item.touched
            for (owner, name), up in item.ports.items():
                self.engine.set_up(name, owner, up)
        touched -= before
        self.engine.dirty |= dict.fromkeys(sorted(touched))
        return touched

    def _feed_guarded(self, objects: list[ObjectChange], lost: list[str]) -> None:
        """Objects that vanished while nobody watched pass the guard first; those held stay in effect."""
        kept = set(lost).difference(self._holds.sort_out(lost, [*self._store.refs(), *lost]))
        feed_objects(self.engine, [change for change in objects if change.ref not in kept])

    async def _review_holds(self, approved: str) -> None:
        agreed = self._holds.awaits(approved)
        gone, back = self._holds.review(approved, self._store)
        for owner in gone:
            self.engine.remove_ref(owner)
        self.engine.dirty |= dict.fromkeys([*back, *gone])
        if agreed:
            await write_state(self._weft, approved="")

    async def _try_store_alarms(self) -> None:
        try:
            await self._alarms.store()
        except (CommitError, NotConnectedError) as error:
            _log.warning("alarms not stored", reason=error)
