"""What operations refuse: a table of looks, with the reason that each must give, and none for a fabric that is well."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.weft.ovn.plugins.filter.operation import (
    operation_plan,
    operation_pods_of,
    operation_refusal,
    operation_seat,
    operation_surplus,
)

NOW = 1_000_000.0
DATABASES = {"OVN_Northbound": 6643, "OVN_Southbound": 6644, "Weft": 6646}
MEMBERS = {"a": "192.0.2.1", "b": "192.0.2.2", "c": "192.0.2.3"}
Look = dict[str, Any]
Change = Callable[[Look], object]


def address(host: str, port: int) -> str:
    return f"ssl:{MEMBERS.get(host, host)}:{port}"


def state(host: str, port: int, **differing: Any) -> dict[str, Any]:
    servers = [{"id": name, "address": address(name, port), "self": name == host} for name in MEMBERS]
    base = {
        "exists": True, "damage": "", "cluster": "x", "noted": "x", "end": [3, 100], "address": address(host, port),
        "connected": True, "status": "cluster member", "role": "follower", "servers": servers, "staged": 0,
    }  # fmt: skip
    return {**base, **differing}


def well() -> Look:
    """Three hosts of everything, with one workload on b."""
    return {
        "members": {
            host: {"reachable": True, "databases": {name: state(host, port) for name, port in DATABASES.items()}}
            for host in MEMBERS
        },
        "hosts": {host: {"reachable": True, "address": MEMBERS[host]} for host in MEMBERS},
        "rows": {
            "Fabric": [{"uid": "u1", "leader": "a", "paused": False}],
            "Host_Status": [
                {"name": host, "addresses": [MEMBERS[host]], "ready": True, "last_seen": int(NOW) - 5}
                for host in MEMBERS
            ],
            "Chassis": [{"name": host} for host in MEMBERS],
            "Port": [{"name": "web.shop", "host": "b", "pod_namespace": "shop", "pod_name": "web"}],
            "Subnet": [{"name": "plain", "gateway_hosts": []}],
        },
        "now": NOW,
    }


def each(look: Look, host: str, **values: Any) -> None:
    for found in look["members"][host]["databases"].values():
        found.update(values)


def unreachable(host: str) -> Change:
    def change(look: Look) -> None:
        look["members"][host] = {"reachable": False, "databases": {}}
        look["hosts"][host]["reachable"] = False

    return change


def stopped(*hosts: str, **values: Any) -> Change:
    """Servers that do not run: nobody has told of the cluster there."""

    def change(look: Look) -> None:
        for host in hosts:
            each(look, host, connected=False, status="", servers=[], **values)

    return change


def minority(*left: str, **values: Any) -> Change:
    """Only these run, without a majority; the others are gone with their hosts."""

    def change(look: Look) -> None:
        for host in set(MEMBERS) - set(left):
            unreachable(host)(look)
        for host in left:
            each(look, host, connected=False, **values)

    return change


def silent(host: str) -> Change:
    return lambda look: next(row for row in look["rows"]["Host_Status"] if row["name"] == host).update(last_seen=1)


def gateway(*hosts: str) -> Change:
    return lambda look: look["rows"]["Subnet"].append({"name": "out", "gateway_hosts": list(hosts)})


def damaged(*hosts: str) -> Change:
    return lambda look: [each(look, host, damage="record 7: bad") for host in hosts]


def both(*changes: Change) -> Change:
    return lambda look: [change(look) for change in changes]


def nothing(_look: Look) -> None:
    """The fabric that is well."""


def planned(operation: str, change: Change, archive: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    look = copy.deepcopy(well())
    change(look)
    return dict(operation_plan(look, operation, options, archive))


def reasons(plan: dict[str, Any]) -> list[str]:
    assert all(item["advice"] for item in plan["problems"])
    return [item["problem"] for item in plan["problems"]]


def expect(found: list[str], expected: list[str]) -> None:
    """Every reason is given, in any order, and no other."""
    assert len(found) == len(expected), found
    for words in expected:
        assert any(words in text for text in found), (words, found)


# --- hosts ---

ADD = [
    ("a", nothing, []),
    ("x", nothing, ["x is not in the inventory's group ovn_hosts; it has a, b, c"]),
    ("b", unreachable("b"), ["b cannot be reached"]),
    ("b", lambda look: look["hosts"]["b"].update(address="192.0.2.1"), [
        "b and a have the same address 192.0.2.1",
        "the fabric knows a host b with the addresses 192.0.2.2, and this one has 192.0.2.1",
    ]),
    ("b", lambda look: look["rows"]["Fabric"][0].update(leader=""), ["no controller leads the fabric"]),
    ("b", lambda look: look["rows"]["Fabric"][0].update(paused=True), ["the fabric is paused"]),
    ("b", stopped("a", "b", "c"), [f"{name}: no member that answers has a majority" for name in DATABASES]),
    ("b", lambda look: look.update(members={}), ["no member of ovn_central answers"]),
]  # fmt: skip


@pytest.mark.parametrize(("host", "change", "expected"), ADD)
def test_a_host_joins_unless(host: str, change: Change, expected: list[str]) -> None:
    expect(reasons(planned("add_node", change, host=host)), expected)


REMOVE: list[tuple[dict[str, Any], Change, list[str]]] = [
    ({"host": "a"}, nothing, []),
    ({"host": "x"}, nothing, ["x is no host of the fabric; it has a, b, c"]),
    ({"host": "b"}, nothing, ["1 workloads run on b: shop/web"]),
    ({"host": "b", "workloads": "drain"}, nothing, []),
    ({"host": "c"}, unreachable("c"), ["c cannot be reached, so its daemons cannot be stopped"]),
    ({"host": "c", "dead": True}, unreachable("c"), ["c is said to be dead, and its agent was heard of 5 s ago"]),
    ({"host": "c", "dead": True}, both(unreachable("c"), silent("c")), []),
    ({"host": "c", "dead": True}, nothing, []),
    ({"host": "a"}, gateway("a"), ["Subnet/out leaves the fabric by a only: nobody else is named"]),
    ({"host": "a"}, both(gateway("a", "c"), silent("c")), ["Subnet/out leaves the fabric by a only: c not ready"]),
    ({"host": "a"}, gateway("a", "c"), []),
    ({"host": "a", "last_gateway": True}, gateway("a"), []),
    # All at once.
    ({"host": "b"}, both(gateway("b"), unreachable("b"), lambda look: look["rows"]["Fabric"][0].update(paused=True)), [
        "the fabric is paused", "b cannot be reached", "1 workloads run on b", "Subnet/out leaves the fabric by b only",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("options", "change", "expected"), REMOVE)
def test_a_host_leaves_unless(options: dict[str, Any], change: Change, expected: list[str]) -> None:
    options = {"dead": False, "workloads": "refuse", "last_gateway": False, **options}
    expect(reasons(planned("remove_node", change, **options)), expected)


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ({
            "Gateway_Chassis": [{"_uuid": "g1", "chassis_name": "a"}],
            "Logical_Router_Port": [{"name": "out-a", "gateway_chassis": ["g1"]}],
        }, "router port out-a"),
        ({
            "HA_Chassis": [{"_uuid": "h1", "chassis_name": "a"}],
            "HA_Chassis_Group": [{"name": "pair", "ha_chassis": ["h1"]}],
        }, "HA group pair"),
    ],
)  # fmt: skip
def test_ways_out_of_routers_count_too(rows: dict[str, Any], what: str) -> None:
    options = {"host": "a", "dead": False, "workloads": "refuse", "last_gateway": False}
    found = reasons(planned("remove_node", lambda look: look["rows"].update(rows), **options))
    expect(found, [f"{what} leaves the fabric by a only"])


# --- a member ---

NAMES = sorted(DATABASES)
REPLACE: list[tuple[dict[str, Any], Change, list[str], list[str]]] = [
    ({"host": "a"}, nothing, [], []),
    ({"host": "a", "alive": True}, nothing, [], NAMES),
    ({"host": "x"}, nothing, ["x is no member of the databases; members are a, b, c"], []),
    ({"host": "a"}, stopped("a", exists=False), [], NAMES),
    ({"host": "a"}, damaged("a"), [], NAMES),
    ({"host": "a"}, unreachable("a"), ["a cannot be reached"], []),
    ({"host": "a", "alive": True}, stopped("b"), [f"{name}: without ssl:192.0.2.1" for name in NAMES], NAMES),
    ({"host": "a"}, stopped("a", "b", "c"), [f"{name}: no member that answers has a majority" for name in NAMES], []),
    ({"host": "a", "lost_address": "192.0.2.9"}, nothing, [], []),
    ({"host": "a", "lost_address": "192.0.2.2"}, nothing, [
        f"{name}: {address('b', DATABASES[name])}, said to be lost, is b, which takes part" for name in NAMES], NAMES),
]  # fmt: skip


@pytest.mark.parametrize(("options", "change", "expected", "due"), REPLACE)
def test_a_member_is_replaced_unless(
    options: dict[str, Any], change: Change, expected: list[str], due: list[str]
) -> None:
    plan = planned("replace_database_member", change, **{"alive": False, "lost_address": "", **options})
    expect(reasons(plan), expected)
    assert [item["name"] for item in plan["databases"]] == due


def test_another_machine_takes_the_place_of_one_that_is_gone() -> None:
    """The cluster still has the old address, and the new host no file."""

    def change(look: Look) -> None:
        for name, port in DATABASES.items():
            for host in MEMBERS:
                servers = look["members"][host]["databases"][name]["servers"]
                servers[:] = [item for item in servers if item["id"] != "c"]
                servers.append({"id": "old", "address": f"ssl:192.0.2.9:{port}", "self": False})
        stopped("c", exists=False)(look)

    plan = planned("replace_database_member", change, host="c", alive=False, lost_address="192.0.2.9")
    assert reasons(plan) == []
    assert plan["databases"][0] == {"name": "OVN_Northbound", "gone": "ssl:192.0.2.9:6643"}


def test_the_only_member_is_not_replaced() -> None:
    def change(look: Look) -> None:
        look["members"] = {"a": look["members"]["a"]}
        for name, port in DATABASES.items():
            servers = [{"id": "a", "address": address("a", port), "self": True}]
            look["members"]["a"]["databases"][name]["servers"] = servers

    found = reasons(planned("replace_database_member", change, host="a", alive=True, lost_address=""))
    expect(found, [f"{name}: a is the only member" for name in NAMES])


# --- backup, restore ---


@pytest.mark.parametrize(
    ("change", "expected"),
    [(nothing, []), (stopped("a"), []), (minority("a"), [f"{name}: no member that answers" for name in NAMES])],
)
def test_a_backup_is_made_unless(change: Change, expected: list[str]) -> None:
    expect(reasons(planned("backup", change)), expected)


def archive(**differing: Any) -> dict[str, Any]:
    manifest = {"created": "2026-01-01T00:00:00Z", "fabric": "u1", "databases": {name: {} for name in DATABASES}}
    return {"manifest": {**manifest, **differing}, "ports": ["web.shop"], "problems": []}


RESTORE: list[tuple[dict[str, Any], bool, Change, list[str]]] = [
    (archive(), True, nothing, []),
    (archive(), False, nothing, ["the databases work: what was written since 2026-01-01T00:00:00Z would be lost"]),
    ({**archive(), "ports": []}, False, nothing, ["would be lost, and 1 workloads with it: web.shop"]),
    (archive(fabric="u2"), False, nothing, ["the archive is of fabric u2, and fabric u1 lives here"]),
    (archive(fabric="u2"), False, lambda look: look["rows"].update(Port=[]), []),
    (archive(), False, stopped("a", "b", "c", exists=False), []),
    # A restore that was killed half-way goes on.
    (archive(), False, lambda look: each(look, "a", staged=int(NOW) - 60), []),
    (archive(), True, unreachable("c"), ["c cannot be reached"]),
    (archive(databases={"Weft": {}}), True, nothing, ["has no OVN_Northbound", "has no OVN_Southbound"]),
    ({"manifest": {}, "ports": [], "problems": ["x.tar.gz: cannot be read"]}, False, nothing, ["x.tar.gz: cannot be"]),
]


@pytest.mark.parametrize(("found", "overwrite", "change", "expected"), RESTORE)
def test_an_archive_is_restored_unless(
    found: dict[str, Any], overwrite: bool, change: Change, expected: list[str]
) -> None:
    expect(reasons(planned("restore", change, found, overwrite=overwrite)), expected)


# --- recover ---

RECOVER: list[tuple[Change, dict[str, Any]]] = [
    (nothing, {}),
    (stopped("b"), {"start": {"b": NAMES}}),
    (damaged("b"), {"rejoin": {"b": NAMES}}),
    (stopped("b", exists=False), {"rejoin": {"b": NAMES}}),
    # All stopped: nothing is lost, they only have to be started.
    (stopped("a", "b", "c"), {"start": {"a": NAMES, "b": NAMES, "c": NAMES}}),
    (both(stopped("b", "c"), lambda look: each(look, "a", connected=False)), {"start": {"b": NAMES, "c": NAMES}}),
    # The last one has not noticed yet that the others are gone.
    (stopped("b", "c"), {"start": {"b": NAMES, "c": NAMES}}),
    (stopped("b", "c", exists=False), {"rebuild": dict.fromkeys(NAMES, "a")}),
    (both(stopped("b"), stopped("c", exists=False)), {"start": {"b": NAMES}}),
    (minority("b"), {"rebuild": dict.fromkeys(NAMES, "b")}),
    (both(minority("a", "b"), damaged("a")), {"rebuild": dict.fromkeys(NAMES, "b")}),
    # The later term holds, whatever the index.
    (
        both(
            minority("a", "b"), stopped("a", "b"), unreachable("c"),
            lambda look: each(look, "a", status="joining cluster", end=[2, 900]),
            lambda look: each(look, "b", status="joining cluster", end=[3, 101]),
        ),
        {"rebuild": dict.fromkeys(NAMES, "b")},
    ),
    # An earlier run was killed.
    (
        both(stopped("b", "c", exists=False), lambda look: each(look, "a", staged=int(NOW) - 60)),
        {"rebuild": dict.fromkeys(NAMES, "a")},
    ),
    # One that is over left its directory.
    (lambda look: each(look, "a", staged=int(NOW) - 60), {}),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), RECOVER)
def test_what_databases_need(change: Change, expected: dict[str, Any]) -> None:
    plan = planned("recover_databases", change, accept_loss=True)
    assert plan["problems"] == []
    rejoin = {host: [item["name"] for item in items] for host, items in plan["rejoin"].items()}
    found = {"start": plan["start"], "rejoin": rejoin, "rebuild": plan["rebuild"]}
    assert {key: value for key, value in found.items() if value} == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (minority("b"), [f"{name}: the majority is lost (a, c); the best that is left is entry 100" for name in NAMES]),
        (stopped("a", "b", "c", exists=False), [f"{name}: no member that answers has a good file" for name in NAMES]),
        (both(stopped("b"), damaged("a")), [f"{name}: without a there is no majority" for name in NAMES]),
        (
            both(stopped("b", "c", exists=False), lambda look: each(look, "a", staged=int(NOW) - 30 * 3600)),
            [f"{name}: a has had data for a rebuild since 30 hours ago" for name in NAMES],
        ),
        (lambda look: look.update(members={}), ["no member of ovn_central answers"]),
    ],
)  # fmt: skip
def test_databases_are_not_recovered_when(change: Change, expected: list[str]) -> None:
    expect(reasons(planned("recover_databases", change, accept_loss=False)), expected)


# --- words ---


def test_a_refusal_says_what_to_do() -> None:
    text = operation_refusal([{"problem": "x", "advice": "y"}, {"problem": "z", "advice": "w"}], "backup")
    assert text == ("backup is refused, and nothing was changed. Reasons:\n- x\n  what to do: y\n- z\n  what to do: w")


@pytest.mark.parametrize(
    ("change", "seat"),
    [(nothing, "a"), (unreachable("a"), "b"), (stopped("a"), "b"), (stopped("a", "b", "c"), "a")],
)
def test_the_fabric_is_spoken_to_through(change: Change, seat: str) -> None:
    look = well()
    change(look)
    hostvars = {
        host: {
            "ovn_central_look": ({"databases": member["databases"]} if member["reachable"] else {"unreachable": True})
        }
        for host, member in look["members"].items()
    }
    assert operation_seat(list(MEMBERS), hostvars) == seat


def test_pods_of_a_host_are_named() -> None:
    items = [
        {"metadata": {"name": "web", "namespace": "shop", "labels": {}}, "spec": {"nodeName": "a"}},
        {"metadata": {"name": "db", "namespace": "shop"}, "spec": {"nodeName": "b"}},
        {"metadata": {"name": "new", "namespace": "shop"}},
    ]
    (found,) = operation_pods_of(json.dumps({"items": items}), "a")
    assert found == {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}}
    assert operation_pods_of("", "a") == []


def test_the_newest_archives_stay() -> None:
    paths = ["/b/w-1Z.tar.gz", "/b/w-3Z.tar.gz", "/b/w-2Z.tar.gz"]
    assert operation_surplus(paths, 2) == ["/b/w-1Z.tar.gz", "/b/w-1Z.authority.tar.gz"]
    assert operation_surplus(paths, 3) == []
