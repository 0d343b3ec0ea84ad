"""`plan`: what the databases would get, computed by the controller's own engine and planner, and never sent."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from weft.api.base import Resource
from weft.api.documents import Document
from weft.api.ip import IP
from weft.api.kinds import RANK
from weft.api.problem import Problem
from weft.ctl.errors import CtlError
from weft.ctl.printing import cell
from weft.ctl.question import kept_elsewhere
from weft.ctl.session import Session, fabric_uid, read_records, read_rows
from weft.ctl.world import admit, as_stored, content, hosts_of, resources_of
from weft.ovsdb import columns
from weft.ovsdb.database import Database
from weft.ovsdb.fence import Fence, ForeignFabricError
from weft.ovsdb.index import OwnerIndex
from weft.ovsdb.plan import Change, Planner
from weft.topology.engine import Engine
from weft.topology.rules import check_delete
from weft.topology.silence import overdue
from weft.topology.view import owner_of

SIGN = {"insert": "+", "update": "~", "delete": "-"}


@dataclass(frozen=True, slots=True)
class Wish:
    """Documents to be applied, and those of objects to be deleted."""

    documents: Sequence[Document] = ()
    without: Sequence[Document] = ()


@dataclass(slots=True)
class Preview:
    """A plan, and what stands around it."""

    objects: list[tuple[str, str]] = field(default_factory=list)
    """What `apply` and `delete` would do: (reference, created | configured | deleted)."""
    reservations: list[IP] = field(default_factory=list)
    releases: list[IP] = field(default_factory=list)
    changes: list[tuple[str, Change]] = field(default_factory=list)
    """(database, change)."""
    problems: list[Problem] = field(default_factory=list)
    waiting: dict[str, str] = field(default_factory=dict)
    """Owners that would get nothing, and why."""

    def __bool__(self) -> bool:
        return bool(self.objects or self.reservations or self.releases or self.changes)


@dataclass(slots=True)
class _Side:
    """One database: its replica, the owners in it, and how to compare."""

    database: Database
    index: OwnerIndex
    planner: Planner

    async def owners(self) -> list[str]:
        return await self.database.call(lambda _: self.index.owners())

    async def diff(self, desired: Mapping[str, Sequence[Any]]) -> list[tuple[str, Change]]:
        plan = await self.database.call(lambda replica: self.planner.diff(replica, self.index, desired))
        return [(self.database.schema_name, change) for change in plan.changes]


async def preview(session: Session, wish: Wish | None = None, given: Iterable[Resource] | None = None) -> Preview:
    """With a wish: what fulfilling it would change. Without: what differs now from what ought to be.

    `given` are all objects there are, where the fabric has them from a Kubernetes API.
    """
    weft_index, northbound_index = OwnerIndex(columns.WEFT), OwnerIndex(columns.NORTHBOUND)
    tables = ("Object", "Host_Status", "Fabric", *columns.WEFT)
    async with AsyncExitStack() as stack:
        weft = await stack.enter_async_context(session.weft(tables, observer=weft_index))
        northbound = await stack.enter_async_context(session.northbound(northbound_index))
        uid = await fabric_uid(weft)
        result = Preview()
        try:
            await Fence(uid, "weftctl", weft, northbound).check_fabric()
        except ForeignFabricError as error:
            result.problems.append(Problem("", "", str(error)))
            return result
        sides = (
            _Side(northbound, northbound_index, Planner(uid, columns.NORTHBOUND)),
            _Side(weft, weft_index, Planner(uid, columns.WEFT)),
        )
        engine = await make_engine(weft, await _stored(weft) if given is None else given)
        engine.view.services = session.config.services
        owners = await _all_owners(engine, sides) if wish is None else _touched(engine, wish, result)
        await _compile(engine, owners, sides, result)
    return result


async def _stored(weft: Database) -> Iterable[Resource]:
    records = await read_records(weft)
    if kept_elsewhere(records):
        raise CtlError("objects are kept in Kubernetes: give all of them by --given")
    return resources_of(records)


async def make_engine(weft: Database, resources: Iterable[Resource]) -> Engine:
    """The controller's engine, fed with what is stored."""
    engine = Engine()
    for resource in resources:
        engine.put(resource)
    rows = await read_rows(weft, "Host_Status")
    for host in hosts_of(rows):
        engine.put(host)
    engine.hear(frozenset(row["name"] for row in rows if overdue(row, time.time())))
    return engine


async def _all_owners(engine: Engine, sides: Iterable[_Side]) -> list[str]:
    absent = engine.claimants()
    for side in sides:
        absent |= set(await side.owners())
    return [*engine.owners(), *sorted(absent - set(engine.owners()) - engine.rejected.keys())]


def _touched(engine: Engine, wish: Wish, result: Preview) -> list[str]:
    """Feed what the rules admit to the engine; whom that concerns. What goes makes room for what comes."""
    engine.take_dirty()
    for document in sorted(wish.without, key=lambda document: -RANK[document.resource.INFO.kind]):
        _take_out(engine, document.resource.ref, result)

    def put(resource: Resource) -> None:
        old = engine.view.find(resource.ref)
        if not isinstance(old, Resource) or content(old) != content(resource):
            result.objects.append((resource.ref, "created" if engine.is_gone(resource.ref) else "configured"))
            engine.put(as_stored(resource, old))

    for verdict in admit(engine.view, wish.documents, put):
        result.problems.extend(verdict.problems)
    return engine.take_dirty()


def _take_out(engine: Engine, ref: str, result: Preview) -> None:
    item = engine.view.find(ref)
    found = check_delete(engine.view, item) if isinstance(item, Resource) else []
    result.problems.extend(found)
    if not found and not engine.is_gone(ref):
        result.objects.append((ref, "deleted"))
        engine.remove_ref(ref)


async def _compile(engine: Engine, owners: Sequence[str], sides: Sequence[_Side], result: Preview) -> None:
    """The same order of work as the controller's."""
    result.reservations = engine.reserve(owners)
    owners = list(dict.fromkeys([*owners, *engine.take_dirty()]))
    desired = {owner: engine.compile(owner) for owner in owners if not engine.is_frozen(owner)}
    northbound, weft = sides
    result.changes = [
        *await northbound.diff({owner: rows.northbound for owner, rows in desired.items()}),
        *await weft.diff({owner: rows.weft for owner, rows in desired.items()}),
    ]
    result.releases = engine.releases(owners)
    result.waiting = {owner: str(error) for owner, error in engine.unallocated.items() if owner in owners}
    for ref, (_, problems) in engine.rejected.items():
        result.waiting.setdefault(ref, "; ".join(str(problem) for problem in problems))


# -- showing it -------------------------------------------------------------------------------------------------------


def as_text(result: Preview) -> list[str]:
    """Lines for a person: objects, addresses, then rows by owner, counts at the end."""
    lines = [f"object {ref} would be {action}" for ref, action in result.objects]
    lines += [f"address {_address(ip)} would be reserved for {owner_of(ip)}" for ip in result.reservations]
    lines += [f"address {_address(ip)} would be released by {owner_of(ip)}" for ip in result.releases]
    by_owner: dict[str, list[tuple[str, Change]]] = {}
    for database, change in result.changes:
        by_owner.setdefault(change.owner, []).append((database, change))
    for owner, changes in by_owner.items():
        lines += ["", owner]
        for database, change in changes:
            lines.append(f"  {SIGN[change.op]} {database}.{change.table} {change.name}")
            lines += [f"      {column_text(name, *values)}" for name, values in change.columns.items()]
    if result.waiting:
        lines += ["", *(f"waits: {owner}: {why}" for owner, why in result.waiting.items())]
    return [*lines, *([""] if lines else []), _summary(result)]


def _address(ip: IP) -> str:
    return f"{ip.spec.ip_address} of subnet {ip.spec.subnet}"


def _summary(result: Preview) -> str:
    counts = count(result)
    if not result:
        return "no changes: the databases have what the objects ask for"
    return (
        f"{counts['insert']} rows to insert, {counts['update']} to update, {counts['delete']} to delete; "
        f"{len(result.reservations)} addresses to reserve (these, unless others come first), "
        f"{len(result.releases)} to release; nothing was written"
    )


def count(result: Preview) -> dict[str, int]:
    """How many rows would be inserted, updated and deleted, in all databases."""
    counts = {"insert": 0, "update": 0, "delete": 0}
    for _, change in result.changes:
        counts[change.op] += 1
    return counts


def column_text(name: str, before: Any, after: Any) -> str:
    """A column, before and after."""
    return f"{name}: {_shown(after)}" if before is None else f"{name}: {_shown(before)} -> {_shown(after)}"


def _shown(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{key}={item}" for key, item in sorted(value.items())) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(str, value)) + "]"
        case "" | None:
            return '""'
    return cell(value)


def as_document(result: Preview) -> dict[str, Any]:
    """The same for a program."""
    return {
        "objects": [{"object": ref, "action": action} for ref, action in result.objects],
        "reservations": [_reservation(ip) for ip in result.reservations],
        "releases": [_reservation(ip) for ip in result.releases],
        "changes": [
            {
                "database": database,
                "table": change.table,
                "op": change.op,
                "owner": change.owner,
                "name": change.name,
                "uuid": str(change.uuid),
                "columns": {
                    name: {"before": _plain(before), "after": _plain(after)}
                    for name, (before, after) in change.columns.items()
                },
            }
            for database, change in result.changes
        ],
        "count": count(result),
        "waiting": result.waiting,
        "problems": [str(problem) for problem in result.problems],
    }


def _reservation(ip: IP) -> dict[str, str]:
    return {"for": owner_of(ip), "subnet": ip.spec.subnet, "addresses": ip.spec.ip_address, "mac": ip.spec.mac_address}


def _plain(value: Any) -> Any:
    match value:
        case UUID():
            return str(value)
        case tuple() | list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
    return value
