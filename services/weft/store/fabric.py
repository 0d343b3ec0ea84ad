"""The fabric's own store: documents in the table `Object` of the Weft database.

Replicated by RAFT and watched like any table, with no Kubernetes at all. `metadata`, `spec` and `status` are JSON
texts; `generation` grows with each change of `spec`, as in Kubernetes. What changes only the status is nobody's news.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4, uuid5

from weft.api.base import Resource, object_ref
from weft.api.documents import parse_document
from weft.api.kinds import KINDS
from weft.api.problem import InvalidError, Problem
from weft.ovsdb.database import Database, Operation, RowChange, row_to_dict
from weft.ovsdb.errors import CommitError
from weft.ovsdb.fence import Fence
from weft.store.base import FABRIC, Changes, ObjectChange, Removed, Stored, Writes
from weft.store.conditions import merge_status, timestamp

TABLE = "Object"
ROWS_PER_TRANSACTION = 2000


@dataclass(slots=True)
class Record:
    """A row of `Object`, as it stands."""

    uuid: UUID
    kind: str
    namespace: str
    name: str
    uid: str
    generation: int
    metadata: str
    spec: str
    status: str

    @property
    def ref(self) -> str:
        cls = KINDS.get(self.kind)
        return object_ref(cls.INFO, self.namespace, self.name) if cls else f"{self.kind}/{self.name}"

    def document(self) -> dict[str, Any]:
        """The object as a user writes it, with `status`."""
        cls = KINDS.get(self.kind)
        metadata = {
            **json.loads(self.metadata or "{}"),
            "name": self.name,
            "uid": self.uid,
            "generation": self.generation,
        }
        if self.namespace:
            metadata["namespace"] = self.namespace
        document = {
            "apiVersion": cls.INFO.api_version if cls else "",
            "kind": self.kind,
            "metadata": metadata,
            "spec": json.loads(self.spec or "{}"),
        }
        if self.status:
            document["status"] = json.loads(self.status)
        return document

    def resource(self) -> Resource:
        """The typed object. Raises InvalidError."""
        return parse_document(self.document(), uid=self.uid, generation=self.generation)


def to_record(uuid: UUID, row: Mapping[str, Any]) -> Record:
    """A row of the table as a Record."""
    return Record(uuid, **{name: row[name] for name in Record.__slots__ if name != "uuid"})


class FabricStore:
    """Implements `weft.store.base.Store` on a database that hands changes of the table to `hear`."""

    name = FABRIC

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes = Changes()
        self._following = False
        self._loading: list[RowChange] | None = None
        """What is heard while the content is being read."""
        self._poke: Callable[[], None] | None = None
        self.records: dict[str, Record] = {}
        self._refs: dict[UUID, str] = {}

    async def start(self, poke: Callable[[], None]) -> None:
        """The database is its owner's to start."""
        self._poke = poke

    async def close(self) -> None:
        self._poke = None

    def hear(self, changes: Iterable[RowChange]) -> None:
        """Changes of rows of the table, as the database sees them."""
        if not self._following:
            return
        if self._loading is None:
            self._take_up(changes)
        else:
            self._loading.extend(changes)
        if self._poke is not None:
            self._poke()

    async def load(self) -> Sequence[ObjectChange]:
        def read(replica: Any) -> list[tuple[UUID, dict[str, Any]]]:
            return [(row.uuid, row_to_dict(row)) for row in replica.tables[TABLE].rows.values()]

        loading: list[RowChange] = []
        self._loading = loading
        self._following = True
        rows = await self._database.call(read)
        self.records, self._refs, self._loading = {}, {}, None
        self._changes.follow()
        content = self.feed(RowChange(TABLE, uuid, "insert", row) for uuid, row in rows)
        self._take_up(loading)
        return content

    def _take_up(self, changes: Iterable[RowChange]) -> None:
        for change in self.feed(changes):
            self._changes.add(change)

    def take_changes(self) -> list[ObjectChange]:
        return self._changes.take()

    def rest(self) -> None:
        self._following, self._loading = False, None
        self._changes.follow(False)

    def unsynced(self) -> Collection[str]:
        return ()

    def __contains__(self, ref: object) -> bool:
        return ref in self.records

    def refs(self) -> Collection[str]:
        return self.records.keys()

    def feed(self, changes: Iterable[RowChange]) -> list[ObjectChange]:
        """What changes of rows mean. Changes of the status alone mean nothing."""
        return [change for row in changes for change in self._feed(row)]

    def _feed(self, change: RowChange) -> Iterator[ObjectChange]:
        if change.op == "delete":
            yield from self._gone(change)
            return
        record = to_record(change.uuid, change.row)
        ref = record.ref
        old = self.records.get(ref)
        self.records[ref] = record
        self._refs[change.uuid] = ref
        if old is not None and old.uid != record.uid:
            yield Removed(ref)
        elif old is not None and (old.spec, old.metadata) == (record.spec, record.metadata):
            return
        try:
            yield Stored(ref, record.resource())
        except (InvalidError, ValueError, TypeError) as error:
            problems = error.problems if isinstance(error, InvalidError) else [Problem(ref, "", str(error))]
            yield Stored(ref, None, tuple(problems))

    def _gone(self, change: RowChange) -> Iterator[ObjectChange]:
        """A row was deleted; its object is gone unless another row has its name already."""
        ref = self._refs.pop(change.uuid, None)
        record = self.records.get(ref or "")
        if ref is not None and record is not None and record.uuid == change.uuid:
            del self.records[ref]
            yield Removed(ref, seen=bool(change.row))

    async def write(self, writes: Writes, fence: Fence) -> None:
        operations = [
            *self._creations(writes.create, fence.fabric),
            *self._changes_of(writes.update),
            *self._deletions(writes.delete),
            *self._statuses(writes.statuses),
        ]
        for start in range(0, len(operations), ROWS_PER_TRANSACTION):
            part = operations[start : start + ROWS_PER_TRANSACTION]
            try:
                await self._database.commit([*await fence.weft_operations(), *part])
            except CommitError as error:
                await fence.explain(error)
                raise

    def _creations(self, resources: Iterable[Resource], fabric: UUID) -> Iterable[Operation]:
        for resource in resources:
            if resource.ref not in self.records:
                yield insert_operation(resource_row(resource), uuid5(fabric, f"{TABLE}\n{resource.ref}"))

    def _changes_of(self, resources: Iterable[Resource]) -> Iterable[Operation]:
        for resource in resources:
            record = self.records.get(resource.ref)
            if record is not None and (columns := changed_columns(record, resource)):
                yield update_operation(record, columns)

    def _deletions(self, refs: Iterable[str]) -> Iterable[Operation]:
        for ref in refs:
            if (record := self.records.get(ref)) is not None:
                yield delete_operation(record)

    def _statuses(self, statuses: Mapping[str, Mapping[str, Any]]) -> Iterable[Operation]:
        now = timestamp()
        for ref, status in statuses.items():
            record = self.records.get(ref)
            if record is None:
                continue
            merged = merge_status(json.loads(record.status) if record.status else {}, status, now)
            if merged is not None:
                yield update_operation(record, {"status": _dump(merged)})


# -- rows and operations, also for weftctl ----------------------------------------------------------------------------


def resource_row(resource: Resource) -> dict[str, Any]:
    """Columns of a new object."""
    return {
        "kind": resource.INFO.kind,
        "namespace": resource.namespace,
        "name": resource.name,
        "uid": str(uuid4()),
        "generation": 1,
        "metadata": _dump({**_given_metadata(resource), "creationTimestamp": timestamp()}),
        "spec": _dump(resource.spec_document()),
    }


def changed_columns(record: Record, resource: Resource) -> dict[str, Any]:
    """What must change in `record` so that it is `resource`; nothing when it is so already."""
    kept = {key: value for key, value in json.loads(record.metadata or "{}").items() if key == "creationTimestamp"}
    given = _given_metadata(resource)
    columns: dict[str, Any] = {}
    if json.loads(record.metadata or "{}") != {**given, **kept}:
        columns["metadata"] = _dump({**given, **kept})
    if json.loads(record.spec or "{}") != resource.spec_document():
        columns |= {"spec": _dump(resource.spec_document()), "generation": record.generation + 1}
    return columns


def _given_metadata(resource: Resource) -> dict[str, Any]:
    """Labels and annotations: what of the metadata is the user's."""
    kept = {"name", "namespace", "creation_timestamp"}
    return resource.metadata.model_dump(by_alias=True, exclude_defaults=True, exclude=kept)


def insert_operation(row: Mapping[str, Any], uuid: UUID | None = None) -> Operation:
    """Create an object; with `uuid`, a repetition is refused."""
    operation: Operation = {"op": "insert", "table": TABLE, "row": dict(row)}
    return operation if uuid is None else {**operation, "uuid": str(uuid)}


def update_operation(record: Record, columns: Mapping[str, Any]) -> Operation:
    """Set these columns of an object."""
    return {"op": "update", "table": TABLE, "where": _where(record), "row": dict(columns)}


def delete_operation(record: Record) -> Operation:
    """Delete an object."""
    return {"op": "delete", "table": TABLE, "where": _where(record)}


def unchanged_since(record: Record) -> Operation:
    """Abort the transaction when somebody changed or replaced the object since it was read."""
    return {
        "op": "wait",
        "timeout": 0,
        "table": TABLE,
        "where": _where(record),
        "columns": ["generation", "metadata"],
        "until": "==",
        "rows": [{"generation": record.generation, "metadata": record.metadata}],
    }


def _where(record: Record) -> list[Any]:
    return [["_uuid", "==", ["uuid", str(record.uuid)]]]


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
