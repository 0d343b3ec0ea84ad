"""The lab as one zone of an interconnection, and one more host as another, by the playbooks of docs/interconnect.md."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.conftest import CHECKOUT, LAB, Host, Lab
from tests.lab.workloads import add, namespace, netns, remove
from tests.support.pings import Way
from tests.support.play import Play, play

NAME = "zones"
INTERCONNECTS = "docs/examples/zones/playbook.yml"
SUBNET = {
    "apiVersion": "kubeovn.io/v1",
    "kind": "Subnet",
    "metadata": {"name": NAME},
    "spec": {"cidrBlock": "10.201.0.0/16,fd00:10:201::/112", "namespaces": [NAME]},
}
# On a machine that is busy with other things a bare host takes ten minutes.
TIMEOUT = 1500
UNITS = ("ovn-ic-ovsdb-server-nb", "ovn-ic-ovsdb-server-sb")


@dataclass(frozen=True)
class Zone:
    """A fabric with its inventory; `seat` is a member of its databases."""

    lab: Lab
    inventory: Path
    seat: Host

    def run(self, path: str, *arguments: str, **variables: Any) -> Play:
        return play(path, *arguments, variables=variables, inventory=self.inventory, timeout=TIMEOUT)

    def play(self, path: str, *arguments: str, **variables: Any) -> Play:
        """As `run`, for what has to succeed."""
        return self.run(path, *arguments, **variables).succeeded()

    def interconnects(self, *arguments: str, **variables: Any) -> int:
        """Run the module as an operator does; the number of changes."""
        return self.play(INTERCONNECTS, *arguments, **variables).changed[self.seat.name]

    def learned(self) -> str:
        lines = self.seat.run("ovn-nbctl --no-leader-only lr-route-list ovn-cluster").stdout.splitlines()
        return "\n".join(line for line in lines if "(learned" in line)

    def shown(self) -> str:
        """What of other zones, and of transit switches, is in the databases."""
        script = (
            "ovn-nbctl --no-leader-only --bare --columns=name list Logical_Switch;"
            " ovn-nbctl --no-leader-only --bare --columns=name list Logical_Router_Port;"
            " ovn-nbctl --no-leader-only --bare --columns=name,options list NB_Global;"
            " ovn-sbctl --no-leader-only --db=unix:/run/ovn/ovnsb_db.sock --bare --columns=name list Chassis"
        )
        return "\n".join(sorted(self.seat.run(script).stdout.splitlines()))

    def workload(self, name: str, host: str) -> Workload:
        """One on a host, with an address of each family."""
        add(self.lab, NAME, name, host, through=self.seat.name, timeout=60)
        inside = netns(self.lab, NAME, name, through=self.seat.name)
        links = json.loads(self.lab[host].run(f"ip -n {inside} -json address show dev eth0").stdout)
        addresses = [item["local"] for item in links[0]["addr_info"] if item["scope"] == "global"]
        return Workload(self.lab[host], inside, addresses)


@dataclass(frozen=True)
class Workload:
    host: Host
    netns: str
    addresses: list[str]

    def ways(self, other: Workload) -> list[Way]:
        return [Way(self.host, self.netns, address) for address in other.addresses]


def near_and_far(lab: Lab) -> tuple[Zone, Zone]:
    folder = CHECKOUT / "inventories"
    other = "-".join(filter(None, ("zone2", LAB)))
    far = Lab({"far1": Host("far1", other)})
    return Zone(lab, folder / "zone1", lab["lab1"]), Zone(far, folder / "zone2", far["far1"])


def both(zones: Iterable[Zone], path: str, *arguments: str, **variables: Any) -> list[Play]:
    """Run a playbook for all zones at once."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda zone: zone.play(path, *arguments, **variables), zones))


def settle(near: Zone, far: Zone) -> tuple[Workload, Workload]:
    """A workload in each zone: in the lab on a host that is no gateway."""
    near.seat.run(["weftctl", "apply", "-f", "-"], stdin=json.dumps(SUBNET))
    for zone in (near, far):
        namespace(zone.lab, NAME, through=zone.seat.name)
    return near.workload("near", "lab3"), far.workload("far", "far1")


def unsettle(near: Zone) -> None:
    """The lab's own part; the other zone goes with its host."""
    remove(near.lab, NAME)
    near.seat.run(["weftctl", "delete", "subnet", NAME])
