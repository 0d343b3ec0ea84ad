"""What is decided for Open vSwitch with DPDK, on a sysfs of files: cores, memory, devices, rows, and every problem."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils.dpdk import layout, problems, rows
from plugins.module_utils.dpdk.machine import Machine, environments, ssh_address
from plugins.module_utils.sriov import Kernel
from plugins.module_utils.tuning.cpus import format_cpus, parse_cpus
from tests.support.dpdk import port, wish

ENS1, ENS2 = "0000:01:00.0", "0000:81:00.0"
PAGE_2M, PAGE_1G = 2048, 1048576


def write(path: Path, text: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


class Files(Kernel):
    """A kernel of files: two NUMA nodes, each with four cores of two threads, a NIC, 4 GiB of huge pages."""

    def __init__(self, root: Path, *, isolated: str = "", iommu: bool = True, free: int = 4) -> None:
        super().__init__(str(root / "sys"), str(root / "proc"))
        self.root = root / "sys"
        self.links: dict[str, set[str]] = {}
        cpus = self.root / "devices/system/cpu"
        write(cpus / "online", "0-15")
        write(cpus / "isolated", isolated)
        for cpu in range(16):
            write(cpus / f"cpu{cpu}/topology/thread_siblings_list", f"{cpu % 8},{cpu % 8 + 8}")
        for node, listed in enumerate(("0-3,8-11", "4-7,12-15")):
            directory = self.root / f"devices/system/node/node{node}"
            write(directory / "cpulist", listed)
            for size, total, unused in ((PAGE_1G, 4, free), (PAGE_2M, 0, 0)):
                write(directory / f"hugepages/hugepages-{size}kB/nr_hugepages", total)
                write(directory / f"hugepages/hugepages-{size}kB/free_hugepages", unused)
        self.nic(ENS1, "ens1", node=0, group=iommu)
        self.nic(ENS2, "ens2", node=1, group=iommu)

    def nic(self, address: str, name: str, *, node: int, group: bool, driver: str = "ice") -> None:
        device = self.root / "bus/pci/devices" / address
        write(device / "class", "0x020000")
        write(device / "numa_node", node)
        if name:
            (device / "net" / name).mkdir(parents=True)
            (self.root / "class/net" / name).mkdir(parents=True)
        self.give(address, driver)
        if group:
            (self.root / f"kernel/iommu_groups/{node}/devices/{address}").mkdir(parents=True)
            (device / "iommu_group").symlink_to(self.root / f"kernel/iommu_groups/{node}")

    def give(self, address: str, driver: str) -> None:
        link = self.root / "bus/pci/devices" / address / "driver"
        link.unlink(missing_ok=True)
        (self.root / "bus/pci/drivers" / driver).mkdir(parents=True, exist_ok=True)
        link.symlink_to(self.root / "bus/pci/drivers" / driver)

    def show(self, name: str) -> dict[str, Any]:
        return {"master": None}

    def addresses(self, name: str) -> list[str]:
        return sorted(self.links.get(name, ()))

    def addresses_by_link(self) -> dict[str, set[str]]:
        return self.links


ON_0, ON_1 = port("dpdk0", {"name": "ens1"}), port("dpdk1", {"name": "ens2"})
BOTH = (ON_0, ON_1)


@pytest.mark.parametrize(
    ("text", "cpus", "shown"),
    [("", set(), ""), ("3", {3}, "3"), ("8,0-2", {0, 1, 2, 8}, "0-2,8"), (" 2 - 3 ", {2, 3}, "2-3")],
)
def test_cpus_are_read_and_shown_as_the_kernel_does(text: str, cpus: set[int], shown: str) -> None:
    assert parse_cpus(text) == cpus
    assert format_cpus(cpus) == shown


@pytest.mark.parametrize("text", ["a", "3-1", "1-", "-1", "0x3"])
def test_what_is_no_list_of_cpus_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is no list of CPUs"):
        parse_cpus(text)


# --- cores and memory ---


@pytest.mark.parametrize(
    ("isolated", "wished", "expected"),
    [
        ("", wish(ON_0), "1,9"),
        ("", wish(ON_1), "4,12"),
        ("", wish(*BOTH), "1,4,9,12"),
        ("", wish(*BOTH, pmd_cores_per_node=2), "1-2,4-5,9-10,12-13"),
        # Isolated cores come first, and one of whose threads only one is isolated is none.
        ("3,11,2", wish(ON_0), "3,11"),
        ("", wish(ON_0, guest_cpus="1"), "2,10"),
        ("", wish(ON_0, pmd_cpus="5"), "5"),
        ("", wish(), "1,9"),
        ("", wish(port("lab", {"devargs": "net_null0"})), "1,9"),
    ],
)
def test_whole_cores_of_the_nics_nodes_poll(tmp_path: Path, isolated: str, wished: Any, expected: str) -> None:
    assert layout.plan(Machine(Files(tmp_path, isolated=isolated)), wished)["pmd_cpus"] == expected


@pytest.mark.parametrize(("mtu", "size"), [(1500, 3008), (1800, 3008), (2000, 4032), (9000, 10176)])
def test_a_buffer_has_the_size_that_open_vswitch_gives_it(mtu: int, size: int) -> None:
    assert layout.buffer_size(mtu) == size


@pytest.mark.parametrize(
    ("wished", "expected"),
    [
        (wish(ON_0), [2048, 0]),
        (wish(ON_1), [0, 2048]),
        # Ports of one buffer size share a pool, others do not.
        (wish(ON_0, port("x", {"name": "ens1"}, mtu=1800)), [2048, 0]),
        (wish(port("x", {"name": "ens1"}, mtu=9000)), [3072, 0]),
        (wish(ON_0, pmd_cpus="4"), [2048, 2048]),
        (wish(port("x", {"name": "ens1"}, queues=4), per_port_memory=True), [1024, 0]),
        (wish(ON_0, memory=[512, 256]), [512, 256]),
        (wish(ON_0, hugepages=False), [512]),
    ],
)
def test_memory_is_that_of_the_nodes_buffers(tmp_path: Path, wished: Any, expected: list[int]) -> None:
    assert layout.plan(Machine(Files(tmp_path)), wished)["memory"] == expected


@pytest.mark.parametrize(
    ("wished", "expected"),
    [
        (wish(ON_0, memory=[1024, 0]), {"dpdk-socket-mem": "1024,0"}),
        (wish(ON_0, memory=[1024], per_port_memory=True), {"dpdk-socket-mem": "1024", "per-port-memory": "true"}),
        (wish(ON_0, memory=[64], extra=["-a", ENS1]), {"dpdk-socket-mem": "64", "dpdk-extra": f"-a {ENS1}"}),
        (wish(hugepages=False, pci=False), {"dpdk-extra": "--no-pci --no-huge --legacy-mem -m 512"}),
    ],
)
def test_the_switch_is_told_what_it_reads_when_it_starts(tmp_path: Path, wished: Any, expected: dict[str, str]) -> None:
    told = layout.plan(Machine(Files(tmp_path)), wished)["start_config"]
    assert {key: value for key, value in told.items() if value is not None} == {"dpdk-init": "true", **expected}


def test_a_host_without_numa_has_one_node(tmp_path: Path) -> None:
    write(tmp_path / "sys/devices/system/cpu/online", "0-1")
    write(tmp_path / "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", 256)
    machine = Machine(Kernel(str(tmp_path / "sys")))
    assert machine.nodes.keys() == {0}
    assert machine.memory(0) == 512
    assert layout.plan(machine, wish())["pmd_cpus"] == "1"


# --- devices and rows ---


def test_a_nic_is_known_by_its_name_after_it_was_bound(tmp_path: Path) -> None:
    kernel = Files(tmp_path)
    device = {"address": ENS1, "driver": "vfio-pci", "name": "ens1"}
    assert layout.plan(Machine(kernel), wish(ON_0))["devices"] == [device]
    kernel.give(ENS1, "vfio-pci")
    (kernel.root / "bus/pci/devices" / ENS1 / "net/ens1").rmdir()
    machine = Machine(kernel, [device])
    assert layout.plan(machine, wish(ON_0))["devices"] == [device]
    assert problems.problems(machine, wish(ON_0)) == []


def test_a_nic_that_keeps_its_driver_is_not_bound(tmp_path: Path) -> None:
    assert layout.plan(Machine(Files(tmp_path)), wish(port("x", {"name": "ens1", "driver": "kernel"})))["devices"] == []


def by_table(found: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["table"], row.get("match", {}).get("name", "")): row for row in found}


def test_a_port_is_rows_and_a_bond_has_several_interfaces(tmp_path: Path) -> None:
    bond = port(
        "bond0", {"name": "ens1"}, {"address": ENS2, "interface": "second"}, bond_mode="balance-tcp", mtu=9000, queues=2
    )
    made = layout.plan(Machine(Files(tmp_path)), wish(bond))
    found = by_table(rows.all_rows([bond], [], made["interfaces"]))
    assert found["Port", "bond0"]["values"] == {
        "bond_mode": "balance-tcp",
        "interfaces": ["@interface-bond0-0", "@interface-second"],
    }
    assert found["Interface", "second"]["values"] == {"type": "dpdk", "mtu_request": 9000}
    assert found["Interface", "second"]["keys"]["options"] == {
        "dpdk-devargs": ENS2,
        "n_rxq": "2",
        "n_rxq_desc": None,
        "n_txq_desc": None,
    }
    assert found["Bridge", "br-phy"]["elements"] == {"ports": ["@port-br-phy", "@port-bond0"]}
    assert found["Bridge", "br-phy"]["insert"] == {}
    assert found["Open_vSwitch", ""]["elements"] == {"bridges": ["@bridge-br-phy"]}


def test_a_guests_port_connects_to_its_socket() -> None:
    vhost = {"name": "vm1", "bridge": "br-int", "socket": "/run/weft/vhost/vm1", "iface_id": "vm1.default", "mtu": None}
    found = by_table(rows.all_rows([], [vhost], {}))
    assert found["Interface", "vm1"]["values"] == {"type": "dpdkvhostuserclient"}
    assert found["Interface", "vm1"]["keys"] == {
        "options": {"vhost-server-path": "/run/weft/vhost/vm1"},
        "external_ids": {"iface-id": "vm1.default"},
    }
    assert found["Bridge", "br-int"]["insert"] == {"fail_mode": "secure"}


def test_without_ports_there_are_no_rows() -> None:
    assert rows.all_rows([], [], {}) == []


# --- problems ---

KNOWN = f"this host has ens1 ({ENS1}), ens2 ({ENS2})"
ALL_CPUS = "pmd_cpus has all CPUs of this host (0-15)"
TOO_FEW = "NUMA node 0: pmd_cores_per_node is 4, and 3 are free of its CPUs 0-3,8-11"
NO_CORES = "NUMA node 0: pmd_cores_per_node is 1, and 0 are free of its CPUs 0-3,8-11"
NULL = port("lab", {"devargs": "net_null0"})


@pytest.mark.parametrize(
    ("wished", "expected"),
    [
        (wish(*BOTH), []),
        (wish(NULL, hugepages=False, pci=False), []),
        (wish(port("p", {"name": "ens9"})), [f"port p: ens9: no such NIC; {KNOWN}"]),
        (wish(port("p", {"address": "0000:7f:00.0"})), [f"port p: 0000:7f:00.0: no such NIC; {KNOWN}"]),
        (wish(port("p")), ["port p: nics is empty, a port has one NIC, a bond several"]),
        (
            wish(ON_0, port("p", {"address": ENS1})),
            [f"ens1 ({ENS1}): it is described twice, first in port dpdk0"],
        ),
        (wish(NULL, port("lab", {"devargs": "net_null1"})), ["port lab is described twice"]),
        (
            wish(
                port("a", {"devargs": "net_null0", "interface": "i"}),
                port("b", {"devargs": "net_null1", "interface": "i"}),
            ),
            ["interface i is described twice"],
        ),
        (
            wish(port("p", {"name": "ens1"}, bond_mode="balance-slb")),
            ["port p: bond_mode is balance-slb, and it has one NIC; a bond has several"],
        ),
        (wish(ON_0, pmd_cpus="2-17"), ["pmd_cpus has 16-17, this host has 0-15"]),
        (wish(ON_0, guest_cpus="99"), ["guest_cpus has 99, this host has 0-15"]),
        (wish(ON_0, pmd_cpus="two"), ["pmd_cpus: 'two' is no list of CPUs such as 2-5,8"]),
        (
            wish(ON_0, pmd_cpus="2-5", guest_cpus="4-7"),
            ["pmd_cpus and guest_cpus both have 4-5: a core that polls leaves nothing to a guest"],
        ),
        (
            wish(ON_0, pmd_cpus="0-15"),
            [
                f"{ALL_CPUS}, and none is left to the system; with pmd_sleep they may be shared",
            ],
        ),
        (wish(ON_0, pmd_cpus="0-15", pmd_sleep=500), []),
        (
            wish(ON_0, pmd_cores_per_node=4),
            [
                f"{TOO_FEW}: the system has the first core",
            ],
        ),
        (
            wish(ON_0, guest_cpus="1-3"),
            [f"{NO_CORES}: the system has the first core, guests have 1-3"],
        ),
        (
            wish(ON_0, memory=[8192]),
            ["NUMA node 0: 8192 MiB of huge pages are needed, it has 4096 MiB (0 of 2048 KiB, 4 of 1048576 KiB)"],
        ),
        (wish(ON_0, memory=[1024, 0, 1024]), ["memory has 1024 MiB of NUMA node 2, this host has 0, 1"]),
        (wish(ON_0, memory=[0]), ["memory is 0 MiB on every NUMA node"]),
        (
            wish(port("p", {"name": "ens9"}), pmd_cpus="99", memory=[9999]),
            [f"port p: ens9: no such NIC; {KNOWN}", "pmd_cpus has 99, this host has 0-15"],
        ),
    ],
)
def test_every_problem_is_found_at_once(tmp_path: Path, wished: Any, expected: list[str]) -> None:
    assert problems.problems(Machine(Files(tmp_path)), wished) == expected


@pytest.mark.parametrize(
    ("iommu", "driver", "found"), [(False, "vfio-pci", 1), (False, "kernel", 0), (True, "vfio-pci", 0)]
)
def test_vfio_needs_an_iommu(tmp_path: Path, iommu: bool, driver: str, found: int) -> None:
    wished = wish(port("p", {"name": "ens1", "driver": driver}))
    said = problems.problems(Machine(Files(tmp_path, iommu=iommu)), wished)
    assert len(said) == found
    assert all(f"ens1 ({ENS1}): driver vfio-pci needs an IOMMU" in problem for problem in said)


def test_a_group_goes_to_user_space_as_a_whole(tmp_path: Path) -> None:
    kernel = Files(tmp_path)
    neighbour = "0000:01:00.1"
    write(kernel.root / "bus/pci/devices" / neighbour / "class", "0x010000")
    kernel.give(neighbour, "nvme")
    (kernel.root / "kernel/iommu_groups/0/devices" / neighbour).mkdir()
    said = problems.problems(Machine(kernel), wish(ON_0))
    whole = "the kernel gives a group away only as a whole"
    assert said == [f"ens1 ({ENS1}): its IOMMU group has {neighbour} too, which nvme has: {whole}"]


@pytest.mark.parametrize(("free", "running", "found"), [(4, False, 0), (1, False, 1), (1, True, 0)])
def test_huge_pages_of_others_do_not_count(tmp_path: Path, free: int, running: bool, found: int) -> None:
    said = problems.problems(Machine(Files(tmp_path, free=free)), wish(ON_0), running=running)
    assert len(said) == found
    assert all("2048 MiB of huge pages are needed, 1024 MiB are free of 4096" in problem for problem in said)


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ({"ens1": {"192.0.2.1"}}, ["it carries the SSH connection to 192.0.2.1"]),
        ({"vlan7": {"192.0.2.1"}}, ["it carries the SSH connection to 192.0.2.1"]),
        ({"ens2": {"192.0.2.1"}}, []),
        (
            {"ens1": {"192.0.2.9"}, "ens2": {"192.0.2.1"}},
            ["it is in use: its interface ens1 has the address 192.0.2.9"],
        ),
    ],
)
def test_a_nic_that_serves_the_host_is_not_taken(
    tmp_path: Path, links: dict[str, set[str]], expected: list[str]
) -> None:
    kernel = Files(tmp_path)
    kernel.links = links
    # A VLAN of a bond of the NIC.
    (kernel.root / "class/net/vlan7/lower_bond0").mkdir(parents=True)
    (kernel.root / "class/net/bond0/lower_ens1").mkdir(parents=True)
    said = problems.problems(Machine(kernel), wish(ON_0), ssh="192.0.2.1")
    assert said == [f"ens1 ({ENS1}): {text}" for text in expected]


def test_the_ssh_connection_is_that_of_an_ancestor(tmp_path: Path) -> None:
    processes = {30: (20, b"A=1\0"), 20: (10, b"SSH_CONNECTION=192.0.2.9 5000 192.0.2.1 22\0"), 10: (1, b"")}
    for pid, (parent, environment) in processes.items():
        write(tmp_path / str(pid) / "stat", f"{pid} (sh -c (x) ) S {parent} 0")
        (tmp_path / str(pid) / "environ").write_bytes(environment)
    assert ssh_address(environments(str(tmp_path), 30)) == "192.0.2.1"
    assert ssh_address(environments(str(tmp_path), 10)) is None


@pytest.mark.parametrize(("cpus", "found"), [("1", 1), ("4", 1), ("1,4", 0)])
def test_a_nic_whose_node_does_not_poll_is_warned_of(tmp_path: Path, cpus: str, found: int) -> None:
    assert len(problems.lonely(Machine(Files(tmp_path)), wish(*BOTH), parse_cpus(cpus))) == found
