"""What the fabric's own row says: is the controller to hold still, which deletions are approved, what is wrong.

`Fabric` is one row. Alarms are written as they change, guarded by the leader's lock but not by the epoch: a fabric that
must not be written to still has to say why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from weft import log
from weft.ovsdb.database import Database
from weft.ovsdb.plan import encode

_log = log.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FabricState:
    """The row, as far as the controller needs it."""

    uid: UUID
    initialized: bool
    paused: bool
    approved: str
    leader: str
    alarms: dict[str, str] = field(default_factory=dict)


class NoFabricError(Exception):
    """The Weft database has no Fabric row: it was never bootstrapped."""


async def read_state(weft: Database) -> FabricState:
    """The row as the replica has it now. Raises NoFabricError."""

    def read(replica: Any) -> FabricState | None:
        for row in replica.tables["Fabric"].rows.values():
            return FabricState(UUID(row.uid), row.initialized, row.paused, row.approved, row.leader, dict(row.alarms))
        return None

    state = await weft.call(read)
    if state is None:
        raise NoFabricError(f"database Weft at {weft.remote} has no Fabric row: the role ovn_central makes it")
    return state


async def write_state(weft: Database, **columns: Any) -> None:
    """Set columns of the row; the leader's lock is asserted by the database's connection."""
    row = {name: encode(value) for name, value in columns.items()}
    await weft.commit([{"op": "update", "table": "Fabric", "where": [], "row": row}])


class Alarms:
    """The alarms of this leader: logged as they come and go, stored when the row says something else."""

    def __init__(self, weft: Database, leader: str) -> None:
        self._weft = weft
        self._leader = leader
        self._raised: dict[str, str] = {}

    @property
    def raised(self) -> set[str]:
        """Names of those that last."""
        return set(self._raised)

    def raise_(self, key: str, text: str) -> None:
        if self._raised.get(key) != text:
            _log.error("alarm", alarm=key, text=text)
        self._raised[key] = text

    def clear(self, *keys: str) -> None:
        for key in keys:
            if self._raised.pop(key, None) is not None:
                _log.info("alarm cleared", alarm=key)

    def sync(self, prefix: str, texts: Mapping[str, str]) -> None:
        """The alarms of this prefix are these, by the rest of their names."""
        kept = {prefix + name for name in texts}
        self.clear(*(key for key in list(self._raised) if key.startswith(prefix) and key not in kept))
        for name, text in texts.items():
            self.raise_(prefix + name, text)

    async def store(self) -> None:
        """Also says who leads, when that is not what the row says."""
        state = await read_state(self._weft)
        columns: dict[str, Any] = {}
        if state.alarms != self._raised:
            columns["alarms"] = dict(self._raised)
        if state.leader != self._leader:
            columns["leader"] = self._leader
        if columns:
            await write_state(self._weft, **columns)
