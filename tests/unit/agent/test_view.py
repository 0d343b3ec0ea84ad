"""The view: from the database, from disk, and who waits for it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal
from uuid import UUID, uuid4

import pytest

from weft.agent.view import EMPTY, Port, View, load, save
from weft.ovsdb.database import RowChange


def port_row(name: str, **changes: Any) -> dict[str, Any]:
    pod, _, namespace = name.partition(".")
    row = {
        "name": name, "host": "h1", "pod_namespace": namespace, "pod_name": pod, "pod_uid": "u1", "interface": "eth0",
        "subnet": "blue", "mac": "0a:00:00:00:00:01", "addresses": ["10.0.0.2"], "netns": "",
    }  # fmt: skip
    return {**row, **changes}


SUBNET = {"name": "blue", "cidrs": ["10.0.0.0/24"], "gateways": ["10.0.0.1"], "mtu": 0, "host_routed": True}
HOST = {
    "name": "h1", "port": "node-h1", "mac": "0a:00:00:00:00:02", "addresses": ["100.64.0.2/16"],
    "gateways": ["100.64.0.1"], "mtu": 0,
}  # fmt: skip


def change(
    table: str, row: dict[str, Any], op: Literal["insert", "update", "delete"] = "insert", uuid: UUID | None = None
) -> RowChange:
    return RowChange(table, uuid or uuid4(), op, row)


def test_half_a_replica_never_shows(tmp_path: Path) -> None:
    first = View("h1")
    first.apply([change("Port", port_row("old.ns")), change("Host", HOST)])
    first.set_connected(True)
    save(tmp_path / "view.json", first.rows)

    view = View("h1", load(tmp_path / "view.json"))
    assert set(view.rows.ports) == {"old.ns"}
    assert view.rows.host == first.rows.host
    view.apply([change("Port", port_row("new.ns"))])
    assert set(view.rows.ports) == {"old.ns"}, "the replica is not whole yet"
    view.set_connected(True)
    assert set(view.rows.ports) == {"new.ns"}
    assert view.rows.host is None
    assert view.trusted


def test_updates_and_deletes_are_by_row_not_by_name() -> None:
    view, uuid = View("h1"), uuid4()
    view.set_connected(True)
    view.apply([change("Subnet", SUBNET), change("Port", port_row("a.ns"), uuid=uuid)])
    view.apply([change("Port", port_row("a.ns", pod_uid="u2"), "insert"), change("Port", {}, "delete", uuid)])
    assert view.rows.ports["a.ns"].pod_uid == "u2"


def test_emptied_database_does_not_show() -> None:
    view, uuid = View("h1"), uuid4()
    view.apply([change("Port", port_row("a.ns"), uuid=uuid)])
    view.set_connected(True)
    view.apply([change("Port", {}, "delete", uuid)])
    assert set(view.rows.ports) == {"a.ns"}
    assert view.emptied
    assert not view.trusted
    view.apply([change("Subnet", SUBNET)])
    assert not view.rows.ports
    assert view.trusted


def test_new_fabric_without_rows_is_no_alarm() -> None:
    view = View("h1")
    view.set_connected(True)
    assert view.trusted


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ports": [{}], "subnets": [], "host": null}'])
def test_file_that_cannot_be_used_is_an_empty_view(tmp_path: Path, text: str) -> None:
    (tmp_path / "view.json").write_text(text)
    assert load(tmp_path / "view.json") == EMPTY


def test_file_is_for_root_only(tmp_path: Path) -> None:
    save(tmp_path / "sub/view.json", EMPTY)
    assert (tmp_path / "sub/view.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["view.json"]


BEFORE = {"provider": "ovn", "default_route": True, "routes": (), "device_type": "veth"}


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        ({}, BEFORE),
        ({"provider": "", "default_route": False, "routes": [], "device_type": "veth"}, BEFORE),
        (
            {"provider": "n.d", "default_route": False, "routes": ["::/0 via fd00::1"], "device_type": "none"},
            {"provider": "n.d", "default_route": False, "routes": ("::/0 via fd00::1",), "device_type": "none"},
        ),
    ],
    ids=["schema of before", "controller of before", "now"],
)
def test_rows_of_before_are_of_a_pods_only_network(
    columns: dict[str, Any], fields: dict[str, Any], tmp_path: Path
) -> None:
    view = View("h1")
    view.apply([change("Port", port_row("a.ns", **columns))])
    view.set_connected(True)
    assert fields.items() <= asdict(view.rows.ports["a.ns"]).items()
    save(tmp_path / "view.json", view.rows)
    assert load(tmp_path / "view.json") == view.rows


GATEWAY = {
    "nat_outgoing": True, "egress_gateways": ["192.168.0.1"], "policy_table": [1000], "policy_priority": [1500],
    "gateway_hosts": ["h1"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        ({}, {"nat_outgoing": False, "policy_table": None, "gateway_hosts": ()}),
        ({"policy_table": [], "policy_priority": []}, {"policy_table": None, "policy_priority": None}),
        (GATEWAY, {"policy_table": 1000, "policy_priority": 1500, "egress_gateways": ("192.168.0.1",)}),
    ],
    ids=["schema of before", "without policy", "with policy"],
)
def test_gateway_columns_of_a_subnet(columns: dict[str, Any], fields: dict[str, Any], tmp_path: Path) -> None:
    view = View("h1")
    view.apply([change("Subnet", SUBNET | columns)])
    view.set_connected(True)
    assert fields.items() <= asdict(view.rows.subnets["blue"]).items()
    save(tmp_path / "view.json", view.rows)
    assert load(tmp_path / "view.json") == view.rows


def test_all_hosts_addresses_are_known_and_one_host_is_this_one(tmp_path: Path) -> None:
    view, uuid = View("h1"), uuid4()
    other = HOST | {"name": "h2", "own_addresses": ["192.0.2.2", "fd00::2"]}
    view.apply([change("Host", other, uuid=uuid), change("Host", HOST | {"own_addresses": ["192.0.2.1"]})])
    view.set_connected(True)
    assert view.rows.host is not None
    assert view.rows.host.name == "h1"
    assert view.rows.host_addresses == ("192.0.2.1", "192.0.2.2", "fd00::2")
    save(tmp_path / "view.json", view.rows)
    assert load(tmp_path / "view.json") == view.rows
    view.apply([change("Host", {}, "delete", uuid)])
    assert view.rows.host_addresses == ("192.0.2.1",)


def test_nat_rules_are_in_order(tmp_path: Path) -> None:
    view, uuid = View("h1"), uuid4()
    rule = {"subnet": "blue", "action": "nat", "sources": ["10.0.0.0/30"], "destinations": []}
    view.apply([change("Nat_Rule", rule | {"position": number}) for number in (2, 0)])
    view.apply([change("Nat_Rule", rule | {"position": 1}, uuid=uuid)])
    view.set_connected(True)
    assert [item.position for item in view.rows.nat_rules] == [0, 1, 2]
    view.apply([change("Nat_Rule", {}, "delete", uuid)])
    assert [item.position for item in view.rows.nat_rules] == [0, 2]
    save(tmp_path / "view.json", view.rows)
    assert load(tmp_path / "view.json") == view.rows


@pytest.mark.parametrize(
    ("interfaces", "asked", "found"),
    [
        (["eth0"], "eth0", "eth0"),
        (["eth0", "net1"], "net1", "net1"),
        ([""], "eth0", ""),
        (["", "net1"], "net1", "net1"),
        (["net1"], "eth0", None),
    ],
)
def test_port_is_found_by_pod_network_and_interface(interfaces: list[str], asked: str, found: str | None) -> None:
    view = View("h1")
    rows = [port_row(f"a{n}.ns", pod_name="a", provider="x", interface=name) for n, name in enumerate(interfaces)]
    others = [port_row("a.other", provider="x"), port_row("a.ns"), port_row("a.ns.y", pod_name="a", provider="y")]
    view.apply([change("Port", row) for row in [*others, *rows]])
    view.set_connected(True)
    port = view.find_port("ns", "a", "x", asked)
    assert (port.interface if port else None) == found


async def test_waiting_is_by_event() -> None:
    view = View("h1")
    view.set_connected(True)

    def wanted() -> Port | None:
        return view.rows.ports.get("a.ns")

    waiter = asyncio.create_task(view.wait_for(wanted, 5))
    await asyncio.sleep(0)
    view.apply([change("Port", port_row("b.ns"))])
    await asyncio.sleep(0)
    assert not waiter.done()
    view.apply([change("Port", port_row("a.ns"))])
    assert (await waiter).name == "a.ns"
    with pytest.raises(TimeoutError):
        await view.wait_for(lambda: None, 0.01)
