"""The fabric's own store: what changes of its rows mean, and what writing an object takes."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from weft.api.base import Resource
from weft.api.documents import parse_document
from weft.ovsdb.replica import RowChange
from weft.store.base import ObjectChange, Removed, Stored, Writes
from weft.store.fabric import (
    FabricStore,
    Record,
    changed_columns,
    delete_operation,
    insert_operation,
    resource_row,
    unchanged_since,
    update_operation,
)

FABRIC = UUID(int=7)
FENCE = {"op": "wait"}
ROW = UUID(int=1)


class _Database:
    """Remembers what was committed."""

    def __init__(self) -> None:
        self.committed: list[list[dict[str, Any]]] = []

    async def commit(self, operations: list[dict[str, Any]]) -> None:
        self.committed.append(operations)


class _Fence:
    fabric = FABRIC

    async def weft_operations(self) -> list[dict[str, Any]]:
        return [FENCE]


def _store() -> tuple[FabricStore, _Database]:
    database = _Database()
    return FabricStore(database), database  # type: ignore[arg-type]


def _row(name: str = "blue", **columns: Any) -> dict[str, Any]:
    row = {
        "kind": "Subnet",
        "namespace": "",
        "name": name,
        "uid": f"uid-{name}",
        "generation": 1,
        "metadata": '{"labels":{"a":"b"}}',
        "spec": '{"cidrBlock":"10.0.0.0/24"}',
        "status": "",
    }
    return row | columns


def _insert(row: dict[str, Any], uuid: UUID = ROW) -> RowChange:
    return RowChange("Object", uuid, "insert", row)


def _update(row: dict[str, Any], uuid: UUID = ROW) -> RowChange:
    return RowChange("Object", uuid, "update", row)


def _delete(row: dict[str, Any], uuid: UUID = ROW) -> RowChange:
    return RowChange("Object", uuid, "delete", row)


def _told(changes: list[ObjectChange]) -> list[str]:
    return [
        f"-{change.ref}{'' if change.seen else '?'}"
        if isinstance(change, Removed)
        else f"{'+' if change.resource else '!'}{change.ref}"
        for change in changes
    ]


BROKEN = '{"cidrBlock":"blue"}'
OTHER = UUID(int=2)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        pytest.param([_insert(_row())], ["+Subnet/blue"], id="created"),
        pytest.param(
            [_insert(_row()), _update(_row(spec='{"cidrBlock":"10.0.0.0/8"}'))], ["+Subnet/blue"] * 2, id="spec"
        ),
        pytest.param([_insert(_row()), _update(_row(metadata="{}"))], ["+Subnet/blue"] * 2, id="labels"),
        pytest.param([_insert(_row()), _update(_row(status='{"x":1}'))], ["+Subnet/blue"], id="status is no news"),
        pytest.param([_insert(_row()), _insert(_row())], ["+Subnet/blue"], id="read anew after a reconnection"),
        pytest.param([_insert(_row()), _delete(_row())], ["+Subnet/blue", "-Subnet/blue"], id="deleted"),
        pytest.param([_insert(_row()), _delete({})], ["+Subnet/blue", "-Subnet/blue?"], id="vanished unseen"),
        pytest.param([_delete(_row())], [], id="the end of what was never known"),
        pytest.param([_insert(_row(spec=BROKEN))], ["!Subnet/blue"], id="invalid"),
        pytest.param([_insert(_row()), _update(_row(spec=BROKEN))], ["+Subnet/blue", "!Subnet/blue"], id="now invalid"),
        pytest.param([_insert(_row(spec="{"))], ["!Subnet/blue"], id="not JSON"),
        pytest.param([_insert(_row(metadata="[1]"))], ["!Subnet/blue"], id="JSON of a wrong kind"),
        pytest.param([_insert(_row(kind="Sbunet"))], ["!Sbunet/blue"], id="unknown kind"),
        pytest.param(
            [_insert(_row()), _insert(_row(uid="new"), OTHER), _delete(_row())],
            ["+Subnet/blue", "-Subnet/blue", "+Subnet/blue"],
            id="replaced in one transaction",
        ),
        pytest.param(
            [_insert(_row()), _insert(_row(uid="new"), OTHER), _delete(_row(), OTHER), _delete({})],
            ["+Subnet/blue", "-Subnet/blue", "+Subnet/blue", "-Subnet/blue"],
            id="replaced and deleted while nobody watched",
        ),
        pytest.param(
            [_insert(_row()), _insert(_row("red"), OTHER), _delete(_row())],
            ["+Subnet/blue", "+Subnet/red", "-Subnet/blue"],
            id="two objects",
        ),
    ],
)
def test_what_changes_of_rows_mean(rows: list[RowChange], told: list[str]) -> None:
    assert _told(_store()[0].feed(rows)) == told


def test_what_is_wrong_with_a_stored_object_is_said() -> None:
    (change,) = _store()[0].feed([_insert(_row(spec='{"cidrBlock":"blue","x":1}'))])
    assert isinstance(change, Stored)
    assert [str(problem) for problem in change.problems] == [
        "Subnet/blue: spec.cidrBlock: 'blue' does not appear to be an IPv4 or IPv6 network",
        "Subnet/blue: spec.x: no such field",
    ]


def test_a_stored_object_has_the_stores_uid_and_generation() -> None:
    (change,) = _store()[0].feed([_insert(_row(generation=4))])
    assert isinstance(change, Stored)
    assert change.resource is not None
    assert (change.resource.uid, change.resource.generation) == ("uid-blue", 4)


# -- writing ----------------------------------------------------------------------------------------------------------


def _resource(**spec: Any) -> Resource:
    document = {
        "apiVersion": "kubeovn.io/v1",
        "kind": "Subnet",
        "metadata": {"name": "blue", "labels": {"a": "b"}},
        "spec": {"cidrBlock": "10.0.0.0/24", **spec},
    }
    return parse_document(document)


def _stored(resource: Resource, **columns: Any) -> Record:
    return Record(uuid=ROW, **(resource_row(resource) | {"status": ""} | columns))


@pytest.mark.parametrize(
    "spec", [{}, {"excludeIps": ["10.0.0.5"]}, {"mtu": 0}, {"u2oFeatures": {"overlayOnlyRouting": False}}]
)
def test_an_object_comes_out_as_it_went_in_and_applying_it_again_changes_nothing(spec: dict[str, Any]) -> None:
    resource = _resource(**spec)
    record = _stored(resource)
    back = record.resource()
    assert back.spec_document() == resource.spec_document()
    assert (back.ref, back.metadata.labels) == (resource.ref, resource.metadata.labels)
    assert changed_columns(record, resource) == {}
    assert changed_columns(record, back) == {}


def test_a_changed_spec_is_a_new_generation() -> None:
    record = _stored(_resource(), generation=3)
    columns = changed_columns(record, _resource(mtu=1400))
    assert columns == {"spec": '{"cidrBlock":"10.0.0.0/24","mtu":1400}', "generation": 4}


def test_changed_labels_are_no_new_generation_and_keep_the_time_of_creation() -> None:
    record = _stored(_resource(), metadata='{"labels":{"x":"y"},"creationTimestamp":"2026-01-01T00:00:00Z"}')
    columns = changed_columns(record, _resource())
    assert json.loads(columns.pop("metadata")) == {
        "labels": {"a": "b"},
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    assert columns == {}


def test_a_record_is_the_document_that_a_user_writes() -> None:
    record = Record(uuid=ROW, **_row(status='{"v4usingIPs":1}'))
    assert record.document() == {
        "apiVersion": "kubeovn.io/v1",
        "kind": "Subnet",
        "metadata": {"labels": {"a": "b"}, "name": "blue", "uid": "uid-blue", "generation": 1},
        "spec": {"cidrBlock": "10.0.0.0/24"},
        "status": {"v4usingIPs": 1},
    }


def test_operations_name_just_this_row() -> None:
    record = Record(uuid=ROW, **_row())
    where = [["_uuid", "==", ["uuid", str(ROW)]]]
    assert update_operation(record, {"spec": "{}"}) == {
        "op": "update",
        "table": "Object",
        "where": where,
        "row": {"spec": "{}"},
    }
    assert delete_operation(record) == {"op": "delete", "table": "Object", "where": where}
    assert insert_operation({"a": 1}, ROW) == {"op": "insert", "table": "Object", "row": {"a": 1}, "uuid": str(ROW)}
    assert "uuid" not in insert_operation({"a": 1})
    wait = unchanged_since(record)
    assert (wait["op"], wait["timeout"], wait["where"], wait["until"]) == ("wait", 0, where, "==")


def test_a_batch_writes_what_is_not_so_already() -> None:
    store, database = _store()
    store.feed([_insert(_row(status='{"phase":"a"}')), _insert(_row("red"), OTHER)])
    new = _resource().model_copy(update={"metadata": _resource().metadata.model_copy(update={"name": "new"})})
    writes = Writes(
        create=[_resource(), new],
        delete=["Subnet/red", "Subnet/unknown"],
        statuses={"Subnet/blue": {"phase": "a"}, "Subnet/red": {"phase": "b"}, "Subnet/unknown": {"phase": "c"}},
    )
    asyncio.run(store.write(writes, _Fence()))  # type: ignore[arg-type]
    ((fence, insert, delete, update),) = database.committed
    assert fence == FENCE
    assert (insert["op"], insert["uuid"]) == ("insert", str(uuid5(FABRIC, "Object\nSubnet/new")))
    assert (delete["op"], update["op"]) == ("delete", "update")
    assert update["row"] == {"status": '{"phase":"b"}'}


def test_nothing_to_write_is_no_transaction() -> None:
    store, database = _store()
    assert not Writes()
    asyncio.run(store.write(Writes(delete=["Subnet/unknown"]), _Fence()))  # type: ignore[arg-type]
    assert database.committed == []


def test_large_batches_are_cut_and_each_part_is_fenced() -> None:
    store, database = _store()
    store.feed([_insert(_row(f"s{number}"), uuid4()) for number in range(4500)])
    asyncio.run(store.write(Writes(delete=list(store.records)), _Fence()))  # type: ignore[arg-type]
    assert [len(operations) for operations in database.committed] == [2001, 2001, 501]
    assert all(operations[0] == FENCE for operations in database.committed)
