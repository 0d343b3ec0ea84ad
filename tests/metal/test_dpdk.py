"""The role `ovs_dpdk`: a virtio NIC behind an IOMMU in user space, geneve to a host with the kernel's datapath."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.metal.conftest import Guest, metal_play
from tests.metal.roles import reboot
from tests.support.play import Play

DEVICE = "0000:02:00.0"
LINK = "eth2"
ADDRESS = {"metal1": "172.29.0.21", "metal2": "172.29.0.22"}
WORKLOAD = {"metal1": "10.29.0.21", "metal2": "10.29.0.22"}
PORT = {"name": "dpdk0", "bridge": "br-phy", "nics": [{"name": LINK}], "mtu": 1600}
# One processor, which the thread that polls shares with the system while it sleeps.
HOST = {
    "openvswitch_datapath": "netdev",
    "openvswitch_bridges": [{"name": "br-phy", "addresses": [f"{ADDRESS['metal1']}/24"], "mtu": 1600}],
    "ovs_dpdk_drivers": ["virtio"],
    "ovs_dpdk_pmd_cpus": "0",
    "ovs_dpdk_pmd_sleep": 500,
    "ovs_dpdk_memory": [256],
    "ovs_dpdk_per_port_memory": True,
    "ovs_dpdk_ports": [PORT],
}
PAGES = "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages"
AT_BOOT = "/etc/sysctl.d/60-test.conf"


@pytest.fixture(scope="module")
def roles(metal: dict[str, Guest], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Play]:
    """`roles(["ovs_dpdk"])` runs roles on metal1, `tasks="remove"` one of their parts, `more` changes variables."""
    folder = Path(tmp_path_factory.mktemp("dpdk"))

    def run(names: list[str], *arguments: str, tasks: str = "main", more: dict[str, Any] | None = None) -> Play:
        path = folder / f"{'-'.join(names)}-{tasks}.yml"
        path.write_text(
            "- hosts: metal1\n"
            "  gather_subset: ['!all', '!min', distribution, pkg_mgr, service_mgr]\n"
            "  tasks:\n"
            + "".join(
                f"    - ansible.builtin.import_role: {{name: weft.ovn.{name}, tasks_from: {tasks}}}\n" for name in names
            )
        )
        return metal_play(path, *arguments, variables={**HOST, **(more or {})}, timeout=1200)

    return run


@pytest.fixture(scope="module")
def made(metal: dict[str, Guest], roles: Callable[..., Play]) -> Iterator[Guest]:
    """metal1 with a NIC in user space; afterwards the kernel has it again."""
    guest = metal["metal1"]
    guest.run(f"echo 160 >{PAGES}; echo 'vm.nr_hugepages = 160' >{AT_BOOT}; ip address flush dev {LINK}")
    roles(["openvswitch", "ovs_dpdk"]).succeeded()
    yield guest
    roles(["ovs_dpdk"], tasks="remove").succeeded()
    bare(guest, "br-phy", "br-tun")
    guest.run(f"echo 0 >{PAGES}; rm -f {AT_BOOT}")


@pytest.fixture(scope="module")
def other(metal: dict[str, Guest]) -> Iterator[Guest]:
    """metal2 with the kernel's datapath and its end of the tunnel, set up by hand: what is tested is the other end."""
    guest = metal["metal2"]
    guest.run("systemctl start openvswitch-switch")
    guest.run(f"ip address replace {ADDRESS['metal2']}/24 dev {LINK}; ip link set {LINK} mtu 1600 up")
    tunnel(guest, "br-tun", ADDRESS["metal1"], "system")
    yield guest
    bare(guest, "br-tun")
    guest.run(f"ip address flush dev {LINK}")


def bare(guest: Guest, *bridges: str) -> None:
    """No switch runs, as before."""
    for bridge in bridges:
        guest.run(f"ovs-vsctl --if-exists del-br {bridge}")
    guest.run("systemctl disable --now weft-underlay openvswitch-switch", check=False)
    guest.run("systemctl stop ovs-vswitchd ovsdb-server")
    guest.run("rm -rf /etc/systemd/system/ovs-vswitchd.service.d; systemctl daemon-reload")


def tunnel(guest: Guest, bridge: str, remote: str, datapath: str) -> None:
    """A bridge with a workload's address and geneve to the other host."""
    guest.run(
        f"ovs-vsctl --may-exist add-br {bridge} -- set Bridge {bridge} datapath_type={datapath}"
        f" -- --may-exist add-port {bridge} far -- set Interface far type=geneve options:remote_ip={remote}"
    )
    guest.run(f"ip address replace {WORKLOAD[guest.name]}/24 dev {bridge}; ip link set {bridge} mtu 1400 up")


def driver(guest: Guest) -> str:
    return guest.run(f"basename $(readlink /sys/bus/pci/devices/{DEVICE}/driver)").stdout


def reaches(guest: Guest, address: str, *options: str) -> bool:
    """The first packets of a new path may be lost."""
    return guest.run(["ping", "-c", "5", "-W", "5", *options, address], check=False).ok


def test_every_problem_is_said_at_once_and_nothing_changes(metal: dict[str, Guest], roles: Callable[..., Play]) -> None:
    wrong = [{"name": "a", "nics": [{"name": "ens9"}]}, {"name": "b", "nics": [{"name": "mgmt0"}]}]
    settings = {"ovs_dpdk_ports": wrong, "ovs_dpdk_memory": [8192], "ovs_dpdk_guest_cpus": "0"}
    seen = roles(["ovs_dpdk"], tasks="precheck", more=settings)
    seen.refused("port a: ens9: no such NIC; this host has")
    seen.refused("it carries the SSH connection to 172.30.0.21")
    seen.refused("pmd_cpus and guest_cpus both have 0")
    memory = roles(["ovs_dpdk"], tasks="precheck", more={"ovs_dpdk_memory": [8192]})
    memory.refused("NUMA node 0: 8192 MiB of huge pages are needed, it has")
    assert driver(metal["metal1"]) == "virtio-pci"
    assert not metal["metal1"].run("test -e /etc/weft/dpdk.json", check=False).ok


def test_a_nic_in_user_space_passes_packets(made: Guest, other: Guest) -> None:
    assert driver(made) == "vfio-pci"
    assert made.run("ovs-vsctl get Open_vSwitch . dpdk_initialized").stdout == "true"
    assert made.run("ovs-vsctl get Interface dpdk0 status:driver_name").stdout == "net_virtio"
    assert reaches(made, ADDRESS["metal2"])


def test_geneve_joins_a_host_with_dpdk_and_one_with_the_kernels_datapath(made: Guest, other: Guest) -> None:
    tunnel(made, "br-tun", ADDRESS["metal2"], "netdev")
    assert reaches(made, WORKLOAD["metal2"], "-s", "1300", "-M", "do")


def test_the_second_run_changes_nothing(made: Guest, roles: Callable[..., Play]) -> None:
    assert roles(["openvswitch", "ovs_dpdk"]).succeeded().changed == {"metal1": 0}


def test_check_mode_shows_a_change_and_makes_none(made: Guest, roles: Callable[..., Play]) -> None:
    more = {"ovs_dpdk_balance": True, "ovs_dpdk_ports": [{**PORT, "queues": 2}]}
    seen = roles(["ovs_dpdk"], "--check", "--diff", more=more).succeeded()
    assert seen.changed["metal1"] > 0
    for line in ('"pmd-auto-lb": "true"', '"n_rxq": "2"'):
        assert line in seen.text
    assert made.run("ovs-vsctl get Interface dpdk0 options:n_rxq").stdout == '"1"'


def test_the_nic_is_in_user_space_after_a_reboot(made: Guest, other: Guest, eventually: Callable[..., None]) -> None:
    reboot(made, eventually, sign="systemctl is-active weft-underlay")
    assert driver(made) == "vfio-pci"
    assert reaches(made, ADDRESS["metal2"])


def test_removal_gives_the_nic_back(made: Guest, roles: Callable[..., Play]) -> None:
    roles(["ovs_dpdk"], tasks="remove").succeeded()
    assert driver(made) == "virtio-pci"
    assert "dpdk" not in made.run("ovs-vsctl get Open_vSwitch . other_config; ovs-vsctl list-ports br-phy").stdout
    assert not made.run("test -e /etc/weft/dpdk.json -o -e /etc/systemd/system/weft-dpdk.service", check=False).ok
    assert roles(["ovs_dpdk"], tasks="remove").succeeded().changed == {"metal1": 0}
