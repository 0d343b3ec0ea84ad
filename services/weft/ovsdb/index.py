"""Which rows of a replica are ours, by owner; what others did to them; which ports came up.

Lives on the database's thread. Rows name their owner in external_ids, so the index is whole after a restart, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ovs.db.data import Atom
from ovs.db.idl import ROW_DELETE, ROW_UPDATE

from weft.ovsdb.columns import Ownership
from weft.ovsdb.identity import OWNER

_OWNER_ATOM = Atom.new(OWNER)


@dataclass(slots=True)
class News:
    """`touched`: owners whose rows somebody changed. `ports`: (owner, name) -> is it bound on its host?"""

    touched: set[str] = field(default_factory=set)
    ports: dict[tuple[str, str], bool] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.touched or self.ports)


class OwnerIndex:
    """See the module's text; implements `weft.ovsdb.database.Observer`."""

    def __init__(self, tables: Mapping[str, Mapping[str, Ownership]]) -> None:
        self._owned_columns = {
            table: frozenset(name for name, how in columns.items() if how in (Ownership.OWN, Ownership.KEYS))
            for table, columns in tables.items()
        }
        self._rows: defaultdict[str, dict[UUID, str]] = defaultdict(dict)
        self._owner: dict[UUID, str] = {}
        self._bound: dict[UUID, tuple[str, str]] = {}
        self._news = News()

    def owners(self) -> list[str]:
        return [owner for owner, rows in self._rows.items() if rows]

    def rows(self, owner: str) -> Mapping[UUID, str]:
        """UUID -> table of all rows that the owner has in the database."""
        return self._rows.get(owner, {})

    def bound_ports(self) -> list[tuple[str, str]]:
        """(owner, name) of all ports that are bound on their host."""
        return sorted(self._bound.values())

    def forget(self, owners: Iterable[str]) -> None:
        """These owners were changed by ourselves just now: that is no news."""
        self._news.touched.difference_update(owners)

    def row_changed(self, event: str, row: Any, changed: Collection[str]) -> None:
        table = row._table.name
        columns = self._owned_columns.get(table)
        if columns is None:
            return
        before = self._owner.get(row.uuid)
        owner = None if event == ROW_DELETE else _owner_of(row)
        if before != owner:
            self._move(row.uuid, table, before, owner)
        elif owner is None:
            return
        ours = owner or before
        assert ours is not None
        if event != ROW_UPDATE or not columns.isdisjoint(changed):
            self._news.touched.add(ours)
        if table == "Logical_Switch_Port" and (event != ROW_UPDATE or "up" in changed):
            self._note_port(row, ours, event != ROW_DELETE and row.up == [True])

    def _note_port(self, row: Any, owner: str, up: bool) -> None:
        port = owner, row.name
        if up:
            self._bound[row.uuid] = port
        elif self._bound.pop(row.uuid, None) is None:
            return
        self._news.ports[port] = up

    def _move(self, uuid: UUID, table: str, before: str | None, owner: str | None) -> None:
        if before is not None:
            self._rows[before].pop(uuid, None)
            del self._owner[uuid]
        if owner is not None:
            self._rows[owner][uuid] = table
            self._owner[uuid] = owner

    def refilled(self, tables: Mapping[str, Any]) -> None:
        present = {uuid for table in self._owned_columns if table in tables for uuid in tables[table].rows}
        for uuid in [uuid for uuid in self._owner if uuid not in present]:
            owner = self._owner[uuid]
            self._move(uuid, "", owner, None)
            if (port := self._bound.pop(uuid, None)) is not None:
                self._news.ports[port] = False
            self._news.touched.add(owner)

    def take_news(self) -> News | None:
        if not self._news:
            return None
        news, self._news = self._news, News()
        return news


def _owner_of(row: Any) -> str | None:
    datum = row._data.get("external_ids")
    value = None if datum is None else datum.values.get(_OWNER_ATOM)
    return None if value is None else str(value.value)
