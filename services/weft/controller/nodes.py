"""Tells the scheduler which nodes have a network: the leader's duty beside its rounds.

Once a second verdicts are compared with what the nodes say, by the store, which writes what differs: so what somebody
else changed is put right too. A term begins by hearing everybody, so nobody is silent before its time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from weft import log
from weft.controller.readiness import Readiness
from weft.ovsdb.database import Database, RowChange, row_to_dict
from weft.ovsdb.errors import CommitError, NotConnectedError
from weft.ovsdb.fence import Fence
from weft.store.base import Store, StoreError, Writes

_log = log.get_logger(__name__)
PERIOD = 1.0


class NodeKeeper:
    """Fed with changes of `Host_Status`; `run` until cancelled."""

    def __init__(self, weft: Database, store: Store) -> None:
        self._weft = weft
        self._store = store
        self._readiness = Readiness()
        self._trouble = ""

    async def begin(self) -> None:
        """Hear of all hosts that there are."""
        rows = await self._weft.call(lambda idl: [row_to_dict(row) for row in idl.tables["Host_Status"].rows.values()])
        for row in rows:
            self._readiness.put(row, time.monotonic())

    def heard(self, changes: Iterable[RowChange]) -> None:
        for change in changes:
            if change.table != "Host_Status" or not change.row:
                continue
            if change.op == "delete":
                self._readiness.remove(change.row["name"])
            else:
                self._readiness.put(change.row, time.monotonic())

    async def run(self, fence: Fence, paused: Callable[[], bool]) -> None:
        """Raises FencedError when another leader has taken over."""
        while True:
            await asyncio.sleep(PERIOD)
            if not self._weft.connected:
                self._readiness.excuse(time.monotonic())
            elif not paused():
                await self._tell(fence)

    async def _tell(self, fence: Fence) -> None:
        verdicts = self._readiness.judge(time.monotonic())
        try:
            await self._store.write(Writes(networks={f"Node/{name}": word for name, word in verdicts.items()}), fence)
        except (StoreError, CommitError, NotConnectedError) as error:
            if str(error) != self._trouble:
                _log.warning("nodes are not told of their networks, to be tried again", reason=error)
            self._trouble = str(error)
        else:
            self._trouble = ""
