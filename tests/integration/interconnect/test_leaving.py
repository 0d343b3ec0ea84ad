"""A zone leaves for good while others stay joined: with its ovn-ic stopped, `interconnect_cleanup` removes the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.interconnect.conftest import Zone, eventually
from tests.support.module import run_module

Zones = tuple[Zone, Zone]


def clean(zone: Zone, *, check: bool = False, **options: Any) -> dict[str, Any]:
    remotes = {
        "northbound": zone.ovn.northbound,
        "southbound": zone.ovn.southbound,
        "ic_southbound": zone.joined.southbound,
        "timeout": 2,
    }
    return run_module("interconnect_cleanup", check=check, **{**remotes, **options})


@pytest.fixture
def left(zones: Zones) -> Iterator[Zones]:
    """Two joined zones with a gateway each. Then the second is off its transit switch and has no ovn-ic any more."""
    for zone in zones:
        chassis = f"gw{zone.number}"
        zone.ovn.sbctl("chassis-add", chassis, "geneve", f"192.0.2.{zone.number}", "--", "set", "Chassis", chassis,
                       "other_config:is-interconn=true")  # fmt: skip
        zone.join(zone.item())
    _az1, az2 = zones
    eventually(lambda: "gw1" in az2.ovn.sbctl("show") and az2.routes())
    az2.made(state="overridden")
    daemon = next(daemon for daemon in az2.ovn.daemons if daemon.name == "ovn-ic")
    daemon.kill()
    yield zones
    az2.joined.start_ic(az2.ovn)
    for zone in zones:
        zone.ovn.sbctl("--if-exists", "chassis-del", f"gw{zone.number}")
        zone.made(state="overridden")
    eventually(lambda: "gw" not in az2.joined.sbctl("show"))


def test_nothing_is_left_of_the_interconnection(left: Zones) -> None:
    az1, az2 = left
    rows = {
        "zone": "az2",
        "Logical_Switch": ["ts1"],
        "Chassis": ["gw1"],
        "Gateway": ["gw2"],
        "Availability_Zone": ["az2"],
    }
    told = clean(az2, check=True)
    assert (told["changed"], told["removed"]) == (True, rows)
    assert "ts1" in az2.switches(), "check mode writes nothing"

    done = clean(az2)
    assert (done["changed"], done["removed"]) == (True, rows)
    assert "ts1" not in az2.switches()
    assert "blue" in az2.switches(), "what is not of the interconnection stays"
    assert "gw1" not in az2.ovn.sbctl("show")
    assert "gw2" in az2.ovn.sbctl("show")
    assert "az2" not in az1.joined.sbctl("show")
    eventually(lambda: "gw2" not in az1.ovn.sbctl("show"))
    assert "az1" in az1.joined.sbctl("show")
    again = clean(az2)
    assert (again["changed"], again["removed"]) == (False, {})


def test_an_interconnection_that_is_away(left: Zones) -> None:
    _az1, az2 = left
    result = clean(az2, ic_southbound="unix:/nowhere")
    assert "OVN_IC_Southbound: cannot connect to unix:/nowhere" in result["msg"]
    assert "ts1" in az2.switches()
