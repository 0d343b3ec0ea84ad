"""Which rows are whose, what others did to them, which ports are up, and what the event loop hears of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.unit.ovsdb.server import OVN_25_03, Server
from weft.ovsdb.columns import NORTHBOUND
from weft.ovsdb.index import News, OwnerIndex
from weft.ovsdb.replica import RowChange, row_to_dict


class _Fixture:
    def __init__(self) -> None:
        self.index = OwnerIndex(NORTHBOUND)
        self.server = Server(OVN_25_03, list(NORTHBOUND), self.index)

    def switch(self, owner: str, uuid: UUID | None = None) -> UUID:
        uuid = uuid or uuid4()
        self.server.insert("Logical_Switch", uuid, {"name": owner, "external_ids": _ids(owner)})
        return uuid

    def port(self, owner: str, name: str, **columns: Any) -> UUID:
        uuid = uuid4()
        self.server.insert("Logical_Switch_Port", uuid, {"name": name, "external_ids": _ids(owner), **columns})
        return uuid

    def news(self) -> tuple[set[str], dict[tuple[str, str], bool]]:
        news = self.index.take_news() or News()
        return news.touched, news.ports


def _ids(owner: str) -> Any:
    return ["map", [["weft-owner", owner]] if owner else []]


@pytest.fixture
def db() -> _Fixture:
    return _Fixture()


def test_rows_are_found_by_owner(db: _Fixture) -> None:
    one, port, other = db.switch("Subnet/a"), db.port("Subnet/a", "p"), db.switch("Subnet/b")
    db.switch("")
    assert db.index.rows("Subnet/a") == {one: "Logical_Switch", port: "Logical_Switch_Port"}
    assert db.index.rows("Subnet/b") == {other: "Logical_Switch"}
    assert db.index.rows("Subnet/c") == {}
    assert sorted(db.index.owners()) == ["Subnet/a", "Subnet/b"]


def test_an_owner_without_rows_is_none(db: _Fixture) -> None:
    uuid = db.switch("Subnet/a")
    db.server.delete("Logical_Switch", uuid)
    assert db.index.owners() == []
    assert db.index.rows("Subnet/a") == {}


@pytest.mark.parametrize(
    ("columns", "touched"),
    [
        pytest.param({"name": "other"}, {"Subnet/a"}, id="a column that we own"),
        pytest.param({"other_config": ["map", [["mcast_snoop", "true"]]]}, {"Subnet/a"}, id="a map that we share"),
        pytest.param({"ports": ["set", []]}, set(), id="a set of others' rows"),
        pytest.param({"copp": ["set", []]}, set(), id="a column that is not ours"),
        pytest.param({"external_ids": _ids("")}, {"Subnet/a"}, id="the owner's name taken off"),
        pytest.param({"external_ids": _ids("Subnet/b")}, {"Subnet/b"}, id="another owner's name put on"),
    ],
)
def test_what_somebody_changed(db: _Fixture, columns: dict[str, Any], touched: set[str]) -> None:
    uuid = db.switch("Subnet/a")
    db.news()
    db.server.change("Logical_Switch", uuid, **columns)
    assert db.news()[0] == touched


def test_rows_of_others_are_no_news(db: _Fixture) -> None:
    uuid = db.switch("")
    db.server.change("Logical_Switch", uuid, name="x")
    db.server.delete("Logical_Switch", uuid)
    assert db.index.take_news() is None


def test_a_row_leaves_and_enters_by_its_external_ids(db: _Fixture) -> None:
    uuid = db.switch("Subnet/a")
    db.server.change("Logical_Switch", uuid, external_ids=_ids(""))
    assert db.index.owners() == []
    db.server.change("Logical_Switch", uuid, external_ids=_ids("Subnet/a"))
    assert db.index.rows("Subnet/a") == {uuid: "Logical_Switch"}


def test_what_we_did_ourselves_is_no_news(db: _Fixture) -> None:
    db.switch("Subnet/a")
    db.switch("Subnet/b")
    db.index.forget(["Subnet/a"])
    assert db.news() == ({"Subnet/b"}, {})
    assert db.index.take_news() is None


def test_ports_come_up_and_go_down(db: _Fixture) -> None:
    key = ("Pod/n/a", "a.n")
    uuid = db.port("Pod/n/a", "a.n")
    assert db.news() == ({"Pod/n/a"}, {})
    for up, known in ((True, {key: True}), (True, {key: True}), (False, {key: False})):
        db.server.change("Logical_Switch_Port", uuid, up=up)
        assert db.news() == (set(), known)
    db.server.change("Logical_Switch_Port", uuid, up=True)
    assert db.index.bound_ports() == [key]
    db.news()
    db.server.delete("Logical_Switch_Port", uuid)
    assert db.news() == ({"Pod/n/a"}, {key: False})
    assert db.index.bound_ports() == []


def test_a_port_that_is_up_when_it_is_first_seen(db: _Fixture) -> None:
    db.port("Pod/n/a", "a.n", up=True)
    assert db.news()[1] == {("Pod/n/a", "a.n"): True}


def test_after_a_refill_what_is_missing_is_gone(db: _Fixture) -> None:
    kept, gone = db.switch("Subnet/a"), db.port("Pod/n/a", "a.n", up=True)
    db.news()
    del db.server.tables["Logical_Switch_Port"].rows[gone]
    db.index.refilled(db.server.tables)
    assert db.index.owners() == ["Subnet/a"]
    assert db.index.rows("Subnet/a") == {kept: "Logical_Switch"}
    assert db.news() == ({"Pod/n/a"}, {("Pod/n/a", "a.n"): False})


def test_a_row_is_plain_values(db: _Fixture) -> None:
    uuid, held = db.switch("Subnet/a"), db.port("Pod/n/a", "a.n", up=True, addresses=["set", ["x", "y"]], tag=7)
    db.server.change("Logical_Switch", uuid, ports=["uuid", str(held)])
    switch = row_to_dict(db.server.tables["Logical_Switch"].rows[uuid], ["name", "ports", "external_ids", "copp"])
    assert switch == {"name": "Subnet/a", "ports": [held], "external_ids": {"weft-owner": "Subnet/a"}, "copp": []}
    port = row_to_dict(db.server.tables["Logical_Switch_Port"].rows[held], ["up", "addresses", "tag", "type"])
    assert port == {"up": [True], "addresses": ["x", "y"], "tag": [7], "type": ""}


def test_changes_are_handed_on_once_and_in_order(db: _Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    replica = db.server.replica
    monkeypatch.setattr(replica, "is_synced", lambda: True)
    uuid = db.switch("Subnet/a")
    db.server.change("Logical_Switch", uuid, name="b")
    assert [(change.op, change.uuid) for change in replica.take_changes()] == [("insert", uuid), ("update", uuid)]
    assert replica.take_changes() == []
    db.server.delete("Logical_Switch", uuid)
    (gone,) = replica.take_changes()
    assert (gone.op, gone.row["name"]) == ("delete", "b")


def test_after_a_reconnection_what_vanished_is_a_delete_without_a_row(
    db: _Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = db.server.replica
    kept, gone = db.switch("Subnet/a"), db.switch("Subnet/b")
    replica.take_changes()
    del db.server.tables["Logical_Switch"].rows[gone]
    replica.refilled = True
    assert replica.take_changes() == []  # not whole yet: nothing is gone
    monkeypatch.setattr(replica, "is_synced", lambda: True)
    replica.notify("create", db.server.tables["Logical_Switch"].rows[kept])
    changes = replica.take_changes()
    assert [change.op for change in changes] == ["update", "delete"]
    assert changes[1] == RowChange("Logical_Switch", gone, "delete", {})
    assert db.index.owners() == ["Subnet/a"]
