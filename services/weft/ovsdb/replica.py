"""A replica of a database, as python-ovs keeps it, and what it tells others.

Everything here runs on the thread of `weft.ovsdb.database`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from uuid import UUID

import ovs.db.idl
import ovs.timeval

BACKOFF_MS = (100, 500)
"""Reconnection delays. python-ovs' own (1 to 8 s) leave gaps of 7 to 16 s when a RAFT leader dies."""

LEADER_BACKOFF_MS = (50, 150)
"""The same for who needs the leader, which are few: each member is asked in turn until one says that it is."""

PROBE_MS = 5000


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row as it is after a change (for a delete: as it last was). Sets are lists, maps are dicts."""

    table: str
    uuid: UUID
    op: Literal["insert", "update", "delete"]
    row: Mapping[str, Any]


_OPS: Mapping[str, Literal["insert", "update", "delete"]] = {
    ovs.db.idl.ROW_CREATE: "insert",
    ovs.db.idl.ROW_UPDATE: "update",
    ovs.db.idl.ROW_DELETE: "delete",
}


def _plain(datum: Any, column: Any) -> Any:
    """A column's value as str, int, float, bool, UUID; a list for a set (also of at most one); a dict for a map."""
    if column.type.is_map():
        return {key.value: value.value for key, value in datum.values.items()}
    values = [key.value for key in datum.values]
    if column.type.n_min == 1 and column.type.n_max == 1:
        return values[0]
    return values


def row_to_dict(row: Any, columns: Sequence[str] | None = None) -> dict[str, Any]:
    """A replica's row as plain Python values. Call it on the database's thread only."""
    data, known = row._data, row._table.columns
    return {name: _plain(data[name], known[name]) for name in (known if columns is None else columns)}


class Observer(Protocol):
    """Something that follows the replica on its own thread and now and then has news for the event loop."""

    def row_changed(self, event: str, row: Any, changed: Collection[str]) -> None:
        """A row came, changed (these columns) or went."""

    def refilled(self, tables: Mapping[str, Any]) -> None:
        """The replica was read anew: what is not in it is gone."""

    def take_news(self) -> Any:
        """What the event loop should be told; None for nothing."""


class Replica(ovs.db.idl.Idl):  # type: ignore[misc]  # python-ovs is untyped
    """python-ovs' replica that remembers what changed and notices that it was filled anew."""

    def __init__(
        self, remote: str, helper: Any, leader_only: bool, watched: frozenset[str], observer: Observer | None
    ) -> None:
        super().__init__(remote, helper, probe_interval=PROBE_MS, leader_only=leader_only)
        reconnect = self._session.reconnect
        backoff = LEADER_BACKOFF_MS if leader_only else BACKOFF_MS
        reconnect.min_backoff, reconnect.max_backoff = backoff  # its own setter takes nothing below a second
        self.schema_version: str = self._db.version
        self.watched = watched
        self.observer = observer
        self.pending: list[tuple[str, Any]] = []
        self.known: dict[str, set[UUID]] = {table: set() for table in watched}
        self.refilled = False
        self.begins_anew = False
        """Whether it lost its server, or was told that the database is another: the schema may have changed."""

    def go_on_from(self, before: Replica) -> None:
        """Take the place of a replica: what it knew and this one will not find is gone."""
        self.known = before.known
        self.refilled = True

    def restart_fsm(self) -> None:
        self.refilled = True
        self.begins_anew = self.has_ever_connected()
        super().restart_fsm()

    def notify(self, event: str, row: Any, updates: Any = None) -> None:
        if row._table.name in self.watched:
            self.pending.append((event, row))
        if self.observer is not None:
            self.observer.row_changed(event, row, () if updates is None else updates._data)

    def is_synced(self) -> bool:
        """Is the replica whole and followed? python-ovs itself goes on "monitoring" until it has connected anew."""
        monitoring = self.state == self.IDL_S_MONITORING and self.has_ever_connected()
        return bool(monitoring and self._session.is_connected())

    @property
    def server(self) -> str:
        """The remote that it is connected to, or tries."""
        return str(self._session.get_name())

    def silent_for(self) -> float:
        """Seconds since anything came from the server. Any thread may ask."""
        return max(float(ovs.timeval.msec() - self._session.reconnect.last_activity), 0.0) / 1000

    def take_changes(self) -> list[RowChange]:
        """What changed since the last call. After a reconnection, rows that vanished meanwhile are deletes."""
        pending, self.pending = self.pending, []
        changes: list[RowChange] = []
        for event, row in pending:
            table = row._table.name
            known = self.known[table]
            if event == ovs.db.idl.ROW_DELETE:
                known.discard(row.uuid)
                op = _OPS[event]
            else:
                op = "update" if row.uuid in known else "insert"
                known.add(row.uuid)
            changes.append(RowChange(table, row.uuid, op, row_to_dict(row)))
        if self.refilled and self.is_synced():
            self.refilled = False
            changes.extend(self._vanished())
            if self.observer is not None:
                self.observer.refilled(self.tables)
        return changes

    def _vanished(self) -> list[RowChange]:
        gone: list[RowChange] = []
        for table, known in self.known.items():
            present = self.tables[table].rows if table in self.tables else {}
            missing = [uuid for uuid in known if uuid not in present]
            known.difference_update(missing)
            gone.extend(RowChange(table, uuid, "delete", {}) for uuid in missing)
        return gone
