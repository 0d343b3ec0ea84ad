"""Two zones of one interconnection: real databases, northd and ovn-ic, and no hosts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.collection import alias
from tests.support.interconnect import Interconnection
from tests.support.module import run_module
from tests.support.ovn import OvnSandbox

alias()


def eventually(condition: Callable[[], object], within: float = 10) -> None:
    """Until it holds: ovn-ic sends tests no events."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.05)


@dataclass
class Zone:
    """One zone, and the module run for it."""

    number: int
    ovn: OvnSandbox
    joined: Interconnection

    @property
    def name(self) -> str:
        return f"az{self.number}"

    def build(self) -> None:
        """A default VPC with a subnet of both families and a workload."""
        number, nb = self.number, self.ovn.nbctl
        nb("lr-add", "ovn-cluster", "--", "lr-add", "shop", "--", "ls-add", "blue")
        nb("lrp-add", "ovn-cluster", "ovn-cluster-blue", f"0a:00:00:00:0{number}:01", f"10.1{number}.0.1/16",
           f"fd00:1{number}::1/64", "--", "lsp-add", "blue", "blue-ovn-cluster", "--",
           "lsp-set-type", "blue-ovn-cluster", "router", "--", "lsp-set-addresses", "blue-ovn-cluster", "router", "--",
           "lsp-set-options", "blue-ovn-cluster", "router-port=ovn-cluster-blue")  # fmt: skip
        nb("lsp-add", "blue", "w", "--", "lsp-set-addresses", "w",
           f"0a:00:00:00:0{number}:07 10.1{number}.0.7 fd00:1{number}::7")  # fmt: skip

    def run(self, *config: dict[str, Any], check: bool = False, **options: Any) -> dict[str, Any]:
        """The module's result for a list."""
        remotes = {**self.joined.remotes(self.ovn), "timeout": 10}
        return run_module("interconnects", check=check, **{**remotes, "config": list(config), **options})

    def made(self, *config: dict[str, Any], **options: Any) -> dict[str, Any]:
        result = self.run(*config, **options)
        assert not result.get("failed"), result["msg"]
        return result

    def join(self, *config: dict[str, Any], **options: Any) -> dict[str, Any]:
        """The zone exchanges routes by these."""
        zone = {"name": self.name, "advertise": True, "learn": True}
        return self.made(*config, **{"zone": zone, **options})

    def item(self, name: str = "ts1", **fields: Any) -> dict[str, Any]:
        """The zone on a transit switch, as the zone's number says."""
        third = name.removeprefix("ts")
        router = {
            "name": "ovn-cluster",
            "addresses": [f"169.254.{third}.{self.number}", f"fd00:a9fe:{third}::{self.number}"],
            "gateways": [{"chassis": f"gw{self.number}"}],
        }
        return {
            "name": name,
            "cidrs": [f"169.254.{third}.0/24", f"fd00:a9fe:{third}::/64"],
            "routers": [router],
            **fields,
        }

    def routes(self, router: str = "ovn-cluster") -> list[str]:
        """What the router has learned: prefix and next hop."""
        lines = self.ovn.nbctl("lr-route-list", router).splitlines()
        return sorted(" ".join(line.split()[:2]) for line in lines if "(learned" in line)

    def switches(self) -> str:
        return self.ovn.nbctl("--bare", "--columns=name", "list", "Logical_Switch")

    def traced(self, destination: str) -> str:
        """Where a packet of the workload would go."""
        family = "ip6" if ":" in destination else "ip4"
        self.ovn.nbctl("--wait=sb", "sync")
        port = f"0a:00:00:00:0{self.number}"
        source = f"fd00:1{self.number}::7" if family == "ip6" else f"10.1{self.number}.0.7"
        flow = (
            f'inport == "w" && eth.src == {port}:07 && eth.dst == {port}:01 && ip.ttl == 64 && '
            f"{family}.src == {source} && {family}.dst == {destination}"
        )
        return self.ovn.trace("blue", flow, "--minimal")


@pytest.fixture(scope="module")
def started() -> Iterator[tuple[Zone, Zone]]:
    with Interconnection() as joined:
        zones = Zone(1, joined.zone(), joined), Zone(2, joined.zone(), joined)
        for zone in zones:
            zone.build()
        yield zones


@pytest.fixture
def zones(started: tuple[Zone, Zone]) -> Iterator[tuple[Zone, Zone]]:
    """Two zones that have nothing to do with each other, also after the test."""
    yield started
    for zone in started:
        zone.made(state="overridden")
        zone.ovn.nbctl("set", "NB_Global", ".", 'name=""')
    joined = started[0].joined
    eventually(lambda: not joined.nbctl("show") and not joined.sbctl("show"))


@pytest.fixture
def untouched(started: tuple[Zone, Zone]) -> Iterator[tuple[Zone, Zone]]:
    """Two zones to which the test does nothing."""
    yield started
    assert not started[0].joined.nbctl("show")
    assert not started[0].ovn.nbctl("get", "NB_Global", ".", "name").strip('"')
