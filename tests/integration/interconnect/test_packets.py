"""Packets between two zones that the module alone joins: both families, a gateway that dies, and none afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.integration.interconnect.conftest import Zone, eventually
from tests.support.interconnect import Interconnection
from tests.support.ovn import OvsHost
from tests.support.zone_hosts import Underlay, Workload


@dataclass
class Joined:
    """Zone 1 with a workload's host and two gateways, zone 2 with one host of everything."""

    zones: tuple[Zone, Zone]
    hosts: dict[str, OvsHost]
    near: Workload
    far: Workload

    def both_reach(self) -> bool:
        return all(
            workload.reaches(address)
            for workload, number in ((self.near, 2), (self.far, 1))
            for address in (f"10.1{number}.0.7", f"fd00:1{number}::7")
        )

    def gateway(self, port: str) -> str:
        """The chassis that other zones send packets for this port to."""
        shown = self.zones[0].joined.sbctl("--format=json", "--columns=gateway", "find", "Port_Binding",
                                           f"logical_port={port}")  # fmt: skip
        return "".join(row[0] for row in json.loads(shown)["data"])


@pytest.fixture
def joined() -> Iterator[Joined]:
    with Interconnection() as shared:
        zones = Zone(1, shared.zone(), shared), Zone(2, shared.zone(), shared)
        for zone in zones:
            zone.build()
        under = Underlay(shared.shared)
        hosts = {
            name: under.host(zones[number - 1].ovn, name, interconn=interconn)
            for name, number, interconn in (("h1", 1, False), ("g1a", 1, True), ("g1b", 1, True), ("h2", 2, True))
        }
        ends = []
        for zone, host in zip(zones, ("h1", "h2"), strict=True):
            number = zone.number
            places = (f"10.1{number}.0.7/16", f"10.1{number}.0.1"), (f"fd00:1{number}::7/64", f"fd00:1{number}::1")
            ends.append(Workload(zone.ovn, hosts[host], "w", f"0a:00:00:00:0{number}:07", *places))
        yield Joined(zones, hosts, *ends)


def test_packets_go_from_zone_to_zone(joined: Joined) -> None:
    az1, az2 = joined.zones
    assert not joined.near.reaches("10.12.0.7")

    gateways = [{"chassis": "g1a"}, {"chassis": "g1b"}]
    az1.join(az1.item(routers=[{**az1.item()["routers"][0], "gateways": gateways}]), wait=True, wait_timeout=30)
    az2.join(
        az2.item(routers=[{**az2.item()["routers"][0], "gateways": [{"chassis": "h2"}]}]), wait=True, wait_timeout=30
    )
    eventually(joined.both_reach, 30)
    assert joined.gateway("ts1-az1") == "g1a"

    for daemon in joined.hosts["g1a"].daemons.values():
        daemon.kill()
    eventually(lambda: joined.gateway("ts1-az1") == "g1b", 30)
    eventually(joined.both_reach, 30)

    for zone in (az1, az2):
        zone.made(state="overridden")
    eventually(lambda: not any(zone.routes() for zone in joined.zones))
    for workload, number in ((joined.near, 2), (joined.far, 1)):
        assert not workload.reaches(f"10.1{number}.0.7")
        assert not workload.reaches(f"fd00:1{number}::7")
