"""The role `vdpa` on the kernel's simulated device: settings, permissions, refusals, reboot, repair, removal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.metal.conftest import Guest
from tests.metal.roles import play_role, reboot
from tests.support.play import Play

MACS = ("02:00:00:00:00:0a", "02:00:00:00:00:0b")
WISH: dict[str, Any] = {
    "vdpa_modules": ["vdpa_sim_net"],
    "vdpa_vduse": True,
    "vdpa_group": "kvm",
    "vdpa_devices": [
        {"name": "vdpa0", "management_device": "vdpasim_net", "mac": MACS[0], "mtu": 1400, "driver": "vhost_vdpa"},
        {"name": "vdpa1", "management_device": "vdpasim_net", "mac": MACS[1], "driver": "virtio_vdpa"},
    ],
}
INTERFACE = "/sys/bus/vdpa/devices/vdpa1/virtio*/net/*"


@pytest.fixture(scope="module")
def guest(metal: dict[str, Guest]) -> Guest:
    return metal["metal1"]


@pytest.fixture(scope="module")
def role(guest: Guest, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Play]:
    """`role(wish)` runs the role on metal1; `tasks="precheck"` one of its parts."""
    folder = tmp_path_factory.mktemp("vdpa")

    def run(wish: dict[str, Any], *arguments: str, tasks: str = "main") -> Play:
        return play_role(folder, "vdpa", tasks, guest.name, *arguments, variables=wish)

    return run


@pytest.fixture(scope="module")
def made(guest: Guest, role: Callable[..., Play]) -> Guest:
    """The guest with its devices."""
    assert role(WISH).succeeded().changed[guest.name] > 0
    return guest


def seen(guest: Guest) -> dict[str, Any]:
    """The devices, as the guest's kernel tells."""
    shown = json.loads(guest.run("vdpa -j dev config show", check=False, timeout=180).stdout or "{}").get("config", {})
    drivers = "for d in /sys/bus/vdpa/devices/*; do basename $(readlink $d/driver); done"
    files = "stat --format '%n %G %a' /dev/vhost-vdpa-0 /dev/vduse/control"
    return {
        "devices": [(name, shown[name]["mac"], shown[name]["mtu"]) for name in sorted(shown)],
        "drivers": guest.run(drivers, check=False, timeout=180).stdout.split(),
        "files": guest.run(files, check=False, timeout=180).stdout.splitlines(),
        "interface": len(guest.run(f"ls -d {INTERFACE}", check=False).stdout.splitlines()),
    }


AS_WISHED = {
    "devices": [("vdpa0", MACS[0], 1400), ("vdpa1", MACS[1], 1500)],
    "drivers": ["vhost_vdpa", "virtio_vdpa"],
    "files": ["/dev/vhost-vdpa-0 kvm 660", "/dev/vduse/control kvm 660"],
    "interface": 1,
}


def test_every_problem_is_said_at_once_and_nothing_changes(guest: Guest, role: Callable[..., Play]) -> None:
    wrong = [
        {"name": "vdpa0", "management_device": "pci/0000:7f:00.0"},
        WISH["vdpa_devices"][1],
        WISH["vdpa_devices"][1],
    ]
    refused = role({"vdpa_devices": wrong, "vdpa_modules": ["mlx9_vdpa"], "vdpa_group": "nobodys"})
    refused.refused("modules: the kernel has no module mlx9_vdpa")
    refused.refused("group: there is no group nobodys")
    refused.refused("vdpa1: is described twice")
    assert not guest.run("vdpa dev show", check=False).stdout
    assert not guest.run("test -e /etc/weft/vdpa.json", check=False).ok


def test_the_devices_are_as_described(made: Guest) -> None:
    assert seen(made) == AS_WISHED


def test_the_second_run_changes_nothing(made: Guest, role: Callable[..., Play]) -> None:
    assert role(WISH).succeeded().changed == {made.name: 0}


def test_check_mode_shows_a_change_and_makes_none(made: Guest, role: Callable[..., Play]) -> None:
    other = {**WISH, "vdpa_devices": [{**WISH["vdpa_devices"][0], "mtu": 1300}]}
    assert '"vdpa0 mtu": 1300' in role(other, "--check", "--diff").succeeded().text
    assert seen(made) == AS_WISHED


def test_devices_in_use_and_what_a_management_device_cannot_are_refused(made: Guest, role: Callable[..., Play]) -> None:
    made.run(f"ip netns add taken; ip link set $(basename {INTERFACE}) netns taken")
    holder = made.run("sleep 600 <>/dev/vhost-vdpa-0 >/dev/null 2>&1 & echo $!").stdout
    try:
        devices = [{**device, "mtu": 1300} for device in WISH["vdpa_devices"]]
        more = {"name": "vdpa2", "management_device": "vdpasim_net", "queue_pairs": 4}
        refused = role({**WISH, "vdpa_devices": [*devices, more]}, tasks="precheck")
        refused.refused("vdpa0: would change, and is in use: a process has /dev/vhost-vdpa-0 open")
        refused.refused("vdpa1: would change, and is in use: its interface is in another network namespace")
        refused.refused("vdpa2: queue_pairs is 4, which vdpasim_net cannot set")
    finally:
        made.run(f"kill {holder}; ip netns delete taken")


def test_an_operators_later_change_is_mended(made: Guest, role: Callable[..., Play]) -> None:
    made.run("vdpa dev del vdpa1; chmod 600 /dev/vhost-vdpa-0")
    assert role(WISH).succeeded().changed == {made.name: 1}
    assert seen(made) == AS_WISHED


def test_the_devices_are_there_after_a_reboot(made: Guest, eventually: Callable[..., None]) -> None:
    reboot(made, eventually, sign="systemctl is-active weft-vdpa", within=900)
    assert seen(made) == AS_WISHED


def test_removal_takes_them_away(made: Guest, role: Callable[..., Play]) -> None:
    role(WISH, tasks="remove").succeeded()
    assert (seen(made)["devices"], seen(made)["interface"]) == ([], 0)
    left = "ls /etc/systemd/system/weft-vdpa.service /etc/weft/vdpa.json /usr/local/lib/weft/vdpa_boot"
    assert not made.run(left, check=False).stdout
