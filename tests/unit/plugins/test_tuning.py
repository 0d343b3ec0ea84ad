"""What the tuning's logic decides, on a root of files: problems, differences, what GRUB is told."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.module_utils import tuning
from plugins.module_utils.tuning import boot, cpus, hugepages, interrupts, nics
from plugins.module_utils.tuning.host import Host

RINGS = """\
Ring parameters for eth0:
Pre-set maximums:
RX:\t\t4096
RX Mini:\tn/a
TX:\t\t4096
Current hardware settings:
RX:\t\t256
RX Mini:\tn/a
TX:\t\t256
"""
FEATURES = """\
Features for eth0:
rx-checksumming: on [fixed]
generic-receive-offload: on
tx-checksumming: on
\ttx-checksum-ipv4: off [fixed]
"""
NOTHING: dict[str, Any] = {
    "hugepages": [],
    "isolated_cpus": None,
    "interrupt_cpus": None,
    "kernel_arguments": [],
    "removed_kernel_arguments": [],
    "profile": None,
    "sysctls": {},
    "nics": [],
}


class _Host(Host):  # type: ignore[misc]  # plugins are not typed
    """A root of files, and an ethtool that shows one NIC; what else is run is written down."""

    def __init__(self, root: Path) -> None:
        super().__init__(str(root))
        self.ran: list[tuple[str, ...]] = []

    def run(self, *words: str) -> str:
        shown = {"-g": RINGS, "-k": FEATURES, "-l": "Channel parameters for eth0:\n"}
        if words[0] == "ethtool" and words[1] in shown:
            return shown[words[1]]
        self.ran.append(words)
        return ""


def put(root: Path, name: str, text: str) -> None:
    path = root / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def host(tmp_path: Path) -> _Host:
    """Four processors and 4 GiB on one node, 10 pages of 2 MiB of which 3 are in use, started by GRUB."""
    put(tmp_path, "/sys/devices/system/cpu/present", "0-3\n")
    put(tmp_path, "/proc/meminfo", "MemTotal:        4194304 kB\nMemFree: 1 kB\n")
    put(tmp_path, "/sys/devices/system/node/node0/meminfo", "Node 0 MemTotal:        4194304 kB\n")
    for base in ("/sys/kernel/mm", "/sys/devices/system/node/node0"):
        put(tmp_path, f"{base}/hugepages/hugepages-2048kB/nr_hugepages", "10\n")
        put(tmp_path, f"{base}/hugepages/hugepages-2048kB/free_hugepages", "7\n")
    put(tmp_path, "/proc/sys/net/core/rmem_max", "212992\n")
    put(tmp_path, "/proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n")
    (tmp_path / "sys/class/net/eth0").mkdir(parents=True)
    put(tmp_path, "/proc/cmdline", "BOOT_IMAGE=/boot/vmlinuz-6 root=UUID=1 ro quiet\n")
    put(tmp_path, "/boot/grub/grub.cfg", "menuentry x {\n\tlinux\t/boot/vmlinuz-6 root=UUID=1 ro quiet\n}\n")
    (tmp_path / "etc/default/grub.d").mkdir(parents=True)
    put(tmp_path, "/proc/irq/default_smp_affinity", "f\n")
    put(tmp_path, "/proc/irq/24/smp_affinity_list", "0-3\n")
    return _Host(tmp_path)


PAGES = {"size": "2M", "count": 512, "node": None}
RING = {"name": "eth0", "rings": {"rx": 1024}}


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({}, []),
        ({"hugepages": [PAGES], "isolated_cpus": "2-3", "sysctls": {"net.core.rmem_max": 1}, "nics": [RING]}, []),
        (
            {"hugepages": [{**PAGES, "count": 4000}]},
            ["hugepages: 8000 MiB are wished for; this host has 4096 MiB, of which 512 stay with the system"],
        ),
        (
            {"hugepages": [{**PAGES, "node": 0, "count": 1792}, {**PAGES, "node": 1}]},
            ["hugepages of 2M on node 1: no such node; this host has node0"],
        ),
        (
            {"hugepages": [{**PAGES, "node": 0}, PAGES]},
            ["hugepages of 2M are described for the host and for a node; one of both is wanted"],
        ),
        ({"hugepages": [PAGES, PAGES]}, ["hugepages of 2M are described twice for one node"]),
        ({"hugepages": [{**PAGES, "count": 2}]}, ["hugepages of 2M: count is 2, and 3 are in use"]),
        (
            {"hugepages": [{"size": "1G", "count": 1}]},
            ["hugepages of 1G: its processor or kernel does not have this size"],
        ),
        ({"isolated_cpus": "2-5"}, ["isolated_cpus has 4-5; this host has processors 0-3"]),
        ({"isolated_cpus": "0-3"}, ["isolated_cpus has all processors (0-3); at least one stays with the system"]),
        ({"interrupt_cpus": "two"}, ["interrupt_cpus is 'two', wanted is a list of processors such as 2-7,10"]),
        ({"sysctls": {"net.core.nothing": 1}}, ["sysctls: this kernel has no net.core.nothing"]),
        (
            {"nics": [{"name": "ens9"}, {"name": "eth0", "rings": {"rx": 8192, "rx-mini": 1}}]},
            [
                "nics: ens9: no such NIC; this host has eth0",
                "nics: eth0: rings: rx is 8192, allowed are 0 to 4096",
                "nics: eth0: rings has no rx-mini; there are rx, tx",
            ],
        ),
        (
            {"nics": [{"name": "eth0", "offloads": {"tx-checksum-ipv4": True, "rx-checksumming": True}}]},
            ["nics: eth0: offloads: tx-checksum-ipv4 is fixed off"],
        ),
        (
            {"kernel_arguments": ["a b", "iommu=pt"], "removed_kernel_arguments": ["iommu"]},
            [
                "kernel_arguments has 'a b', wanted is name or name=value without spaces and quotes",
                "iommu is in kernel_arguments and in removed_kernel_arguments",
            ],
        ),
    ],
)
def test_every_problem_is_found_at_once(host: _Host, wish: dict[str, Any], expected: list[str]) -> None:
    assert tuning.problems(host, {**NOTHING, **wish}) == expected


def test_grub_has_to_be_what_starts_the_kernel(host: _Host) -> None:
    put(Path(host.root), "/proc/cmdline", "root=/dev/vda1\n")
    found = tuning.problems(host, {**NOTHING, "kernel_arguments": ["iommu=pt"]})
    assert found == ["kernel_arguments: GRUB did not start this kernel (/proc/cmdline has no BOOT_IMAGE)"]


def test_what_differs_is_made_so_and_differs_no_more(host: _Host) -> None:
    wish = {
        **NOTHING,
        "hugepages": [PAGES],
        "isolated_cpus": "2-3",
        "interrupt_cpus": "0-1",
        "kernel_arguments": ["iommu=pt"],
        "sysctls": {"net.core.rmem_max": 4096, "net.ipv4.tcp_rmem": "4096 131072 6291456"},
        "nics": [RING],
    }
    assert tuning.difference(host, wish) == {
        "kernel arguments": (None, "isolcpus=managed_irq,domain,2-3 nohz_full=2-3 rcu_nocbs=2-3 iommu=pt"),
        "hugepages of 2M": (10, 512),
        "net.core.rmem_max": ("212992", "4096"),
        "eth0 rings rx": (256, 1024),
        "new interrupts": ("0-3", "0-1"),
        "interrupts 24": ("0-3", "0-1"),
    }
    assert tuning.apply(host, wish) == []
    assert host.ran == [
        ("grub-mkconfig", "-o", host.path("/boot/grub/grub.cfg")),
        ("ethtool", "-G", "eth0", "rx", "1024"),
    ]
    assert list(tuning.difference(host, wish)) == ["eth0 rings rx"], "only this NIC is not real"


def test_a_reboot_is_awaited_while_the_kernel_has_other_arguments(host: _Host) -> None:
    wish = {**NOTHING, "kernel_arguments": ["iommu=pt"]}
    assert not tuning.reboot_reasons(host, NOTHING)
    assert tuning.reboot_reasons(host, wish), "check mode: nothing is written yet"
    tuning.apply(host, wish)
    put(Path(host.root), "/boot/grub/grub.cfg", "\tlinux (hd0,1)/boot/vmlinuz-6 root=UUID=1 ro quiet iommu=pt\n")
    assert tuning.reboot_reasons(host, wish) == ["its kernel was started with other arguments than GRUB gives"]
    put(Path(host.root), "/proc/cmdline", "BOOT_IMAGE=(hd0,1)/boot/vmlinuz-6 root=UUID=1 ro quiet iommu=pt\n")
    assert not tuning.reboot_reasons(host, wish)


VARIABLES = """\
set tuned_params="skew_tick=1 tsc=reliable"
function gfxmode {
\tset vt_handoff=vt.handoff=7
\tset vt_handoff=
}
\tlinux\t/boot/vmlinuz-6 root=UUID=1 ro $tuned_params $vt_handoff $none
"""


@pytest.mark.parametrize(
    ("line", "running"),
    [
        ("skew_tick=1 tsc=reliable vt.handoff=7", True),
        ("skew_tick=1 tsc=reliable", True),
        ("vt.handoff=7", False),
        ("", False),
        ("skew_tick=1 tsc=reliable vt.handoff=7 quiet", False),
    ],
)
def test_arguments_that_grub_has_in_variables_are_known(host: _Host, line: str, running: bool) -> None:
    put(Path(host.root), "/boot/grub/grub.cfg", VARIABLES)
    put(Path(host.root), "/proc/cmdline", f"BOOT_IMAGE=/boot/vmlinuz-6 root=UUID=1 ro {line}\n")
    assert boot.is_running(host) is running


def test_a_profile_with_kernel_arguments_awaits_a_reboot(host: _Host) -> None:
    root, wish = Path(host.root), {**NOTHING, "profile": "latency"}
    put(root, "/usr/sbin/tuned-adm", "")
    put(root, "/usr/lib/tuned/profiles/latency/tuned.conf", "[bootloader]\ncmdline_latency=skew_tick=1\n")
    assert tuning.problems(host, wish) == []
    awaited = ["its kernel was started with other arguments than GRUB gives"]
    assert tuning.reboot_reasons(host, wish) == awaited, "check mode: tuned was not told yet"
    put(root, "/etc/tuned/active_profile", "latency\n")
    put(root, "/etc/tuned/profile_mode", "manual\n")
    put(
        root,
        "/boot/grub/grub.cfg",
        'set tuned_params="skew_tick=1"\n\tlinux /vmlinuz root=UUID=1 ro quiet $tuned_params\n',
    )
    assert tuning.reboot_reasons(host, wish) == awaited
    put(root, "/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=UUID=1 ro quiet skew_tick=1\n")
    assert not tuning.reboot_reasons(host, wish)


@pytest.mark.parametrize(
    ("arguments", "removed", "expected"),
    [
        (["isolcpus=2-3", "iommu=pt"], [], "net.ifnames=0 isolcpus=2-3 iommu=pt|quiet "),
        (["hugepagesz=2M", "hugepages=4", "hugepagesz=1G", "hugepages=1"], ["quiet"],
         "isolcpus=1 net.ifnames=0 hugepagesz=2M hugepages=4 hugepagesz=1G hugepages=1|"),
    ],
)  # fmt: skip
def test_no_argument_is_there_twice(arguments: list[str], removed: list[str], expected: str) -> None:
    """A shell reads the file after the distribution's, as grub-mkconfig does."""
    script = (
        'GRUB_CMDLINE_LINUX="isolcpus=1 net.ifnames=0"\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'
        + boot.content(arguments, removed)
        + 'printf "%s|%s" "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT"'
    )
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout == expected


def test_the_file_is_as_it_was_when_grub_fails(host: _Host, monkeypatch: pytest.MonkeyPatch) -> None:
    boot.apply(host, ["iommu=pt"], [])
    before = host.read(boot.DROP_IN)

    def fail(*words: str) -> str:
        raise tuning.boot.TuningError("no space left")

    monkeypatch.setattr(host, "run", fail)
    with pytest.raises(tuning.boot.TuningError):
        boot.apply(host, ["iommu=off"], [])
    assert host.read(boot.DROP_IN) == before


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ([PAGES], []),
        ([{"size": "1G", "count": 4}], ["hugepagesz=1G", "hugepages=4"]),
        ([{"size": "1G", "count": n, "node": n} for n in (1, 2)], ["hugepagesz=1G", "hugepages=1:1,2:2"]),
        ([{"size": "1G", "count": 0}], []),
    ],
)
def test_large_pages_are_asked_for_at_boot(pages: list[dict[str, Any]], expected: list[str]) -> None:
    assert hugepages.arguments(pages) == expected


@given(st.sets(st.integers(0, 200), min_size=1))
def test_lists_of_processors_are_read_as_they_are_written(numbers: set[int]) -> None:
    assert cpus.parse_cpus(cpus.format_cpus(numbers)) == numbers
    assert interrupts.from_mask(interrupts.to_mask(numbers)) == numbers


def test_what_ethtool_prints() -> None:
    assert nics.limits_and_values(RINGS) == ({"rx": 4096, "tx": 4096}, {"rx": 256, "tx": 256})
    now, fixed = nics.features(FEATURES)
    assert now == {
        "rx-checksumming": True,
        "generic-receive-offload": True,
        "tx-checksumming": True,
        "tx-checksum-ipv4": False,
    }
    assert [name for name in fixed if fixed[name]] == ["rx-checksumming", "tx-checksum-ipv4"]
