"""A plan is the difference, no more; carried out, nothing differs any more, and what others wrote is still there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ovsdb.server import OVN_25_03, WEFT, Server
from weft.api.subnet import Subnet
from weft.api.vpc import Vpc
from weft.ovsdb import columns
from weft.ovsdb.columns import NORTHBOUND, Ownership
from weft.ovsdb.identity import row_uuid
from weft.ovsdb.index import OwnerIndex
from weft.ovsdb.plan import MAX_BYTES, MAX_ROWS, Change, Plan, Planner, encode
from weft.topology.rows import Ref, Row
from weft.topology.subnet import compile_subnet
from weft.topology.vpc import compile_vpc

FABRIC = UUID("11111111-2222-3333-4444-555555555555")
Desired = dict[str, list[Row]]


class _Database:
    def __init__(self, weft: bool = False) -> None:
        tables = columns.WEFT if weft else NORTHBOUND
        self.index = OwnerIndex(tables)
        self.server = Server(WEFT if weft else OVN_25_03, list(tables), self.index)
        self.planner = Planner(FABRIC, tables)

    def diff(self, desired: Desired) -> Plan:
        return self.planner.diff(self.server.replica, self.index, desired)

    def apply(self, desired: Desired) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        for _, operations in self.planner.transactions(self.diff(desired)):
            self.server.commit(operations)
            sent.extend(operations)
        return sent

    def row(self, table: str, ref: Ref) -> dict[str, Any]:
        return self.server.content()[table][row_uuid(FABRIC, ref)]


@pytest.fixture
def db() -> _Database:
    return _Database()


SWITCH = Row("Logical_Switch", "Subnet/blue", {"name": "blue", "external_ids": {"vendor": "kube-ovn"}})


def _port(name: str = "web", subnet: str = "blue", **more: Any) -> Row:
    given = {"name": name, "addresses": (f"0a:58:00:00:00:01 {name}",), "options": {}, **more}
    return Row(
        "Logical_Switch_Port", f"Pod/ns1/{name}", given, f"{subnet}/port", Ref("Logical_Switch", f"Subnet/{subnet}")
    )


def _wish(*rows: Row) -> Desired:
    desired: Desired = {}
    for row in rows:
        desired.setdefault(row.owner, []).append(row)
    return desired


SWITCH_UUID = str(row_uuid(FABRIC, SWITCH.ref))
PORT_UUID = str(row_uuid(FABRIC, _port().ref))


# -- identity ---------------------------------------------------------------------------------------------------------


def test_a_uuid_is_the_same_wherever_it_is_computed() -> None:
    assert row_uuid(FABRIC, Ref("Port", "Pod/ns1/web", "k")) == UUID("e97fd323-9b80-5cec-a086-afba4110d56e")


@pytest.mark.parametrize(
    ("fabric", "ref"),
    [
        (FABRIC, Ref("Port", "Pod/ns1/web", "l")),
        (FABRIC, Ref("Port", "Pod/ns1/db", "k")),
        (FABRIC, Ref("Host", "Pod/ns1/web", "k")),
        (UUID(int=1), Ref("Port", "Pod/ns1/web", "k")),
    ],
)
def test_fabric_table_owner_and_key_make_a_uuid(fabric: UUID, ref: Ref) -> None:
    assert row_uuid(fabric, ref) != row_uuid(FABRIC, Ref("Port", "Pod/ns1/web", "k"))


# -- what is sent -----------------------------------------------------------------------------------------------------


def test_new_rows_are_inserted_with_their_uuid_and_owner_and_join_by_one_mutation(db: _Database) -> None:
    assert db.apply(_wish(SWITCH, _port("web"), _port("db"))) == [
        {
            "op": "insert",
            "table": "Logical_Switch",
            "uuid": SWITCH_UUID,
            "row": {
                "name": "blue",
                "external_ids": ["map", [["vendor", "kube-ovn"], ["weft-owner", "Subnet/blue"]]],
            },
        },
        *(
            {
                "op": "insert",
                "table": "Logical_Switch_Port",
                "uuid": str(row_uuid(FABRIC, _port(name).ref)),
                "row": {
                    "name": name,
                    "addresses": ["set", [f"0a:58:00:00:00:01 {name}"]],
                    "external_ids": ["map", [["weft-owner", f"Pod/ns1/{name}"]]],
                },
            }
            for name in ("web", "db")
        ),
        {
            "op": "mutate",
            "table": "Logical_Switch",
            "where": [["_uuid", "==", ["uuid", SWITCH_UUID]]],
            "mutations": [
                [
                    "ports",
                    "insert",
                    ["set", [["uuid", str(row_uuid(FABRIC, _port(name).ref))] for name in ("web", "db")]],
                ]
            ],
        },
    ]


def test_a_column_of_ours_is_assigned(db: _Database) -> None:
    db.apply(_wish(SWITCH, _port()))
    assert db.apply(_wish(_port(addresses=("a", "b")))) == [
        {
            "op": "update",
            "table": "Logical_Switch_Port",
            "where": [["_uuid", "==", ["uuid", PORT_UUID]]],
            "row": {"addresses": ["set", ["a", "b"]]},
        }
    ]


def test_of_a_shared_map_only_our_keys_are_changed(db: _Database) -> None:
    db.apply(_wish(SWITCH, _port(options={"requested-chassis": "lab1"})))
    mine = ["map", [["requested-chassis", "lab1"], ["qos_max_rate", "7"]]]
    db.server.change("Logical_Switch_Port", UUID(PORT_UUID), options=mine)
    assert not db.diff(_wish(_port(options={"requested-chassis": "lab1"})))
    sent = db.apply(_wish(_port(options={"requested-chassis": "lab2"})))
    assert sent == [
        {
            "op": "mutate",
            "table": "Logical_Switch_Port",
            "where": [["_uuid", "==", ["uuid", PORT_UUID]]],
            "mutations": [
                ["options", "delete", ["set", ["requested-chassis"]]],
                ["options", "insert", ["map", [["requested-chassis", "lab2"]]]],
            ],
        }
    ]
    options = db.row("Logical_Switch_Port", _port().ref)["options"]
    assert sorted(options[1]) == [["qos_max_rate", "7"], ["requested-chassis", "lab2"]]


def test_a_row_that_others_hold_is_let_go(db: _Database) -> None:
    db.apply(_wish(SWITCH, _port()))
    member = ["set", [["uuid", PORT_UUID]]]
    assert db.apply({"Pod/ns1/web": []}) == [
        {
            "op": "mutate",
            "table": "Logical_Switch",
            "where": [["ports", "includes", member]],
            "mutations": [["ports", "delete", member]],
        }
    ]
    assert db.server.content()["Logical_Switch_Port"] == {}


def test_a_row_of_its_own_is_deleted(db: _Database) -> None:
    db.apply(_wish(SWITCH))
    assert db.apply({"Subnet/blue": []}) == [
        {"op": "delete", "table": "Logical_Switch", "where": [["_uuid", "==", ["uuid", SWITCH_UUID]]]}
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (7, 7),
        (True, True),
        (UUID(int=1), ["uuid", "00000000-0000-0000-0000-000000000001"]),
        ((), ["set", []]),
        (("a", "b"), ["set", ["a", "b"]]),
        ((UUID(int=1),), ["set", [["uuid", "00000000-0000-0000-0000-000000000001"]]]),
        ({}, ["map", []]),
        ({"a": 1}, ["map", [["a", 1]]]),
    ],
)
def test_values_on_the_wire(value: Any, text: Any) -> None:
    """RFC 7047, section 5.1."""
    assert encode(value) == text


# -- what differs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "differing"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"addresses": ("b", "a")}, {}, id="a set has no order"),
        pytest.param({"addresses": ("a",)}, {"addresses": (["a", "b"], ("a",))}, id="a smaller set"),
        pytest.param({"addresses": ()}, {"addresses": (["a", "b"], ())}, id="an empty set"),
        pytest.param({"addresses": None}, {"addresses": (["a", "b"], ())}, id="a column no longer named"),
        pytest.param({"type": "router"}, {"type": ("", "router")}, id="a text"),
        pytest.param({"enabled": False}, {"enabled": ([], False)}, id="at most one, none yet"),
        pytest.param({"parent_name": "q"}, {"parent_name": ("p", "q")}, id="at most one, another"),
        pytest.param({"parent_name": None}, {"parent_name": (["p"], ())}, id="at most one, no longer named"),
        pytest.param(
            {"options": {"router-port": "w"}},
            {"options": ({"router-port": "v"}, {"router-port": "w"})},
            id="another value of a key",
        ),
        pytest.param(
            {"options": {"router-port": "v", "requested-chassis": "h"}},
            {"options": ({"router-port": "v"}, {"router-port": "v", "requested-chassis": "h"})},
            id="a new key",
        ),
        pytest.param({"options": {}}, {"options": ({"router-port": "v"}, {})}, id="a key no longer wanted"),
        pytest.param({"options": None}, {"options": ({"router-port": "v"}, {})}, id="a map no longer named"),
        pytest.param({"health_checks": ("x",)}, {}, id="a column that this server does not have"),
    ],
)
def test_only_what_differs_is_in_the_plan(
    db: _Database, wanted: dict[str, Any], differing: dict[str, tuple[Any, Any]]
) -> None:
    """The key `other` is an operator's. None stands for a column that the row does not name."""
    base = {"name": "web", "addresses": ("a", "b"), "parent_name": "p", "options": {"router-port": "v"}}
    present = {**base, "options": {"router-port": "v", "other": "x"}}
    db.apply(_wish(SWITCH, replace(_port(), columns=present)))
    columns = {name: value for name, value in {**base, **wanted}.items() if value is not None}
    found = {change.table: dict(change.columns) for change in db.diff(_wish(replace(_port(), columns=columns))).changes}
    assert found == ({"Logical_Switch_Port": differing} if differing else {})


def test_owners_that_are_not_asked_for_are_left_alone(db: _Database) -> None:
    db.apply(_wish(SWITCH, _port("web"), _port("db")))
    assert db.diff({"Pod/ns1/web": []}).owners() == ["Pod/ns1/web"]


def test_rows_of_others_are_never_touched(db: _Database) -> None:
    """Not even one of the same name, nor one in the same switch."""
    theirs, switch = uuid4(), uuid4()
    db.server.insert("Logical_Switch", switch, {"name": "blue", "ports": ["uuid", str(theirs)]})
    db.server.insert("Logical_Switch_Port", theirs, {"name": "neutron"})
    db.apply(_wish(SWITCH, _port()))
    db.apply({"Subnet/blue": [], "Pod/ns1/web": []})
    assert set(db.server.content()["Logical_Switch"]) == {switch}
    assert set(db.server.content()["Logical_Switch_Port"]) == {theirs}


def test_a_port_of_somebody_else_on_our_switch_stays(db: _Database) -> None:
    db.apply(_wish(SWITCH, _port()))
    theirs = uuid4()
    members = ["set", [["uuid", PORT_UUID], ["uuid", str(theirs)]]]
    db.server.insert("Logical_Switch_Port", theirs, {"name": "neutron"})
    db.server.change("Logical_Switch", UUID(SWITCH_UUID), ports=members)
    assert not db.diff(_wish(SWITCH, _port()))
    db.apply({"Pod/ns1/web": []})
    assert set(db.server.content()["Logical_Switch_Port"]) == {theirs}


def test_drift_is_put_right(db: _Database) -> None:
    db.apply(_wish(SWITCH, _port()))
    before = db.server.content()
    db.server.change("Logical_Switch_Port", UUID(PORT_UUID), addresses=["set", ["mine"]])
    assert db.diff(_wish(SWITCH, _port())).count() == {"insert": 0, "update": 1, "delete": 0}
    db.apply(_wish(SWITCH, _port()))
    assert db.server.content() == before


def test_references_between_rows_become_uuids(db: _Database) -> None:
    row = _port(dhcpv4_options=Ref("DHCP_Options", "Subnet/blue"))
    (change,) = db.diff(_wish(row)).changes
    assert change.columns["dhcpv4_options"] == (None, row_uuid(FABRIC, Ref("DHCP_Options", "Subnet/blue")))


def test_a_subnet_that_changes_its_vpc_changes_its_router() -> None:
    def wish(subnet_vpc: str) -> Desired:
        red, green = (Vpc.parse({"metadata": {"name": name}}) for name in ("red", "green"))
        blue = Subnet.parse({"metadata": {"name": "blue"}, "spec": {"cidrBlock": "10.0.0.0/24", "vpc": subnet_vpc}})
        return _wish(
            *(row for rows in (compile_vpc(red), compile_vpc(green), compile_subnet(blue)) for row in rows.northbound)
        )

    db, fresh = _Database(), _Database()
    db.apply(wish("red"))
    db.apply(wish("green"))
    fresh.apply(wish("green"))
    assert db.server.content() == fresh.server.content()


def test_rows_of_weft() -> None:
    db = _Database(weft=True)
    row = Row(
        "Port",
        "Pod/ns1/web",
        {"name": "web.ns1", "host": "lab1", "addresses": ("10.0.0.2",), "device_type": "veth", "netns": ""},
    )
    (insert,) = db.apply(_wish(row))
    assert "netns" not in insert["row"]
    assert not db.diff(_wish(row))
    assert db.apply({"Pod/ns1/web": []})[0]["op"] == "delete"


# -- any history ------------------------------------------------------------------------------------------------------

_NAMES = st.sampled_from(["p1", "p2", "p3"])
_PORTS = st.builds(
    lambda name, subnet, addresses, options: _port(name, subnet, addresses=addresses, options=options),
    _NAMES,
    st.sampled_from(["blue", "red"]),
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True).map(tuple),
    st.fixed_dictionaries({"requested-chassis": st.sampled_from(["lab1", "lab2"])}),
)
_SWITCHES = [replace(SWITCH, owner=f"Subnet/{name}", columns={"name": name}) for name in ("blue", "red")]
_WORLDS = st.lists(_PORTS, max_size=4, unique_by=lambda row: row.owner)
_ALL_OWNERS = ["Pod/ns1/p1", "Pod/ns1/p2", "Pod/ns1/p3"]


def _world(ports: Iterable[Row]) -> Desired:
    return {owner: [] for owner in _ALL_OWNERS} | _wish(*_SWITCHES, *ports)


@given(st.lists(_WORLDS, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_after_any_plans_the_database_is_what_a_fresh_one_would_be(worlds: list[list[Row]]) -> None:
    db, fresh = _Database(), _Database()
    foreign = uuid4()
    db.server.insert("Logical_Switch", foreign, {"name": "theirs"})
    for ports in worlds:
        desired = _world(ports)
        sent = db.apply(desired)
        _check_operations(sent)
        assert not db.diff(desired), "a second plan is empty"
        assert db.apply(desired) == []
    fresh.apply(_world(worlds[-1]))
    content = db.server.content()
    assert content["Logical_Switch"].pop(foreign) == {"name": "theirs"}
    assert _sorted(content) == _sorted(fresh.server.content())


def _check_operations(operations: list[dict[str, Any]]) -> None:
    """Columns that are others' are not written, sets of rows never assigned."""
    for operation in operations:
        ownership = NORTHBOUND[operation["table"]]
        for column in operation.get("row", {}):
            if operation["op"] == "insert":
                assert ownership[column] in {Ownership.OWN, Ownership.KEYS}
            else:
                assert ownership[column] is Ownership.OWN
        for column, _, _ in operation.get("mutations", ()):
            assert ownership[column] in {Ownership.ELEMENTS, Ownership.KEYS}


def _sorted(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _sorted(value) for key, value in content.items()}
    if isinstance(content, list) and content and content[0] in {"set", "map"}:
        return [content[0], sorted(content[1])]
    return content


# -- transactions -----------------------------------------------------------------------------------------------------


def _changes(owner: str, count: int, size: int = 0) -> list[Change]:
    columns_ = {"name": (None, "x" * size)}
    return [Change("insert", "Logical_Switch", uuid4(), owner, str(number), columns_) for number in range(count)]


def _split(changes: list[Change]) -> list[tuple[list[str], int]]:
    planner = Planner(FABRIC, NORTHBOUND)
    return [(owners, len(operations)) for owners, operations in planner.transactions(Plan(changes))]


@pytest.mark.parametrize(
    ("changes", "transactions"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param(_changes("a", 1), [(["a"], 1)], id="one"),
        pytest.param(_changes("a", 1500) + _changes("b", 500), [(["a", "b"], 2000)], id="just as many as may be"),
        pytest.param(_changes("a", 1500) + _changes("b", 501), [(["a"], 1500), (["b"], 501)], id="one too many"),
        pytest.param(
            _changes("a", 1) + _changes("b", 1) + _changes("a", 1), [(["a", "b"], 3)], id="an owner stays together"
        ),
        pytest.param(_changes("a", 2500) + _changes("b", 1), [(["a"], 2500), (["b"], 1)], id="one owner is never cut"),
        pytest.param(
            _changes("a", 7, 100_000) + _changes("b", 7, 100_000) + _changes("c", 1, 100_000),
            [(["a", "b"], 14), (["c"], 1)],
            id="bytes",
        ),
    ],
)
def test_limits_of_a_transaction(changes: list[Change], transactions: list[tuple[list[str], int]]) -> None:
    assert _split(changes) == transactions


@given(st.lists(st.tuples(st.integers(1, 900), st.sampled_from([0, 500, 2000])), min_size=1, max_size=12))
@settings(max_examples=15, deadline=None)
def test_transactions_are_within_the_limits_and_lose_nothing(owners: list[tuple[int, int]]) -> None:
    changes = [c for number, (count, size) in enumerate(owners) for c in _changes(f"o{number}", count, size)]
    seen: list[str] = []
    for names, operations in Planner(FABRIC, NORTHBOUND).transactions(Plan(changes)):
        seen.extend(names)
        if len(names) > 1:
            assert len(operations) <= MAX_ROWS
            assert len(str(operations)) <= MAX_BYTES
        assert len(operations) == sum(owners[int(name[1:])][0] for name in names)
    assert seen == [f"o{number}" for number in range(len(owners))]


# -- a plan is a value ------------------------------------------------------------------------------------------------


def test_a_plan_can_be_counted_and_narrowed() -> None:
    changes = [
        Change("insert", "T", uuid4(), "a", "1"),
        Change("update", "T", uuid4(), "b", "2"),
        Change("delete", "T", uuid4(), "a", "3"),
    ]
    plan = Plan(changes)
    assert plan
    assert not Plan()
    assert plan.owners() == ["a", "b"]
    assert plan.count() == {"insert": 1, "update": 1, "delete": 1}
    assert plan.of(["a"]).changes == [changes[0], changes[2]]
    assert not plan.of(["c"])
