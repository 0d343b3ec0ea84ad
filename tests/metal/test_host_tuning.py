"""The role `host_tuning` on a guest that GRUB starts: before it, after it, and after a reboot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.metal.conftest import Guest
from tests.metal.roles import play_role, start_again
from tests.support.play import Play

NIC = "enp1s0"
WISH: dict[str, Any] = {
    "host_tuning_hugepages": [{"size": "2M", "count": 64}],
    "host_tuning_isolated_cpus": "1",
    "host_tuning_interrupt_cpus": "0",
    "host_tuning_kernel_arguments": ["intel_iommu=on", "iommu=pt"],
    "host_tuning_removed_kernel_arguments": ["quiet"],
    # No transparent hugepages, `skew_tick=1` and others for the kernel, and 50 where we want 40.
    "host_tuning_profile": "network-latency",
    "host_tuning_sysctls": {"net.core.rmem_max": 4194304, "net.core.busy_read": 40},
    "host_tuning_nics": [{"name": NIC, "rings": {"rx": 1024}, "offloads": {"generic-receive-offload": False}}],
}
ARGUMENTS = "isolcpus=managed_irq,domain,1 nohz_full=1 rcu_nocbs=1 intel_iommu=on iommu=pt"
PROFILES = "skew_tick=1 tsc=reliable rcupdate.rcu_normal_after_boot=1"


@pytest.fixture(scope="module")
def grub_guest(metal: dict[str, Guest], eventually: Callable[..., None]) -> Iterator[Guest]:
    """metal1 with two processors, started from its disk."""
    guest = metal["metal1"]
    start_again(guest, eventually, lab_guest_boot="disk", lab_guest_cpus=2)
    yield guest
    start_again(guest, eventually)


@pytest.fixture(scope="module")
def tune(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Play]:
    """`tune(wish)` runs the role on metal1; `tasks="reboot"` another of its parts."""
    folder = tmp_path_factory.mktemp("tuning")

    def run(wish: dict[str, Any], *arguments: str, tasks: str = "main") -> Play:
        return play_role(folder, "host_tuning", tasks, "metal1", *arguments, variables=wish, timeout=1500)

    return run


@pytest.fixture(scope="module")
def tuned(grub_guest: Guest, tune: Callable[..., Play]) -> Guest:
    """The guest as wished for, as far as it could be without a reboot."""
    tune(WISH).succeeded()
    return grub_guest


def seen(guest: Guest) -> dict[str, Any]:
    """What the role is about, as the guest's kernel tells it."""
    names = {
        "hugepages": "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
        "new interrupts": "/proc/irq/default_smp_affinity",
        "rmem_max": "/proc/sys/net/core/rmem_max",
        "busy_read": "/proc/sys/net/core/busy_read",
        "transparent hugepages": "/sys/kernel/mm/transparent_hugepage/enabled",
    }
    ring, offload = f"ethtool -g {NIC}", f"ethtool -k {NIC} | grep ^generic-receive-offload"
    found = {key: guest.run(["cat", path]).stdout for key, path in names.items()}
    current = guest.run(ring).stdout.partition("Current")[2]
    found["rx ring"] = next(line.split()[1] for line in current.splitlines() if line.startswith("RX:"))
    found["receive offload"] = guest.run(offload).stdout.split()[1]
    return found


AS_WISHED = {
    "hugepages": "64",
    "new interrupts": "1",
    "rmem_max": "4194304",
    "busy_read": "40",
    "transparent hugepages": "always madvise [never]",
    "rx ring": "1024",
    "receive offload": "off",
}


def test_every_problem_is_said_at_once_and_nothing_changes(grub_guest: Guest, tune: Callable[..., Play]) -> None:
    wrong = {
        "host_tuning_hugepages": [{"size": "2M", "count": 4000}],
        "host_tuning_isolated_cpus": "1-4",
        "host_tuning_nics": [{"name": "ens9"}, {"name": NIC, "rings": {"rx": 8192}}],
        "host_tuning_profile": "fast",
    }
    before = seen(grub_guest)
    refused = tune(wrong)
    refused.refused("hugepages: 8000 MiB are wished for; this host has")
    refused.refused("isolated_cpus has 2-4; this host has processors 0-1")
    refused.refused("nics: ens9: no such NIC")
    refused.refused(f"nics: {NIC}: rings: rx is 8192, allowed are 0 to 4096")
    refused.refused("profile: tuned has no fast; it has accelerator-performance, ")
    assert seen(grub_guest) == before
    assert not grub_guest.run("test -e /etc/weft/tuning.json", check=False).ok


def test_it_is_tuned_while_it_runs(tuned: Guest) -> None:
    assert seen(tuned) == AS_WISHED


def test_check_mode_shows_a_change_and_makes_none(tuned: Guest, tune: Callable[..., Play]) -> None:
    shown = tune({**WISH, "host_tuning_hugepages": [{"size": "2M", "count": 32}]}, "--check", "--diff").succeeded()
    assert '"hugepages of 2M": 32' in shown.text
    assert seen(tuned) == AS_WISHED


def test_a_reboot_gives_the_rest_and_keeps_what_was(tuned: Guest, tune: Callable[..., Play]) -> None:
    before = tuned.run("cat /proc/sys/kernel/random/boot_id /proc/cmdline").stdout.splitlines()
    assert ARGUMENTS not in before[1]
    assert PROFILES not in before[1]
    assert tune(WISH, tasks="reboot").succeeded().changed["metal1"] > 0
    after = tuned.run("cat /proc/sys/kernel/random/boot_id /proc/cmdline").stdout.splitlines()
    assert after[0] != before[0]
    assert ARGUMENTS in after[1]
    assert after[1].endswith(PROFILES)
    assert "quiet" not in after[1].split()
    assert tuned.run("cat /sys/devices/system/cpu/isolated").stdout == "1"
    assert seen(tuned) == AS_WISHED


def test_the_second_run_changes_nothing_and_starts_nothing_again(tuned: Guest, tune: Callable[..., Play]) -> None:
    assert tune(WISH).succeeded().changed == {"metal1": 0}
    assert tune(WISH, tasks="reboot").succeeded().changed == {"metal1": 0}


def test_an_argument_of_the_operators_own_is_not_there_twice(tuned: Guest) -> None:
    tuned.run("echo 'GRUB_CMDLINE_LINUX=\"iommu=off net.ifnames=1\"' >/etc/default/grub.d/10-own.cfg && update-grub")
    line = tuned.run("grep -m1 ^[[:space:]]*linux /boot/grub/grub.cfg").stdout.split()
    tuned.run("rm /etc/default/grub.d/10-own.cfg && update-grub")
    assert [word for word in line if word.startswith(("iommu=", "net."))] == ["net.ifnames=1", "iommu=pt"]


def test_removal_gives_it_back(tuned: Guest, tune: Callable[..., Play]) -> None:
    tune(WISH, tasks="remove").succeeded()
    assert tune(WISH, tasks="remove").succeeded().changed == {"metal1": 0}
    assert seen(tuned)["hugepages"] == "0"
    assert tuned.run("cat /etc/tuned/profile_mode").stdout == "auto"
    given = tuned.run("cat /boot/grub/grub.cfg").stdout
    assert not any(word in given for word in ("isolcpus", "skew_tick"))
    left = "ls /etc/systemd/system/weft-tuning.service /etc/weft/tuning.json /usr/local/lib/weft/tuning"
    assert not tuned.run(left, check=False).stdout
