"""Pods whose Open vSwitch has DPDK: a VDUSE device as interface, a vhost-user socket with a program behind it.

`site.yml` makes the fabric as of a host without NIC for DPDK and without huge pages (roles/ovs_dpdk/README.md); agent,
plugin, OVN, the kernel's VDUSE and all packets are real.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from tests.metal.conftest import SITE_TIMEOUT, Guest, metal_play
from tests.metal.devices import cni, link, plugin, pod
from tests.metal.fabric import PATIENCE, address, apply, inside, round_trips, workload
from tests.metal.roles import start_as_new

Eventually = Callable[..., None]
HOST: dict[str, Any] = {
    "openvswitch_datapath": "netdev",
    "openvswitch_bridges": [{"name": "br-phy", "addresses": ["172.29.0.21/24"], "mtu": 1500}],
    "ovn_host_encap_interface": ["br-phy"],
    "ovs_dpdk_pci": False,
    "ovs_dpdk_hugepages": False,
    "ovs_dpdk_memory": [384],
    "ovs_dpdk_per_port_memory": True,
    # The only processor, which the thread that polls shares with the system while it sleeps.
    "ovs_dpdk_pmd_cpus": "0",
    "ovs_dpdk_pmd_sleep": 5000,
    "ovs_dpdk_drivers": ["af-packet", "virtio"],
    "ovs_dpdk_ports": [{"name": "dpdk0", "bridge": "br-phy", "nics": [{"devargs": "net_af_packet0,iface=eth1"}]}],
}
RUN = "/run/pod-program"
NO_PROGRAM = f"systemctl stop pod-program pod-database; rm -rf {RUN}"
NEAR = "near"


@dataclass(frozen=True)
class Wired:
    """A pod whose interface is such a device, and what ADD answered."""

    guest: Guest
    kind: str
    config: dict[str, Any]
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def told(self) -> dict[str, Any]:
        return dict(self.answer["interfaces"][-1])

    @property
    def gateway(self) -> str:
        return str(self.answer["ips"][0]["gateway"])

    @property
    def address(self) -> str:
        return str(self.answer["ips"][0]["address"])

    @property
    def port(self) -> str:
        """Name of Open vSwitch's Interface, which is empty when there is none."""
        find = f"find Interface external_ids:pod_name={self.kind}"
        return self.guest.run(f"ovs-vsctl --bare --columns=name {find}").stdout

    def cni(self, command: str, **more: Any) -> dict[str, Any]:
        return cni(self.guest, command, self.kind, **self.config, **more)


@pytest.fixture(scope="module")
def guest(metal: dict[str, Guest], eventually: Eventually, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    """metal1 as a fabric of its own, with the workload `near`; where it was bare it is so again."""
    made, folder = metal["metal1"], tmp_path_factory.mktemp("pods")
    bare = not made.active("weft-agent")
    if bare:
        limit = f"{made.name},localhost"
        metal_play("playbooks/site.yml", "--limit", limit, variables=HOST, timeout=SITE_TIMEOUT).succeeded()
    elif made.run("ovs-vsctl get Bridge br-int datapath_type").stdout != "netdev":
        pytest.skip("the guests ran before this session, and have a fabric with the kernel's datapath")
    made.run("modprobe -a vduse virtio_vdpa")
    apply(made, workload(NEAR, made.name))
    yield made
    if bare:
        start_as_new(made, eventually, folder)


@contextmanager
def wired(guest: Guest, kind: str, cidr: str) -> Iterator[Wired]:
    config = {"provider": pod(guest, guest.name, kind, cidr)}
    guest.run(f"ip netns add {kind}")
    asked = Wired(guest, kind, config)
    try:
        yield Wired(guest, kind, config, asked.cni("ADD"))
    finally:
        asked.cni("DEL")
        guest.run(f"ip netns delete {kind}")


def systemctl(pod: Wired, command: str, eventually: Eventually) -> None:
    """Wait, too, until the agent says what a runtime asks it before an ADD: that it can."""
    pod.guest.run(f"systemctl {command}", timeout=PATIENCE)
    able = partial(plugin, pod.guest, "STATUS", pod.kind)
    eventually(lambda: able().ok, within=PATIENCE, what="the agent can do an ADD")


def agent_goes_and_comes(pod: Wired, passes: Callable[[Wired, Eventually], None], eventually: Eventually) -> None:
    """Packets pass meanwhile and afterwards, and the pod is wired as it was."""
    pod.guest.run("systemctl stop weft-agent", timeout=PATIENCE)
    passes(pod, eventually)
    systemctl(pod, "start weft-agent", eventually)
    assert pod.cni("ADD") == pod.answer, "again is the same"
    passes(pod, eventually)


# --- VDUSE ---


@pytest.fixture(scope="module")
def vduse(guest: Guest) -> Iterator[Wired]:
    with wired(guest, "vduse", "10.223.0.0/24") as made:
        yield made


def passes(pod: Wired, eventually: Eventually, within: float = 60) -> None:
    """Packets to the gateway and to a workload with a veth, each of which may lose the first."""
    for place in (pod.gateway, address(pod.guest, NEAR)):
        command = f"ip netns exec {pod.kind} ping -c 1 -W 2 {place}"
        eventually(lambda command=command: pod.guest.run(command, check=False).ok, within=within, what=command)
        assert round_trips(pod.guest, pod.kind, place, 5, netns=pod.kind)[0] == 0


def test_vduse_device_is_the_pods_interface(vduse: Wired) -> None:
    guest, told = vduse.guest, vduse.told
    made = link(guest, "eth0", "vduse")
    assert (made["address"], made["mtu"], made["operstate"]) == (told["mac"], told["mtu"], "UP")
    shown = json.loads(guest.run("ip -json -netns vduse -4 address show dev eth0").stdout)[0]["addr_info"][0]
    assert f"{shown['local']}/{shown['prefixlen']}" == vduse.address
    assert json.loads(guest.run("ip -json -netns vduse route show default").stdout)[0]["gateway"] == vduse.gateway
    assert guest.run("ip netns exec vduse ethtool -i eth0 | sed -n 's/^driver: //p'").stdout == "virtio_net"
    assert guest.run(f"ovs-vsctl get Interface {vduse.port} type").stdout == "dpdkvhostuserclient"
    assert list(json.loads(guest.run("vdpa -j dev show").stdout)["dev"]) == [vduse.port]


def test_packets_by_vduse(vduse: Wired, eventually: Eventually) -> None:
    passes(vduse, eventually)
    assert vduse.cni("CHECK", prevResult=vduse.answer) == {}


def test_vduse_does_not_notice_the_agents_restart(vduse: Wired, eventually: Eventually) -> None:
    agent_goes_and_comes(vduse, passes, eventually)


def test_vduse_after_a_restart_of_the_switch(vduse: Wired, eventually: Eventually) -> None:
    systemctl(vduse, "restart ovs-vswitchd", eventually)
    passes(vduse, eventually, within=PATIENCE)
    assert vduse.cni("CHECK", prevResult=vduse.answer) == {}


def test_vduse_is_given_back(vduse: Wired) -> None:
    guest, port = vduse.guest, vduse.port
    for _ in range(2):
        assert vduse.cni("DEL") == {}
    assert vduse.port == ""
    assert not guest.run(f"find /dev/vduse /run/vduse /run/openvswitch/vduse -name {port}", check=False).stdout
    assert json.loads(guest.run("vdpa -j dev show").stdout or "{}").get("dev", {}) == {}
    assert not guest.run("ip -netns vduse link show dev eth0", check=False).ok


# --- vhost-user ---


def program(pod: Wired) -> str:
    """One more Open vSwitch, in the pod: its NIC is DPDK's end of the socket, as a machine's driver would be."""
    mac, mtu, path = (pod.told[key] for key in ("mac", "mtu", "socketPath"))
    return f"""
set -e
mkdir {RUN}
ovsdb-tool create {RUN}/conf.db /usr/share/openvswitch/vswitch.ovsschema
systemd-run --quiet --unit=pod-database ovsdb-server {RUN}/conf.db --remote=punix:{RUN}/db.sock --unixctl={RUN}/db.ctl
until test -S {RUN}/db.sock; do sleep 0.2; done
ask="ovs-vsctl --timeout=60 --db=unix:{RUN}/db.sock"
$ask --no-wait init -- set Open_vSwitch . other_config:dpdk-init=true other_config:per-port-memory=true \\
    other_config:pmd-cpu-mask=0x1 other_config:pmd-sleep-max=5000 \\
    other_config:dpdk-extra="--no-pci --no-huge --legacy-mem -m 256 --file-prefix=pod-program"
systemd-run --quiet --unit=pod-program --setenv=OVS_RUNDIR={RUN} \\
    ip netns exec {pod.kind} ovs-vswitchd unix:{RUN}/db.sock --disable-system --unixctl={RUN}/switch.ctl
$ask add-br br-pod -- set Bridge br-pod datapath_type=netdev other_config:hwaddr='"{mac}"' \\
    -- add-port br-pod nic -- set Interface nic type=dpdk \\
    options:dpdk-devargs='"net_virtio_user0,path={path},server=1,queues=1,mac={mac}"'
ip -n {pod.kind} address replace {pod.address} dev br-pod
ip -n {pod.kind} link set br-pod up mtu {mtu}
ip -n {pod.kind} route replace default via {pod.gateway}
"""


@pytest.fixture(scope="module")
def vhostuser(guest: Guest) -> Iterator[Wired]:
    """A pod with a socket, and behind it a program with DPDK, whose interface has the pod's addresses."""
    with wired(guest, "vhostuser", "10.224.0.0/24") as made:
        try:
            guest.run(program(made), timeout=PATIENCE)
            yield made
        finally:
            guest.run(NO_PROGRAM, check=False)


def answered(pod: Wired, eventually: Eventually) -> None:
    """Program and workload reach each other, once the first packets have found the way."""
    near, own = address(pod.guest, NEAR), pod.address.partition("/")[0]
    command = inside(NEAR, f"ping -c 1 -W 2 {own}")
    eventually(lambda: pod.guest.run(command, check=False).ok, within=PATIENCE, what=command)
    assert round_trips(pod.guest, NEAR, own, 5)[0] == 0
    assert round_trips(pod.guest, pod.kind, near, 5, netns=pod.kind)[0] == 0


def test_program_behind_the_socket_and_a_workload_reach_each_other(vhostuser: Wired, eventually: Eventually) -> None:
    answered(vhostuser, eventually)
    assert vhostuser.cni("CHECK", prevResult=vhostuser.answer) == {}


def test_program_does_not_notice_the_agents_restart(vhostuser: Wired, eventually: Eventually) -> None:
    agent_goes_and_comes(vhostuser, answered, eventually)


def test_program_is_reached_again_after_a_restart_of_the_switch(vhostuser: Wired, eventually: Eventually) -> None:
    systemctl(vhostuser, "restart ovs-vswitchd", eventually)
    answered(vhostuser, eventually)


def test_program_is_not_reached_after_del(vhostuser: Wired) -> None:
    for _ in range(2):
        assert vhostuser.cni("DEL") == {}
    assert vhostuser.port == ""
    assert vhostuser.guest.active("pod-program")
    assert round_trips(vhostuser.guest, NEAR, vhostuser.address.partition("/")[0], 5)[0] == 100
    assert round_trips(vhostuser.guest, vhostuser.kind, vhostuser.gateway, 5, netns=vhostuser.kind)[0] == 100
