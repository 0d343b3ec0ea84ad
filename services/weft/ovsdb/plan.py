"""A plan: the difference between what owners want and what a database holds, as a value.

It is computed on the database's thread, against the replica, and consumed in three ways: printed (`weftctl plan`,
check mode), counted, and turned into operations (RFC 7047, section 5.2) that commit it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from weft.ovsdb.columns import OUR_KEYS, PARENTS, Ownership
from weft.ovsdb.identity import OWNER, row_uuid
from weft.ovsdb.index import OwnerIndex
from weft.topology.rows import Ref, Row

Operation = dict[str, Any]
Tables = Mapping[str, Mapping[str, Ownership]]

MAX_ROWS = 2000
MAX_BYTES = 1_500_000
"""Limits of one transaction: larger ones hold up other writers and can cost a RAFT leader its term."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row to be inserted, updated or deleted. `columns`: name -> (value before, value wanted)."""

    op: Literal["insert", "update", "delete"]
    table: str
    uuid: UUID
    owner: str
    name: str
    columns: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    parent: tuple[str, UUID, str] | None = None


@dataclass(slots=True)
class Plan:
    """Changes in an order in which they can be committed."""

    changes: list[Change] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.changes)

    def owners(self) -> list[str]:
        return list(dict.fromkeys(change.owner for change in self.changes))

    def count(self) -> dict[str, int]:
        """How many rows are inserted, updated and deleted."""
        counts = {"insert": 0, "update": 0, "delete": 0}
        for change in self.changes:
            counts[change.op] += 1
        return counts

    def of(self, owners: Iterable[str]) -> Plan:
        wanted = set(owners)
        return Plan([change for change in self.changes if change.owner in wanted])


class Planner:
    """Compares and encodes for one database. `tables` says which columns are ours."""

    def __init__(self, fabric: UUID, tables: Tables) -> None:
        self.fabric = fabric
        self.tables = tables

    # -- compare ------------------------------------------------------------------------------------------------------

    def diff(self, replica: Any, index: OwnerIndex, desired: Mapping[str, Sequence[Row]]) -> Plan:
        """What must change so that each of these owners has just the rows that it wants, in tables that there are."""
        changes: list[Change] = []
        for owner, rows in desired.items():
            wanted = {row_uuid(self.fabric, row.ref): row for row in rows if row.table in replica.tables}
            for uuid, table in index.rows(owner).items():
                if uuid not in wanted:
                    changes.append(self._delete(replica.tables[table].rows[uuid], owner))
            for uuid, row in wanted.items():
                change = self._put(replica.tables[row.table], uuid, row)
                if change is not None:
                    changes.append(change)
        return Plan(changes)

    def _delete(self, row: Any, owner: str) -> Change:
        return Change("delete", row._table.name, row.uuid, owner, _name(row))

    def _put(self, table: Any, uuid: UUID, row: Row) -> Change | None:
        present = table.rows.get(uuid)
        ownership = self.tables[row.table]
        columns = {
            name: self._plain(self._with_owner(name, value, row))
            for name, value in row.columns.items()
            if name in table.columns
        }
        columns.setdefault("external_ids", {OWNER: row.owner})
        name = str(row.columns.get("name", row.key))
        if present is None:
            wanted = {column: (None, value) for column, value in columns.items() if value or value is True}
            return Change("insert", row.table, uuid, row.owner, name, wanted, self._parent(row))
        columns |= _defaults(present, columns, ownership)
        differing = {}
        for column, value in columns.items():
            before = _current(present._data[column], table.columns[column], value, ownership[column])
            if before is not None:
                differing[column] = (before[0], value)
        return Change("update", row.table, uuid, row.owner, name, differing) if differing else None

    def _with_owner(self, column: str, value: Any, row: Row) -> Any:
        return {**value, OWNER: row.owner} if column == "external_ids" else value

    def _plain(self, value: Any) -> Any:
        """References become UUIDs."""
        match value:
            case Ref():
                return row_uuid(self.fabric, value)
            case tuple():
                return tuple(self._plain(item) for item in value)
            case dict():
                return {key: self._plain(item) for key, item in value.items()}
        return value

    def _parent(self, row: Row) -> tuple[str, UUID, str] | None:
        if row.parent is None:
            return None
        column = next(column for table, column in PARENTS[row.table] if table == row.parent.table)
        return row.parent.table, row_uuid(self.fabric, row.parent), column

    # -- encode -------------------------------------------------------------------------------------------------------

    def transactions(self, plan: Plan) -> Iterator[tuple[list[str], list[Operation]]]:
        """The plan in transactions within the limits: (owners, operations). An owner's changes stay together."""
        by_owner: dict[str, list[Change]] = {}
        for change in plan.changes:
            by_owner.setdefault(change.owner, []).append(change)
        owners: list[str] = []
        changes: list[Change] = []
        size = 0
        for owner, theirs in by_owner.items():
            weight = sum(_weight(change) for change in theirs)
            if changes and (len(changes) + len(theirs) > MAX_ROWS or size + weight > MAX_BYTES):
                yield owners, self.operations(changes)
                owners, changes, size = [], [], 0
            owners.append(owner)
            changes.extend(theirs)
            size += weight
        if changes:
            yield owners, self.operations(changes)

    def operations(self, changes: Sequence[Change]) -> list[Operation]:
        """One transaction. Rows that join the same set of the same parent join it by one mutation."""
        operations: list[Operation] = []
        joining: defaultdict[tuple[str, UUID, str], list[UUID]] = defaultdict(list)
        for change in changes:
            if change.op == "insert":
                operations.append(_insert(change))
                if change.parent is not None:
                    joining[change.parent].append(change.uuid)
            elif change.op == "update":
                operations.extend(self._update(change))
            else:
                operations.extend(_remove(change))
        for (table, uuid, column), children in joining.items():
            members = ["set", [["uuid", str(child)] for child in children]]
            operations.append(
                {"op": "mutate", "table": table, "where": _is(uuid), "mutations": [[column, "insert", members]]}
            )
        return operations

    def _update(self, change: Change) -> Iterator[Operation]:
        ownership = self.tables[change.table]
        whole = {name: encode(new) for name, (_, new) in change.columns.items() if ownership[name] is Ownership.OWN}
        mutations: list[Any] = []
        for name, (old, new) in change.columns.items():
            if ownership[name] is Ownership.KEYS:
                mutations.append([name, "delete", ["set", sorted(old.keys() | new.keys())]])
                if new:
                    mutations.append([name, "insert", encode(new)])
        if whole:
            yield {"op": "update", "table": change.table, "where": _is(change.uuid), "row": whole}
        if mutations:
            yield {"op": "mutate", "table": change.table, "where": _is(change.uuid), "mutations": mutations}


def encode(value: Any) -> Any:
    """A value as RFC 7047 section 5.1 has it."""
    match value:
        case UUID():
            return ["uuid", str(value)]
        case tuple() | list():
            return ["set", [encode(item) for item in value]]
        case dict():
            return ["map", [[encode(key), encode(item)] for key, item in value.items()]]
    return value


def _insert(change: Change) -> Operation:
    row = {name: encode(new) for name, (_, new) in change.columns.items()}
    return {"op": "insert", "table": change.table, "uuid": str(change.uuid), "row": row}


def _remove(change: Change) -> Iterator[Operation]:
    """A row that others hold dies when they let go of it; which of them holds it, the server finds."""
    if change.table not in PARENTS:
        yield {"op": "delete", "table": change.table, "where": _is(change.uuid)}
        return
    member = ["set", [["uuid", str(change.uuid)]]]
    for table, column in PARENTS[change.table]:
        yield {
            "op": "mutate",
            "table": table,
            "where": [[column, "includes", member]],
            "mutations": [[column, "delete", member]],
        }


def _is(uuid: UUID) -> list[Any]:
    return [["_uuid", "==", ["uuid", str(uuid)]]]


def _weight(change: Change) -> int:
    return 150 + len(json.dumps({name: encode(new) for name, (_, new) in change.columns.items()}))


def _defaults(present: Any, named: Mapping[str, Any], ownership: Mapping[str, Ownership]) -> dict[str, Any]:
    """Columns of ours that the row does not name but the database has set: they ought to have their defaults."""
    defaults: dict[str, Any] = {}
    for column in dict.keys(present._data) - named.keys():
        how, kind = ownership.get(column, Ownership.IGNORE), present._table.columns[column].type
        if how is Ownership.KEYS or (how is Ownership.OWN and kind.is_map()):
            defaults[column] = {}
        elif how is Ownership.OWN:
            defaults[column] = () if kind.n_min == 0 else kind.key.type.default
    return defaults


def _current(datum: Any, column: Any, wanted: Any, how: Ownership) -> tuple[Any] | None:
    """None when the database has what is wanted; otherwise what it has (of a map with KEYS: our keys only)."""
    if column.type.is_map():
        have = {key.value: value.value for key, value in datum.values.items()}
        if how is Ownership.KEYS:
            have = {key: value for key, value in have.items() if key in OUR_KEYS[column.name]}
        return None if have == wanted else (have,)
    values = [key.value for key in datum.values]
    if set(values) == set(wanted if isinstance(wanted, tuple) else (wanted,)):
        return None
    return (values if isinstance(wanted, tuple) or not values else values[0],)


def _name(row: Any) -> str:
    datum = row._data.get("name")
    return str(row.uuid) if datum is None else str(next(iter(datum.values)).value)
