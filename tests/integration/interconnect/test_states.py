"""The module `interconnects` on real databases with real ovn-ic: each state, and what zones then see of each other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.interconnect.conftest import Zone, eventually

Zones = tuple[Zone, Zone]
LEARNED = {
    1: ["10.12.0.0/16 169.254.1.2", "fd00:12::/64 fd00:a9fe:1::2"],
    2: ["10.11.0.0/16 169.254.1.1", "fd00:11::/64 fd00:a9fe:1::1"],
}


def both(zones: Zones) -> None:
    for zone in zones:
        zone.join(zone.item())
    for zone in zones:
        eventually(lambda zone=zone: zone.routes() == LEARNED[zone.number])  # type: ignore[misc]


def test_two_zones_are_joined_and_taken_apart(zones: Zones) -> None:
    az1, az2 = zones
    both(zones)
    for destination in ("10.12.0.7", "fd00:12::7"):
        assert 'output("ts1-az2")' in az1.traced(destination)

    assert az1.made({"name": "ts1"}, state="deleted")["changes"] == [{"name": "ts1", "action": "deleted"}]
    eventually(lambda: not az2.routes())
    assert not az1.routes(), "ovn-ic forgets a router without ports, with the routes that it gave it"
    assert az1.joined.nbctl("show"), "az2 is still on the transit switch"
    assert "ts1-az2" not in az1.traced("10.12.0.7")

    az2.made(state="overridden")
    eventually(lambda: "ts1" not in az1.switches() + az2.switches())
    assert not az1.joined.nbctl("show")


def test_databases_that_were_lost_are_filled_again(zones: Zones) -> None:
    """What they hold is what zones' lists say and what ovn-ic makes of it: an empty interconnection is no loss."""
    both(zones)
    joined = zones[0].joined
    joined.nbctl("ts-del", "ts1")
    for table in ("Route", "Port_Binding", "Gateway", "Datapath_Binding", "Availability_Zone"):
        joined.sbctl("--all", "destroy", table)
    eventually(lambda: not any("ts1" in zone.switches() for zone in zones))
    assert zones[0].join(zones[0].item())["changes"] == [{"name": "ts1", "action": "changed"}]
    both(zones)


def test_what_is_as_asked_is_not_written(zones: Zones) -> None:
    az1, _az2 = zones
    first = az1.join(az1.item())
    assert first["changed"]
    assert first["zone"]["before"] == {}
    before = _rows(az1)
    for state in ("merged", "replaced", "overridden"):
        again = az1.join(az1.item(), state=state)
        assert (again["changed"], again["changes"], again["before"] == again["after"]) == (False, [], True), state
    found = az1.made(state="gathered")
    given_back = az1.made(*found["gathered"], zone=found["zone"], state="overridden")
    assert not given_back["changed"]
    assert _rows(az1) == before


def _rows(zone: Zone) -> list[Any]:
    """What the module writes; northd and ovn-ic write other columns when it suits them."""
    tables = {
        "Logical_Router_Port": "_uuid,name,mac,networks,gateway_chassis,external_ids",
        "Logical_Switch_Port": "_uuid,name,type,addresses,external_ids",
        "Gateway_Chassis": "_uuid,name,chassis_name,priority",
        "Logical_Router_Policy": "_uuid,priority,match,action",
        "NB_Global": "name",
    }
    command = ("--format=json", "list")
    return [
        sorted(json.loads(zone.ovn.nbctl(f"--columns={columns}", *command, table))["data"])
        for table, columns in tables.items()
    ]


def test_check_mode_tells_and_writes_nothing(zones: Zones) -> None:
    az1, _az2 = zones
    before = _rows(az1)
    told = az1.join(az1.item(), check=True)
    assert told["changes"] == [{"name": "ts1", "action": "created"}]
    assert told["diff"]["after"]["zone"] == {"name": "az1", "advertise": True, "learn": True}
    assert _rows(az1) == before
    assert not az1.joined.nbctl("show")
    az1.join(az1.item())
    before = _rows(az1)
    assert az1.made({"name": "ts1"}, state="deleted", check=True)["changed"]
    assert _rows(az1) == before


def test_merged_keeps_what_is_not_given_and_replaced_does_not(zones: Zones) -> None:
    az1, _az2 = zones
    az1.join(az1.item(), zone={"name": "az1", "advertise": True, "learn": True, "denylist": ["100.64.0.0/16"]})
    az1.join(az1.item("ts2", routers=None))
    merged = az1.made({"name": "ts1"}, zone={"learn": False})
    assert merged["changes"] == []
    assert merged["zone"]["after"] == {
        "name": "az1",
        "advertise": True,
        "learn": False,
        "denylist": ["100.64.0.0/16"],
    }
    replaced = az1.made({"name": "ts1"}, zone={"name": "az1", "advertise": True}, state="replaced")
    assert replaced["changes"] == [{"name": "ts1", "action": "changed"}]
    assert "routers" not in replaced["after"][0]
    assert replaced["after"][0]["cidrs"] == az1.item()["cidrs"]
    assert replaced["zone"]["after"] == {"name": "az1", "advertise": True}
    assert "az1-ts1" not in az1.ovn.nbctl("show")
    assert [item["name"] for item in az1.made(state="gathered")["gathered"]] == ["ts1", "ts2"]


def test_overridden_and_deleted_remove_exactly_what_is_ours(zones: Zones) -> None:
    """A transit switch of somebody else stays, with the port that an operator made on it."""
    az1, az2 = zones
    az1.joined.nbctl("ts-add", "theirs")
    az1.join(az1.item(), az1.item("ts2"))
    az2.join(az2.item(), az2.item("ts2"))
    eventually(lambda: "theirs" in az1.switches())
    az1.ovn.nbctl("lrp-add", "shop", "shop-theirs", "0a:00:00:00:09:01", "169.254.9.1/24", "--",
                  "lsp-add", "theirs", "theirs-shop", "--", "lsp-set-type", "theirs-shop", "router", "--",
                  "lsp-set-options", "theirs-shop", "router-port=shop-theirs")  # fmt: skip
    az1.join({"name": "theirs", "cidrs": ["169.254.9.0/24"]})
    try:
        result = az1.made(az1.item("ts2"), state="overridden")
        assert result["changes"] == [{"name": name, "action": "deleted"} for name in ("theirs", "ts1")]
        shown = az1.ovn.nbctl("show")
        assert "theirs-shop" in shown
        assert "az1-ts2" in shown
        assert "az1-ts1" not in shown
        transit = az1.joined.nbctl("show")
        assert "theirs" in transit
        assert "ts1" in transit, "az2 is on it"
        assert "weft" not in az1.joined.nbctl("get", "Transit_Switch", "theirs", "external_ids")
    finally:
        az1.joined.nbctl("ts-del", "theirs")
        az1.ovn.nbctl("lrp-del", "shop-theirs")


def test_a_change_reaches_the_other_zone(zones: Zones) -> None:
    az1, az2 = zones
    both(zones)
    ids = az1.ovn.nbctl("--bare", "--columns=_uuid", "find", "Logical_Router_Port", "name=az1-ts1")
    router = {**az1.item()["routers"][0], "addresses": ["169.254.1.9"], "gateways": [
        {"chassis": "gw9", "priority": 20}, {"chassis": "gw1", "priority": 10}]}  # fmt: skip
    changed = az1.made({"name": "ts1", "routers": [router]})
    assert changed["changes"] == [{"name": "ts1", "action": "changed"}]
    eventually(lambda: az2.routes() == ["10.11.0.0/16 169.254.1.9"])
    assert az1.ovn.nbctl("--bare", "--columns=_uuid", "find", "Logical_Router_Port", "name=az1-ts1") == ids
    assert az1.ovn.nbctl("lrp-get-gateway-chassis", "az1-ts1").split() == ["az1-ts1-gw9", "20", "az1-ts1-gw1", "10"]


def test_several_transit_switches_are_several_paths(zones: Zones) -> None:
    for zone in zones:
        zone.join(zone.item(), zone.item("ts2"))
    az1, _az2 = zones
    eventually(lambda: len(az1.routes()) == 4)
    assert {"10.12.0.0/16 169.254.1.2", "10.12.0.0/16 169.254.2.2"} <= set(az1.routes())
    assert "ecmp" in az1.ovn.nbctl("lr-route-list", "ovn-cluster")
    az1.made({"name": "ts2"}, state="deleted")
    eventually(lambda: az1.routes() == LEARNED[1])


def test_a_vpc_of_its_own_and_what_was_taken_away(zones: Zones) -> None:
    """Ports of other routers have the router's name; the policy is for the default VPC, whose packets else leave."""
    az1, _az2 = zones
    shop = {**az1.item()["routers"][0], "name": "shop", "addresses": ["169.254.1.20"]}
    az1.join(az1.item(routers=[*az1.item()["routers"], shop]))
    shown = az1.ovn.nbctl("show")
    assert all(port in shown for port in ("az1-ts1-shop", "ts1-az1-shop", "ts1-az1"))
    assert az1.ovn.nbctl("--bare", "--columns=match", "find", "Logical_Router_Policy") == 'outport == "az1-ts1"'
    for command in (("lsp-del", "ts1-az1-shop"), ("lrp-del", "az1-ts1"), ("lr-policy-del", "ovn-cluster")):
        az1.ovn.nbctl(*command)
        repaired = az1.join(az1.item(routers=[*az1.item()["routers"], shop]))
        assert repaired["changes"] == [{"name": "ts1", "action": "changed"}], command
        assert not az1.join(az1.item(routers=[*az1.item()["routers"], shop]))["changed"], command


def test_routes_that_are_denied_are_not_exchanged(zones: Zones) -> None:
    az1, az2 = zones
    az1.join(az1.item())
    az2.join(az2.item(), zone={"name": "az2", "advertise": True, "learn": True, "denylist": ["10.11.0.0/16"]})
    eventually(lambda: az2.routes() == LEARNED[2][1:])
    az2.made(zone={"name": "az2", "advertise": False, "learn": True}, state="replaced")
    eventually(lambda: az2.routes() == LEARNED[2] and not az1.routes())


def test_rendered_asks_nobody(zones: Zones) -> None:
    az1, _az2 = zones
    nowhere = dict.fromkeys(("northbound", "ic_northbound", "ic_southbound"), "unix:/nowhere")
    rows = az1.made(az1.item(), zone={"name": "az1"}, state="rendered", **nowhere)["rendered"]
    tables = [
        "Transit_Switch",
        "Logical_Router_Port",
        "Logical_Switch_Port",
        "Logical_Router_Policy",
        "Gateway_Chassis",
    ]
    assert [row["table"] for row in rows] == tables
    assert rows[1]["networks"] == ["169.254.1.1/24", "fd00:a9fe:1::1/64"]


@pytest.mark.parametrize("gateway", [True, False])
def test_wait_says_what_is_missing(zones: Zones, gateway: bool) -> None:
    az1, _az2 = zones
    if gateway:
        az1.ovn.sbctl("chassis-add", "gw1", "geneve", "192.0.2.1", "--", "set", "Chassis", "gw1",
                      "other_config:is-interconn=true")  # fmt: skip
    az1.join()
    try:
        if gateway:
            az1.made(az1.item())
            az1.ovn.nbctl("--wait=sb", "sync")
            az1.ovn.sbctl("lsp-bind", "cr-az1-ts1", "gw1")
        result = az1.run(az1.item(routers=az1.item()["routers"][:1]), wait=True, wait_timeout=1)
        if gateway:
            assert not result.get("failed")
        else:
            assert "Interconnect: not ready within 1 s: ts1: port ts1-az1 has no gateway yet" in result["msg"]
    finally:
        if gateway:
            az1.ovn.sbctl("chassis-del", "gw1")
