"""Two zones of OVN-IC on real hosts: joined and taken apart by the module `interconnects` alone, with packets across.

The lab is one zone and has the interconnection's databases on its three members; the other zone is a host that is made
for these tests and removed after them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from tests.lab.conftest import Host, Lab
from tests.lab.zones import INTERCONNECTS, UNITS, Workload, Zone, both, near_and_far, settle, unsettle
from tests.support.pings import Pings, Way

Eventually = Callable[..., None]
STATUS = "ovn-appctl -t /run/ovn/ovn_ic_nb_db.ctl cluster/status OVN_IC_Northbound"
REMOVE = "playbooks/remove_interconnect.yml"
# Units, files, tables of the packet filter, processes and packages of an interconnection on a host.
LEFT = (
    "{ ls /etc/systemd/system /var/lib/ovn /run/ovn /etc/weft /etc/weft/raft; nft list tables; ps -e -o args;"
    " ovs-vsctl get Open_vSwitch . external_ids; dpkg --get-selections | grep -w install; }"
    " | grep -i -E 'ovn[-_]ic|interconn' | grep -v grep"
)


@dataclass(frozen=True)
class Zones:
    near: Zone
    far: Zone
    one: Workload
    other: Workload
    before: list[str]

    def __iter__(self) -> Iterator[Zone]:
        return iter((self.near, self.far))

    def ways(self) -> list[Way]:
        """Each workload to the other, by both families."""
        return [*self.one.ways(self.other), *self.other.ways(self.one)]


@pytest.fixture(scope="module")
def zones(lab: Lab) -> Iterator[Zones]:
    near, far = near_and_far(lab)
    began = time.monotonic()
    with ExitStack() as undone:
        undone.callback(far.run, "playbooks/lab_destroy.yml")
        far.play("playbooks/lab_create.yml")
        far.play("playbooks/site.yml")
        undone.callback(unsettle, near)
        ends = settle(near, far)
        before = [zone.shown() for zone in (near, far)]
        made = time.monotonic()
        undone.callback(forsake, near)
        both((near, far), "playbooks/interconnect.yml")
        print(f"the other zone: {made - began:.0f} s; databases and ovn-ic: {time.monotonic() - made:.0f} s")
        yield Zones(near, far, *ends, before)


def forsake(zone: Zone) -> None:
    """The lab is no zone any more, whatever tests have left."""
    if zone.seat.run("test -e /etc/systemd/system/ovn-ic.service", check=False).ok:
        zone.run(REMOVE, ovn_interconnect_remove_databases=True)


def changes(zones: Zones, **variables: Any) -> list[int]:
    """How many the module makes, run for both zones at once."""
    plays = both(zones, INTERCONNECTS, **variables)
    return [found.changed[zone.seat.name] for zone, found in zip(zones, plays, strict=True)]


def test_the_second_run_of_the_playbook_changes_nothing(zones: Zones) -> None:
    first, second = both(zones, "playbooks/interconnect.yml")
    assert {**first.changed, **second.changed} == dict.fromkeys(("lab1", "lab2", "lab3", "far1"), 0)


def test_two_zones_are_joined(zones: Zones, eventually: Eventually) -> None:
    assert not any(way.answers() for way in zones.ways())
    told = zones.near.play(INTERCONNECTS, "--check", "--diff")
    assert told.changed == {"lab1": 1}
    assert '"name": "ts1"' in told.text
    assert "ts1" not in zones.near.shown()

    began = time.monotonic()
    assert [zone.interconnects() for zone in zones] == [1, 1]
    joined = time.monotonic()
    for way in zones.ways():
        eventually(way.answers, within=30, what=f"{way.host.name} reaches {way.address}")
    print(f"joined by two plays in {joined - began:.1f} s, packets {time.monotonic() - joined:.1f} s after that")
    assert changes(zones) == [0, 0]


@pytest.fixture
def dead(zones: Zones) -> Iterator[Host]:
    """The leader of the interconnection's databases, which is stopped by the test and runs again after it."""
    found = next(host for host in zones.near.lab if "Role: leader" in host.run(STATUS).stdout)
    yield found
    found.run(["systemctl", "start", *UNITS])


def test_zones_are_taken_apart_while_a_member_of_the_databases_is_dead(
    zones: Zones, dead: Host, eventually: Eventually
) -> None:
    with Pings(zones.one.ways(zones.other)[0]) as pings:
        dead.run(["systemctl", "stop", *UNITS])
        assert zones.near.interconnects() == 0
    print(f"the leader of the interconnection's databases dies: {pings.loss}")
    assert pings.loss.gap < 1, "who joins zones does not carry their packets"

    assert zones.far.interconnects("--check", state="deleted") == 1
    assert zones.far.learned()
    assert zones.far.interconnects(state="deleted") == 1
    eventually(lambda: not any(zone.learned() for zone in zones), within=10, what="no zone has a route to the other")
    assert not any(way.answers() for way in zones.ways())
    assert zones.near.interconnects(interconnects=[]) == 1
    eventually(
        lambda: "ts1" not in "".join(zone.shown() for zone in zones), within=10, what="ovn-ic takes the switch away"
    )
    assert changes(zones, interconnects=[]) == [0, 0]


@pytest.mark.skipif(not os.environ.get("WEFT_SLOW"), reason="make test-lab-slow: three runs of a role")
def test_a_zone_leaves_for_good_while_another_stays(zones: Zones, eventually: Eventually) -> None:
    far = zones.far
    assert far.play(REMOVE, "--check").changed["far1"] > 0
    assert "az2" in far.shown(), "check mode changes nothing"
    far.play(REMOVE)
    gone(far, zones.before[1], eventually)
    assert "az1" in zones.near.shown()
    assert far.play(REMOVE).changed == {"far1": 0}


def test_nothing_is_left_of_the_interconnection(zones: Zones, eventually: Eventually) -> None:
    near, options = zones.near, {"ovn_interconnect_remove_databases": True}
    near.play(REMOVE, **options)
    gone(near, zones.before[0], eventually)
    assert near.play(REMOVE, **options).changed == dict.fromkeys(("lab1", "lab2", "lab3"), 0)


def gone(zone: Zone, before: str, eventually: Eventually) -> None:
    eventually(lambda: zone.shown() == before, within=10, what="the zone's databases are as before")
    assert not any(result.stdout for result in zone.lab.on_all(LEFT, check=False).values())
