"""`weft-controller`: keeps the connections, waits for its turn to lead, leads.

Several may run: the OVSDB lock of the Weft database's leader elects one, the fabric's epoch keeps the others (and an
old leader that has not noticed yet) from writing.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator

from weft import log, service
from weft.controller import metrics
from weft.controller.config import Config
from weft.controller.leader import Side, Term
from weft.controller.lease import LeaseElection
from weft.health import Health, listen
from weft.ovsdb import columns
from weft.ovsdb.database import Database, RowChange
from weft.ovsdb.errors import FencedError
from weft.ovsdb.index import News, OwnerIndex
from weft.service import sd_notify
from weft.store.base import Store
from weft.store.fabric import TABLE, FabricStore
from weft.store.kube_api import KubeApi
from weft.store.kubernetes import KubernetesStore

_log = log.get_logger(__name__)
LOCK = "weft_controller"
WITHOUT_DATABASES = 3.0
"""Seconds without a database after which a controller does not want to lead."""
FENCED = 5.0
"""Seconds for which a controller that was fenced does not want to lead: until its lease or its lock is surely lost."""
WATCHED = (TABLE, "Host_Status", "Fabric")


class Controller:
    """One process. `term` is there while it leads."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.term: Term | None = None
        self.health = Health(self._broken, self._unready, self._doing)
        self._elected = asyncio.Event()
        self._deposed = asyncio.Event()
        self._fenced_at = -math.inf
        self._weft_index = OwnerIndex(columns.WEFT)
        self._northbound_index = OwnerIndex(columns.NORTHBOUND)
        self.weft = Database(
            "Weft",
            config.weft.remote,
            dict.fromkeys((*WATCHED, *columns.WEFT)),
            tls=config.tls,
            leader_only=True,
            watch=WATCHED,
            lock=None if config.kubernetes else LOCK,
            on_change=self._changed,
            on_lock=self._locked,
            on_connection=lambda whole: self._connected(self.weft, whole),
            observer=self._weft_index,
            on_news=self._heard,
        )
        self.northbound = Database(
            "OVN_Northbound",
            config.northbound.remote,
            {**columns.replicated(columns.NORTHBOUND), "NB_Global": ("external_ids", "name")},
            tls=config.tls,
            leader_only=True,
            on_connection=lambda whole: self._connected(self.northbound, whole),
            observer=self._northbound_index,
            on_news=self._heard,
        )

        self._api = KubeApi(config.kubernetes.kubeconfig) if config.kubernetes else None
        self._fabric_store = FabricStore(self.weft)
        self.store: Store = KubernetesStore(self._api) if self._api else self._fabric_store

    async def serve(self) -> None:
        """Run until cancelled."""
        beating = asyncio.ensure_future(self.health.beat())
        for database in (self.weft, self.northbound):
            metrics.watch_replica(database)
        try:
            await asyncio.gather(self.weft.start(), self.northbound.start())
            if self._api is not None:
                await self._api.open()
            await self.store.start(self._poke)
            sd_notify("READY=1", "STATUS=standing by")
            _log.info("connected, standing by", weft=self.config.weft.remote, northbound=self.config.northbound.remote)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._lead_in_turn())
                if self._api is not None and self.config.kubernetes is not None:
                    namespace = self.config.kubernetes.namespace
                    election = LeaseElection(self.config.name, namespace, self._api.client, self._locked, self._able)
                    group.create_task(election.run())
                else:
                    group.create_task(self._contend())
                for database in (self.weft, self.northbound):
                    group.create_task(_watch(database))
        finally:
            beating.cancel()
            await asyncio.gather(self.store.close(), self.weft.close(), self.northbound.close())
            if self._api is not None:
                await self._api.close()

    async def _lead_in_turn(self) -> None:
        while True:
            await self._elected.wait()
            await self._lead()

    async def _lead(self) -> None:
        self._deposed.clear()
        self.term = Term(
            self.config,
            self.store,
            Side(self.weft, self._weft_index, columns.WEFT),
            Side(self.northbound, self._northbound_index, columns.NORTHBOUND),
        )
        sd_notify("STATUS=leading")
        serving = asyncio.ensure_future(self.term.serve())
        deposed = asyncio.ensure_future(self._deposed.wait())
        try:
            await asyncio.wait((serving, deposed), return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()
        except FencedError as error:
            _log.warning("no longer leading", reason=error)
            self._fenced_at = time.monotonic()
            self._elected.clear()  # it is over, whatever the election still believes; the next one counts
        finally:
            for task in (serving, deposed):
                task.cancel()
            await asyncio.gather(serving, deposed, return_exceptions=True)
            self.term = None
            self.store.rest()
            metrics.forget_term()
            sd_notify("STATUS=standing by")

    # -- fit to lead? -------------------------------------------------------------------------------------------------

    def _able(self) -> bool:
        """Who has been without a database for some time, or has a successor, leaves the lead to others."""
        lost = max(self.weft.lost_for, self.northbound.lost_for)
        return lost < WITHOUT_DATABASES and time.monotonic() > self._fenced_at + FENCED

    async def _contend(self) -> None:
        """With the OVSDB lock: ask for it while able."""
        asking = True
        while True:
            await asyncio.sleep(0.5)
            if asking != self._able():
                asking = not asking
                _log.info("asking for the lead again" if asking else "leaving the lead to others")
                await self.weft.contend(asking)

    # -- health: called by threads of the listener --------------------------------------------------------------------

    def _broken(self) -> Iterator[str]:
        for database in (self.weft, self.northbound):
            if database.error is not None:
                yield f"database {database.schema_name}: its thread died: {database.error!r}"

    def _unready(self) -> Iterator[str]:
        for database in (self.weft, self.northbound):
            yield from database.absence()
        if kinds := self.store.unsynced():
            yield f"store: not listed yet: {', '.join(kinds)}"
        if (term := self.term) is not None and term.trouble:
            yield f"leads, and cannot work: {term.trouble}"

    def _doing(self) -> Iterator[str]:
        term = self.term
        yield "standing by" if term is None else f"leading, {term.depth()} owners to do"
        if term is not None and term.paused:
            yield "paused: nothing is committed until weftctl resume"

    # -- told by others -----------------------------------------------------------------------------------------------

    def _locked(self, held: bool) -> None:
        _log.info("elected" if held else "deposed", lock=LOCK)
        if held:
            self._elected.set()
        else:
            self._elected.clear()
            self._deposed.set()

    def _changed(self, rows: list[RowChange]) -> None:
        self._fabric_store.hear(row for row in rows if row.table == TABLE)
        if self.term is not None:
            self.term.changed([row for row in rows if row.table != TABLE])

    def _connected(self, database: Database, connected: bool) -> None:
        if connected:
            _log.info("database connected", database=database.schema_name, server=database.server)
        else:
            _log.warning("database lost", database=database.schema_name, remote=database.remote)
        if self.term is not None:
            self.term.connected(connected)

    def _poke(self) -> None:
        if self.term is not None:
            self.term.poke()

    def _heard(self, news: News) -> None:
        if self.term is not None:
            self.term.heard(news)


async def _watch(database: Database) -> None:
    """A database's thread that died takes the process with it: systemd starts another one."""
    await database.failed


async def serve(config: Config) -> None:
    """A controller with its listener, until it is stopped."""
    controller = Controller(config)
    listen(config.metrics.listen, controller.health)
    await controller.serve()


def main(arguments: list[str] | None = None) -> None:
    """The program `weft-controller`."""
    service.main("controller", "The Weft fabric's controller.", Config, serve, arguments)


if __name__ == "__main__":
    main()
