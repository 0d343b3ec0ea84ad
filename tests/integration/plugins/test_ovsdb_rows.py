"""The module `ovsdb_rows` against a real database server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plugins.modules import ovsdb_rows
from tests.support.ovn import WEFT_SCHEMA, OvnSandbox

ROLE = [
    {
        "table": "RBAC_Permission",
        "id": "status",
        "match": {"table": "Host_Status"},
        "values": {"authorization": ["name"], "insert_delete": True, "update": ["ready", "mtu"]},
    },
    {"table": "RBAC_Role", "match": {"name": "weft-host"}, "values": {"permissions": {"Host_Status": "@status"}}},
    {"table": "Connection", "id": "hosts", "match": {"target": "pssl:6645"}, "values": {"role": "weft-host"}},
    {
        "table": "Fabric",
        "insert": {"uid": "first"},
        "values": {"connections": ["@hosts"]},
        "keys": {"external_ids": {"a": "1"}},
    },
]


@pytest.fixture
def socket() -> Iterator[str]:
    with OvnSandbox() as ovn:
        ovn.start_weft()
        yield ovn.weft.removeprefix("unix:")


def rows(*specs: dict[str, Any]) -> list[dict[str, Any]]:
    empty = {"match": {}, "values": {}, "keys": {}, "elements": {}, "insert": {}, "id": None, "state": "present"}
    return [{**empty, **spec} for spec in specs]


def apply(socket: str, *specs: dict[str, Any], write: bool = True) -> Any:
    """Carry out the rows as the module does; return the plan."""
    plans: list[Any] = []
    parameters = {"socket": socket, "database": "Weft", "rows": rows(*specs), "schema": None}
    ovsdb_rows.attempt(parameters, plans, write)
    return plans[0]


def test_rows_that_refer_to_each_other_are_made_in_one_call_and_then_left_alone(socket: str) -> None:
    assert apply(socket, *ROLE).count() == {"insert": 4, "update": 0, "delete": 0}
    assert apply(socket, *ROLE).operations() == []


def test_check_mode_tells_and_writes_nothing(socket: str) -> None:
    plan = apply(socket, *ROLE, write=False)
    assert plan.difference()["after"]["Fabric[]"]["connections"] == ["@hosts"]
    assert apply(socket, *ROLE, write=False).count()["insert"] == 4


def test_only_what_differs_is_written_and_shown(socket: str) -> None:
    apply(socket, *ROLE)
    change = {"table": "Connection", "match": {"target": "pssl:6645"}, "values": {"role": "", "inactivity_probe": 5000}}
    plan = apply(socket, change)
    title = "Connection[target=pssl:6645]"
    assert plan.difference() == {
        "before": {title: {"inactivity_probe": [], "role": "weft-host"}},
        "after": {title: {"inactivity_probe": [5000], "role": ""}},
    }


def test_what_is_set_at_insert_only_stays(socket: str) -> None:
    apply(socket, *ROLE)
    assert apply(socket, {"table": "Fabric", "insert": {"uid": "second"}}).operations() == []


def test_keys_of_others_stay_and_null_removes_one(socket: str) -> None:
    apply(socket, *ROLE)
    apply(socket, {"table": "Fabric", "keys": {"external_ids": {"b": 2}}})
    plan = apply(socket, {"table": "Fabric", "keys": {"external_ids": {"a": None}}})
    assert plan.difference()["before"]["Fabric[]"]["external_ids"] == {"a": "1", "b": "2"}
    assert plan.difference()["after"]["Fabric[]"]["external_ids"] == {"b": "2"}


def test_elements_are_added_to_those_of_others(socket: str) -> None:
    apply(socket, *ROLE)
    more = {"table": "RBAC_Permission", "match": {"table": "Host_Status"}, "elements": {"update": ["problems"]}}
    assert apply(socket, more).difference()["after"]["RBAC_Permission[table=Host_Status]"]["update"] == [
        "mtu",
        "problems",
        "ready",
    ]
    assert apply(socket, more).operations() == []


def test_a_row_is_removed_once(socket: str) -> None:
    apply(socket, *ROLE)
    gone = {"table": "RBAC_Role", "match": {"name": "weft-host"}, "state": "absent"}
    assert apply(socket, gone).count()["delete"] == 1
    assert apply(socket, gone).operations() == []


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"table": "Fabrics"}, "Weft has no table Fabrics; it has Connection, Fabric"),
        ({"table": "Fabric", "values": {"uids": "x"}}, "Fabric has no column uids; it has"),
        ({"table": "Fabric", "values": {"epoch": "late"}}, "Fabric.epoch: got 'late', a number (integer) is allowed"),
        ({"table": "Fabric", "values": {"paused": "yes"}}, "Fabric.paused: got 'yes', true or false is allowed"),
        ({"table": "Fabric", "values": {"connections": ["@lost"]}}, "reference '@lost'"),
    ],
)
def test_errors_say_what_is_allowed(socket: str, spec: dict[str, Any], words: str) -> None:
    with pytest.raises(ovsdb_rows.OvsdbError) as caught:
        apply(socket, spec)
    assert words in str(caught.value)


def test_an_older_database_is_converted_and_a_newer_one_left_alone(socket: str, tmp_path: Path) -> None:
    schema = json.loads(WEFT_SCHEMA.read_text())
    newer = tmp_path / "newer.ovsschema"
    major, minor, patch = (int(part) for part in schema["version"].split("."))
    newer.write_text(json.dumps({**schema, "version": f"{major}.{minor + 1}.{patch}"}))
    parameters = {"socket": socket, "database": "Weft", "schema": str(newer)}
    assert ovsdb_rows.convert(parameters, True) == [schema["version"], f"{major}.{minor + 1}.{patch}"]
    assert ovsdb_rows.convert(parameters, True) is None
    assert ovsdb_rows.convert({**parameters, "schema": str(WEFT_SCHEMA)}, True) is None
