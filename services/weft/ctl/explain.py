"""`explain`: which object made this row, which rows does this object own, and is it as it ought to be.

A row of ours names its owner in external_ids; where somebody took that away, its UUID still tells (it follows from
fabric, table, owner and key). OVSDB keeps no author of a change: what is known is who led when the fabric last wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from weft.ctl.errors import CtlError, UsageError
from weft.ctl.plan import column_text, make_engine
from weft.ctl.printing import cell
from weft.ctl.question import ELSEWHERE, kept_elsewhere, parse_ref
from weft.ctl.session import Session, fabric_uid, read_fabric, read_records
from weft.ctl.world import resources_of
from weft.ovsdb import columns
from weft.ovsdb.database import Database, row_to_dict
from weft.ovsdb.identity import OWNER, row_uuid
from weft.ovsdb.index import OwnerIndex
from weft.ovsdb.plan import Change, Planner, Tables
from weft.topology.engine import Engine

OTHERS = {"neutron:": "Neutron", "ic-": "OVN-IC"}
"""How rows of others are known, by the beginning of a key in external_ids or other_config."""


@dataclass(slots=True)
class Found:
    """One row."""

    database: str
    table: str
    uuid: UUID
    values: dict[str, Any]
    owner: str = ""
    note: str = ""
    differs: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.values.get("name", ""))


@dataclass(slots=True)
class Explanation:
    """Rows, and what is to be said beside them."""

    rows: list[Found]
    missing: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        rows = [
            {
                "database": row.database,
                "table": row.table,
                "name": row.name,
                "uuid": row.uuid,
                "owner": row.owner,
                "note": row.note,
                "differs": row.differs,
                "columns": {name: value for name, value in row.values.items() if value not in ("", [], {})},
            }
            for row in self.rows
        ]
        missing = [{"table": c.table, "name": c.name, "uuid": c.uuid, "owner": c.owner} for c in self.missing]
        return {"rows": rows, "missing": missing, "notes": self.notes}

    def lines(self) -> Iterator[str]:
        for row in self.rows:
            yield f"{row.database} {row.table} {row.name} {row.uuid}"
            yield f"  {row.note or f'made by {row.owner}'}"
            yield from (
                f"    {name}: {_shown(value)}" for name, value in row.values.items() if value not in ("", [], {})
            )
            yield from (f"  differs: {text}" for text in row.differs)
        yield from (f"missing: {c.table} {c.name} {c.uuid}, which {c.owner} ought to have" for c in self.missing)
        yield from self.notes


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={item}" for key, item in sorted(value.items()))
    return cell(value)


@dataclass(slots=True)
class _Side:
    """One database and how to read it."""

    database: Database
    index: OwnerIndex
    tables: Tables

    @property
    def name(self) -> str:
        return self.database.schema_name

    async def find(self, table: str, name: str) -> list[Found]:
        def read(replica: Any) -> list[Found]:
            rows = replica.tables[table].rows.values() if table in self.tables and table in replica.tables else ()
            return [self._found(row) for row in rows if row.name == name]

        return await self.database.call(read)

    async def find_uuid(self, uuid: UUID) -> list[Found]:
        def read(replica: Any) -> list[Found]:
            rows = (replica.tables[table].rows.get(uuid) for table in self.tables if table in replica.tables)
            return [self._found(row) for row in rows if row is not None]

        return await self.database.call(read)

    async def find_owner(self, owner: str) -> list[Found]:
        def read(replica: Any) -> list[Found]:
            rows = sorted(self.index.rows(owner).items(), key=lambda item: (item[1], item[0]))
            return [self._found(replica.tables[table].rows[uuid]) for uuid, table in rows]

        return await self.database.call(read)

    def _found(self, row: Any) -> Found:
        table = row._table.name
        shown = [name for name in self.tables[table] if name in row._table.columns]
        values = row_to_dict(row, shown)
        return Found(self.name, table, row.uuid, values, values.get("external_ids", {}).get(OWNER, ""))

    async def differences(self, uid: UUID, desired: Mapping[str, Sequence[Any]]) -> list[Change]:
        planner = Planner(uid, self.tables)
        return (await self.database.call(lambda replica: planner.diff(replica, self.index, desired))).changes


async def explain(session: Session, words: Sequence[str], namespace: str) -> Explanation:
    """`words`: a row's UUID; a table and a name; or KIND/NAME."""
    weft_index, northbound_index = OwnerIndex(columns.WEFT), OwnerIndex(columns.NORTHBOUND)
    async with AsyncExitStack() as stack:
        weft_tables = ("Object", "Host_Status", "Fabric", *columns.WEFT)
        weft = await stack.enter_async_context(session.weft(weft_tables, observer=weft_index))
        northbound = await stack.enter_async_context(session.northbound(northbound_index))
        sides = (
            _Side(northbound, northbound_index, columns.NORTHBOUND),
            _Side(weft, weft_index, columns.WEFT),
        )
        result = Explanation(await _find(sides, words, namespace))
        records = await read_records(weft)
        uid = await fabric_uid(weft)
        if kept_elsewhere(records):
            result.notes.append(f"whether rows are as they ought to be, the controller knows: {ELSEWHERE}")
        else:
            await _judge(result, await make_engine(weft, resources_of(records)), sides, uid, _asked(words, namespace))
        for row in result.rows:
            if not row.owner and not row.note:
                row.note = _stranger(row)
        if result.missing or any(row.differs for row in result.rows):
            fabric = await read_fabric(weft)
            result.notes.append(
                "changed by: not known (OVSDB keeps no author). "
                f"The fabric's own last writer was {fabric['leader']}, in epoch {fabric['epoch']}; "
                "its controller puts such a row right unless it is paused or away"
            )
    return result


def _asked(words: Sequence[str], namespace: str) -> str:
    return parse_ref(words[0], namespace) if len(words) == 1 and "/" in words[0] else ""


async def _find(sides: Sequence[_Side], words: Sequence[str], namespace: str) -> list[Found]:
    if len(words) == 2:
        tables = sorted(table for side in sides for table in side.tables)
        if words[0] not in tables:
            raise UsageError(f"{words[0]}: no table that the fabric writes; allowed are {', '.join(tables)}")
        found = [row for side in sides for row in await side.find(words[0], words[1])]
        return found or _nothing(f"table {words[0]} has no row of the name {words[1]}")
    if ref := _asked(words, namespace):
        return [row for side in sides for row in await side.find_owner(ref)]
    try:
        uuid = UUID(words[0])
    except ValueError:
        raise UsageError(f"{words[0]}: expected the UUID of a row, TABLE NAME, or KIND/NAME") from None
    found = [row for side in sides for row in await side.find_uuid(uuid)]
    return found or _nothing(f"{uuid}: no table that the fabric writes has such a row")


def _nothing(text: str) -> list[Found]:
    raise CtlError(text)


async def _judge(result: Explanation, engine: Engine, sides: Sequence[_Side], uid: UUID, asked: str) -> None:
    """Compare with what the objects ask for. A row without its mark is looked for among all that ought to be there."""
    marked = {row.owner for row in result.rows if row.owner} | ({asked} if asked else set())
    owners = list(marked) if all(row.owner for row in result.rows) else [*engine.owners(), *marked]
    desired = {owner: engine.compile(owner) for owner in owners if not engine.is_frozen(owner)}
    wanted = {
        row_uuid(uid, row.ref): owner for owner, rows in desired.items() for row in (*rows.northbound, *rows.weft)
    }
    known = {row.uuid: row for row in result.rows}
    for row in result.rows:
        if not row.owner and (owner := wanted.get(row.uuid)) is not None:
            row.owner, row.note = owner, f"made by {owner}, as its uuid tells: somebody took away its mark {OWNER}"
    for side, part in zip(sides, ("northbound", "weft"), strict=True):
        for change in await side.differences(uid, {owner: getattr(rows, part) for owner, rows in desired.items()}):
            found = known.get(change.uuid)
            if found is not None and change.op == "delete":
                found.differs.append("no object asks for it: it is to be deleted")
            elif found is not None:
                found.differs += [column_text(name, *values).strip() for name, values in change.columns.items()]
            elif change.op == "insert" and change.owner == asked:
                result.missing.append(change)
    if asked and not result.rows and not result.missing:
        result.notes.append(f"{asked} owns no rows{_reason(engine, asked)}")


def _reason(engine: Engine, ref: str) -> str:
    if ref in engine.rejected:
        return ": it is invalid, or breaks a rule"
    return "" if engine.view.find(ref) else ", and does not exist"


def _stranger(row: Found) -> str:
    keys = [key for column in ("external_ids", "other_config") for key in row.values.get(column, {})]
    for beginning, who in OTHERS.items():
        if any(key.startswith((beginning, f"interconn-{beginning}")) for key in keys):
            return f"not made by this fabric: its keys are {who}'s. It is never touched"
    if "interconn-ts" in keys:
        return "not made by this fabric: its keys are OVN-IC's. It is never touched"
    return f"not made by this fabric (no {OWNER} in external_ids). It is never touched"
