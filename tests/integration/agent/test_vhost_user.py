"""A pod's vhost-user socket with packets behind it: Open vSwitch with DPDK here, a program with DPDK there.

The program is one more Open vSwitch whose port is DPDK's `net_virtio_user`, as in a machine's virtio driver; its own
address is that of the pod. The agent, ovn-controller and all packets are real; no NIC and no huge pages are needed.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.agent import AgentHost, Pod, lone_host
from tests.support.dpdk import port
from tests.support.dpdk_switch import Dpdk, needed_programs, ping
from tests.support.ovn import OvsHost, namespace_command


@dataclass
class Wired:
    """A pod with a socket, the program behind it, and an ordinary workload beside."""

    agent: AgentHost
    switch: Dpdk
    pod: Pod
    row: dict[str, Any]
    answer: dict[str, Any]
    program: OvsHost
    beside: Pod
    neighbour: str


@pytest.fixture(scope="module")
def wired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wired]:
    programs = needed_programs()
    with lone_host(vhost_dir=str(tmp_path_factory.mktemp("v"))) as agent:
        switch = Dpdk(agent.host, programs, {})
        switch.start()
        agent.start()
        pod, row = agent.new_pod("dpdk")
        agent.rows.update("Port", pod.port, device_type="vhostuser")
        answer = agent.add(pod, "1.1.0")
        beside, other = agent.new_pod("beside")
        agent.add(beside)
        sandbox = agent.sandbox
        name = f"{sandbox.folder.name}-vm"
        machine = sandbox.start_ovs("vm", sandbox.add_namespace(name), controller=False)
        told = answer["interfaces"][-1]
        nic = f"net_virtio_user0,path={told['socketPath']},server=1,queues=1,mac={told['mac']}"
        program = Dpdk(machine, programs, {"ports": [port("nic", {"devargs": nic}, bridge="br-vm")]})
        program.start()
        program.give_ports()
        machine.vsctl("set", "Bridge", "br-vm", f'other_config:hwaddr="{told["mac"]}"')
        machine.ip("address", "replace", answer["ips"][0]["address"], "dev", "br-vm")
        machine.ip("link", "set", "br-vm", "up", "mtu", str(told["mtu"]))
        yield Wired(agent, switch, pod, row, answer, machine, beside, other["addresses"][0])


def reached(wired: Wired) -> bool:
    """Whether the workload reaches the program, at once."""
    command = [*namespace_command(os.path.basename(wired.beside.netns)), "ping", "-c", "3", "-W", "1"]
    done = subprocess.run([*command, wired.row["addresses"][0]], capture_output=True, check=False)
    return done.returncode == 0


def test_program_behind_the_socket_and_a_workload_reach_each_other(wired: Wired) -> None:
    ping(wired.program, wired.neighbour)
    assert reached(wired)
    assert wired.agent.request("CHECK", wired.pod, version="1.1.0", prevResult=wired.answer) == (0, {})


def test_the_agents_restart_is_not_noticed(wired: Wired) -> None:
    before = wired.agent.ovs_ports()
    wired.agent.stop()
    assert reached(wired)
    wired.agent.start()
    assert wired.agent.ovs_ports() == before
    assert wired.agent.add(wired.pod, "1.1.0") == wired.answer, "again is the same"
    assert reached(wired)


def test_packets_go_on_when_the_switch_has_restarted(wired: Wired) -> None:
    wired.switch.start()
    ping(wired.program, wired.neighbour)


def test_nothing_passes_after_del(wired: Wired) -> None:
    for _ in range(2):
        assert wired.agent.request("DEL", wired.pod) == (0, {})
    assert not reached(wired)
