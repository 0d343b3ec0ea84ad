"""A host of the sandbox whose Open vSwitch is the build with DPDK, told what `dpdk_layout` computes."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils.dpdk import layout, problems, rows
from plugins.module_utils.dpdk.machine import Machine
from plugins.module_utils.sriov import Kernel
from plugins.modules import ovsdb_rows
from tests.support.dpdk import wish
from tests.support.ovn import CACHE, Daemon, OvsHost, available, namespace_command, run

EMPTY: dict[str, Any] = {
    "match": {},
    "values": {},
    "keys": {},
    "elements": {},
    "insert": {},
    "id": None,
    "state": "present",
}


def needed_programs() -> Path:
    """The folder of Open vSwitch with DPDK; without it the test is skipped."""
    if not available():
        pytest.skip("needs root and the reference OVN (make tools)")
    made = sorted(CACHE.glob("ovs-dpdk-*/bin/ovs-vswitchd-dpdk"))
    if not made:
        pytest.skip("needs Open vSwitch with DPDK (make test-tools)")
    return made[-1].parents[1]


def apply(host: OvsHost, *specs: dict[str, Any]) -> dict[str, int]:
    """Give rows to the host's database as the module `ovsdb_rows` does; how many were inserted and changed."""
    plans: list[Any] = []
    described = [{**EMPTY, **spec} for spec in specs]
    parameters = {
        "socket": host.remote.removeprefix("unix:"),
        "database": "Open_vSwitch",
        "rows": described,
        "schema": None,
    }
    ovsdb_rows.attempt(parameters, plans, True)
    return dict(plans[0].count())


class Dpdk:
    """A host whose vswitchd is the build with DPDK, told what the layout says."""

    def __init__(self, host: OvsHost, programs: Path, wished: dict[str, Any]) -> None:
        self.host, self.programs = host, programs
        arguments = ["-d", str(programs / "pmds"), "--file-prefix", host.name]
        self.wish = wish(**{"pci": False, "hugepages": False, "per_port_memory": True, "memory": [256], **wished})
        self.wish["extra"] = arguments + self.wish["extra"]
        machine = Machine(Kernel())
        assert problems.problems(machine, self.wish) == []
        self.plan = layout.plan(machine, self.wish)

    def start(self) -> None:
        threads = {"pmd-cpu-mask": self.plan["pmd_cpu_mask"], "pmd-sleep-max": "500"}
        keys = {"other_config": {**self.plan["start_config"], **threads}}
        apply(self.host, {"table": "Open_vSwitch", "keys": keys})
        if "ovs-vswitchd" in self.host.daemons:
            self.host.daemons["ovs-vswitchd"].kill()
        rundir = self.host.rundir
        pidfile = rundir / "ovs-vswitchd.pid"
        run(
            *namespace_command(self.host.ns),
            str(self.programs / "bin/ovs-vswitchd-dpdk"),
            self.host.remote,
            *("--disable-system", "--detach", "--no-chdir", "-vconsole:off"),
            *(f"--pidfile={pidfile}", f"--log-file={rundir}/ovs-vswitchd.log"),
            env={"OVS_RUNDIR": str(rundir), "RUNTIME_DIRECTORY": str(rundir)},
            timeout=60,
        )
        self.host.daemons["ovs-vswitchd"] = Daemon("ovs-vswitchd", pidfile, rundir)
        self.host.sandbox.daemons.append(self.host.daemons["ovs-vswitchd"])
        self.settle()

    def settle(self) -> None:
        """Wait until the switch is what its database says, as whoever changes something by ovs-vsctl does."""
        self.host.vsctl("set", "Open_vSwitch", ".", f"external_ids:settled={time.monotonic_ns()}")

    def give_ports(self) -> dict[str, int]:
        count = apply(self.host, *rows.all_rows(self.wish["ports"], self.wish["vhosts"], self.plan["interfaces"]))
        self.settle()
        return count


def ping(host: OvsHost, target: str, *, tries: int = 20) -> None:
    """The first packets of a new path may be lost."""
    command = [*namespace_command(host.ns), "ping", "-c", "3", "-i", "0.2", "-W", "1", target]
    for _ in range(tries):
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        if " 0% packet loss" in said:
            return
    raise AssertionError(said)
