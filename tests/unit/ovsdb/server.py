"""A database in a few lines: a real replica (python-ovs' tables, rows, data) and the operations that plans are made of.

It knows of RFC 7047 what the planner uses, and that rows of some tables live only while a row of another holds them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import ovs.db.data
import ovs.db.idl
import pytest

from weft.ovsdb.columns import PARENTS
from weft.ovsdb.index import OwnerIndex
from weft.ovsdb.replica import Replica

CACHE = Path(os.environ.get("WEFT_CACHE") or Path.home() / ".cache" / "weft")
OVN_25_03 = CACHE / "ovn-25.03" / "usr" / "share" / "ovn" / "ovn-nb.ovsschema"
WEFT = Path(__file__).parents[3] / "services" / "weft" / "ovsdb" / "weft.ovsschema"


def schema(path: Path) -> dict[str, Any]:
    """The schema's JSON; the test is skipped when this machine does not have it."""
    if not path.exists():
        pytest.skip(f"NOT TESTED: {path} is missing (the integration tests unpack it)")
    return dict(json.loads(path.read_text()))


class Server:
    """See the module's text."""

    def __init__(self, path: Path, tables: Sequence[str], index: OwnerIndex | None = None) -> None:
        helper = ovs.db.idl.SchemaHelper(None, schema(path))
        for table in tables:
            helper.register_table(table)
        self.replica = Replica("unix:/nonexistent", helper, False, frozenset(tables), index)
        self.tables = self.replica.tables

    def insert(self, table: str, uuid: UUID, row: dict[str, Any]) -> None:
        known = self.tables[table]
        if uuid in known.rows:
            raise AssertionError(f"duplicate uuid {uuid} in {table}")
        defaults = {name: _default(column.type) for name, column in known.columns.items() if name not in row}
        made = ovs.db.idl.Row.from_json(self.replica, known, uuid, row | defaults)
        assert set(made._data) == set(known.columns), "a value that the schema refuses"
        known.rows[uuid] = made
        self.replica.notify(ovs.db.idl.ROW_CREATE, known.rows[uuid])

    def change(self, table: str, uuid: UUID, **columns: Any) -> None:
        """Somebody sets these columns (values as in JSON)."""
        known = self.tables[table]
        row = known.rows[uuid]
        for name, value in columns.items():
            row._data[name] = ovs.db.data.Datum.from_json(known.columns[name].type, value)
        self.replica.notify(ovs.db.idl.ROW_UPDATE, row, SimpleNamespace(_data=columns))

    def delete(self, table: str, uuid: UUID) -> None:
        row = self.tables[table].rows[uuid]
        del self.tables[table].rows[uuid]
        self.replica.notify(ovs.db.idl.ROW_DELETE, row)

    def commit(self, operations: list[dict[str, Any]]) -> None:
        for operation in json.loads(json.dumps(operations)):
            getattr(self, f"_{operation['op']}")(operation)
        for table, uuid in list(self._orphans()):
            self.delete(table, uuid)

    def _insert(self, operation: dict[str, Any]) -> None:
        self.insert(operation["table"], UUID(operation["uuid"]), operation["row"])

    def _update(self, operation: dict[str, Any]) -> None:
        for row in self._where(operation):
            self.change(operation["table"], row.uuid, **operation["row"])

    def _delete(self, operation: dict[str, Any]) -> None:
        for row in self._where(operation):
            self.delete(operation["table"], row.uuid)

    def _mutate(self, operation: dict[str, Any]) -> None:
        for row in self._where(operation):
            for column, verb, value in operation["mutations"]:
                present = row._data[column].to_json()
                self.change(operation["table"], row.uuid, **{column: _mutated(present, verb, value)})

    def _where(self, operation: dict[str, Any]) -> list[Any]:
        ((column, function, value),) = operation["where"]
        rows = list(self.tables[operation["table"]].rows.values())
        if column == "_uuid":
            assert function == "=="
            return [row for row in rows if row.uuid == UUID(value[1])]
        assert function == "includes"
        return [
            row for row in rows if all(member in _members(row._data[column].to_json()) for member in _members(value))
        ]

    def _orphans(self) -> Iterator[tuple[str, UUID]]:
        for table, parents in PARENTS.items():
            if table not in self.tables:
                continue
            held = {
                atom.value
                for parent, column in parents
                for row in self.tables[parent].rows.values()
                for atom in row._data[column].values
            }
            yield from ((table, uuid) for uuid in self.tables[table].rows if uuid not in held)

    def content(self) -> dict[str, dict[UUID, dict[str, Any]]]:
        """All that is not empty, as JSON."""
        return {
            name: {
                uuid: {column: datum.to_json() for column, datum in row._data.items() if not datum.is_default()}
                for uuid, row in table.rows.items()
            }
            for name, table in self.tables.items()
        }


def _default(type_: Any) -> Any:
    if type_.n_min == 0:
        return ["map" if type_.is_map() else "set", []]
    return {"string": "", "integer": 0, "boolean": False, "real": 0.0}[type_.key.type.to_string()]


def _members(value: Any) -> list[Any]:
    return list(value[1]) if isinstance(value, list) and value and value[0] in {"set", "map"} else [value]


def _mutated(present: Any, verb: str, value: Any) -> Any:
    """RFC 7047, section 5.1: `insert` into a map leaves keys alone that are there, `delete` of a set removes keys."""
    if present[0] == "map":
        pairs = {json.dumps(key): item for key, item in present[1]}
        if verb == "insert":
            pairs = {json.dumps(key): item for key, item in value[1]} | pairs
        else:
            for key in _members(value):
                pairs.pop(json.dumps(key), None)
        return ["map", [[json.loads(key), item] for key, item in pairs.items()]]
    members = _members(present)
    if verb == "insert":
        return ["set", members + [member for member in _members(value) if member not in members]]
    return ["set", [member for member in members if member not in _members(value)]]
