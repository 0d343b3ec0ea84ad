"""What is decided about vDPA devices, on a sysfs of files and recorded answers of `vdpa`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import vdpa
from plugins.module_utils.vdpa import Kernel, VdpaError

FEATURES = ["MTU", "MAC", "STATUS", "CTRL_VQ", "CTRL_MAC_ADDR", "ANY_LAYOUT", "VERSION_1", "ACCESS_PLATFORM"]
MANAGERS = {
    "vduse": {"supported_classes": ["net", "block"], "max_supported_vqs": 0, "dev_features": []},
    "vdpasim_net": {"supported_classes": ["net"], "max_supported_vqs": 3, "dev_features": FEATURES},
    "pci/0000:3b:00.2": {"supported_classes": ["net"], "max_supported_vqs": 9, "dev_features": [*FEATURES, "MQ"]},
}
SHOWN = {"type": "network", "mgmtdev": "vdpasim_net", "vendor_id": 0, "max_vqs": 3, "max_vq_size": 256}
# The spaces are iproute2 6.15's.
CONFIG = {"mac": "02:00:00:00:00:0a", "link ": "up", "link_announce ": False, "mtu": 1400}
MAC = CONFIG["mac"]


class _Kernel(Kernel):  # type: ignore[misc]  # plugins are not typed
    """A sysfs of files with one device, vdpa0; what is done is written down."""

    def __init__(self, root: Path) -> None:
        super().__init__(str(root / "sys"), str(root / "proc"), str(root / "dev"))
        self.loaded = {"vhost_vdpa", "virtio_vdpa", "vdpa_sim_net"}
        self.did: list[str] = []
        self.held: list[str] = []
        self.override = ""
        for driver in ("vhost_vdpa", "virtio_vdpa"):
            (root / "sys/bus/vdpa/drivers" / driver).mkdir(parents=True)
        self.make("vdpa0", "virtio_vdpa")
        for name in ("dev", "proc", "sys/bus/pci/devices/0000:02:00.0"):
            (root / name).mkdir(parents=True)

    def make(self, name: str, driver: str = "") -> None:
        device = Path(self.sysfs) / "bus/vdpa/devices" / name
        (device / "virtio5/net/eth0" if driver == "virtio_vdpa" else device).mkdir(parents=True)
        if driver:
            (device / "driver").symlink_to(Path(self.sysfs) / "bus/vdpa/drivers" / driver)

    def run(self, *words: str) -> str:
        if words[:3] == ("modprobe", "--dry-run", "--verbose"):
            if words[3] == "nosuch":
                raise VdpaError("modprobe: FATAL: Module nosuch not found")
            return "" if words[3] in self.loaded else f"insmod /lib/modules/{words[3]}.ko\n"
        if words[:2] == ("vdpa", "-j"):
            there = (Path(self.sysfs) / "bus/vdpa/devices/vdpa0").exists()
            answers = {
                "mgmtdev show": {"mgmtdev": MANAGERS},
                "dev show": {"dev": {"vdpa0": SHOWN} if there else {}},
                "dev config show vdpa0": {"config": {"vdpa0": CONFIG}},
            }
            return json.dumps(answers[" ".join(words[2:])])
        self.did.append(" ".join(words))
        if words[:3] == ("vdpa", "dev", "add"):
            self.make(words[4])
        elif words[:3] == ("vdpa", "dev", "del"):
            shutil.rmtree(self.device(words[3]))
        return ""

    def write(self, path: str, value: str) -> None:
        self.did.append(f"{value.strip()} > {Path(path).name}")
        if path.endswith("driver_override"):
            self.override = value.strip()
        if path.endswith("drivers_probe"):
            driver = Path(self.device(value, "driver"))
            driver.unlink(missing_ok=True)
            driver.symlink_to(Path(self.sysfs) / "bus/vdpa/drivers" / self.override)

    def show(self, name: str) -> dict[str, Any]:
        return {"ifname": name}

    def addresses(self, name: str) -> list[str]:
        return self.held


@pytest.fixture
def kernel(tmp_path: Path) -> _Kernel:
    return _Kernel(tmp_path)


def wish(*devices: dict[str, Any], modules: tuple[str, ...] = (), group: str | None = None) -> dict[str, Any]:
    return {"devices": list(devices), "modules": list(modules), "group": group}


def device(name: str = "vdpa0", management_device: str = "vdpasim_net", **settings: object) -> dict[str, Any]:
    return {"name": name, "management_device": management_device, **settings}


@pytest.mark.parametrize(
    ("wished", "expected"),
    [
        (wish(device(mac=MAC, mtu=1400, driver="virtio_vdpa"), device("vdpa1", mac="02:00:00:00:00:0b")), []),
        (wish(device("vdpa1", queue_pairs=1)), []),
        (
            wish(device("vdpa1", "nosuch")),
            ["vdpa1: no such management device as nosuch; this host has pci/0000:3b:00.2, vdpasim_net, vduse"],
        ),
        # What a module that is to be loaded brings, is not known before.
        (wish(device("vdpa1", "nosuch"), modules=("mlx5_vdpa",)), []),
        (wish(modules=("nosuch",), group="no-such-group"), [
            "modules: the kernel has no module nosuch",
            "group: there is no group no-such-group",
        ]),
        (
            wish(device("vdpa1", queue_pairs=2), device("vdpa2", "pci/0000:3b:00.2", queue_pairs=8)),
            [
                "vdpa1: queue_pairs is 2, which vdpasim_net cannot set",
                "vdpa2: queue_pairs is 8, allowed are 1 to 4",
            ],
        ),
        (
            wish(device("vdpa1", "pci/0000:3b:00.9", pci_driver="vp_vdpa"), device("vdpa1", mac=MAC), device(mac=MAC)),
            [
                "vdpa1: no such PCI device as pci/0000:3b:00.9",
                "vdpa1: is described twice",
                f"mac {MAC} is described twice",
            ],
        ),
        (wish(device("vdpa1", "pci/0000:02:00.0", pci_driver="vp_vdpa")), []),
    ],
)  # fmt: skip
def test_every_problem_is_found_at_once(kernel: _Kernel, wished: dict[str, Any], expected: list[str]) -> None:
    assert vdpa.problems(kernel, wished) == expected


def test_a_vduse_device_waits_for_its_program(kernel: _Kernel) -> None:
    program = Path(kernel.dev) / "vduse/vdpa1"
    wished = wish(device("vdpa1", "vduse"))
    assert vdpa.problems(kernel, wished) == [f"vdpa1: a program has to make {program} first"]
    program.mkdir(parents=True)
    assert vdpa.problems(kernel, wished) == []


@pytest.mark.parametrize(
    ("wished", "refused"),
    [
        (device(mac=MAC, driver="virtio_vdpa"), False),
        (device(mac="02:00:00:00:00:0c"), True),
        (device(mtu=9000), True),
        (device(driver="vhost_vdpa"), True),
        (device(state="absent"), True),
    ],
)
def test_a_device_in_use_stays_as_it_is(kernel: _Kernel, wished: dict[str, Any], refused: bool) -> None:
    assert vdpa.problems(kernel, wish(wished)) == []
    kernel.held = ["192.0.2.1"]
    expected = ["vdpa0: would change, and is in use: its interface eth0 has the address 192.0.2.1"]
    assert vdpa.problems(kernel, wish(wished)) == (expected if refused else [])
    (Path(kernel.device("vdpa0")) / "virtio5/net/eth0").rmdir()
    elsewhere = "its interface is in another network namespace (a pod or container has it)"
    expected = [f"vdpa0: would change, and is in use: {elsewhere}"]
    assert vdpa.problems(kernel, wish(wished)) == (expected if refused else [])


ADD = "vdpa dev add name vdpa1 mgmtdev vdpasim_net"


@pytest.mark.parametrize(
    ("wished", "expected"),
    [
        (wish(device(mac=MAC, mtu=1400, queue_pairs=1, driver="virtio_vdpa")), []),
        (wish(device("vdpa9", state="absent")), []),
        (wish(modules=("vdpa_sim_net", "vduse")), ["modprobe vduse"]),
        (wish(device("vdpa1", mac=MAC, mtu=1500, queue_pairs=1)), [f"{ADD} mac {MAC} mtu 1500"]),
        (
            wish(device("vdpa1", driver="vhost_vdpa")),
            [ADD, "vhost_vdpa > driver_override", "vdpa1 > drivers_probe"],
        ),
        (
            wish(device(driver="vhost_vdpa")),
            ["vhost_vdpa > driver_override", "vdpa0 > unbind", "vdpa0 > drivers_probe"],
        ),
        (wish(device(state="absent")), ["vdpa dev del vdpa0"]),
    ],
)
def test_only_what_differs_is_done(kernel: _Kernel, wished: dict[str, Any], expected: list[str]) -> None:
    assert bool(vdpa.difference(kernel, wished)) is bool(expected)
    vdpa.apply(kernel, wished)
    assert kernel.did == expected


def test_another_mac_means_another_device(kernel: _Kernel) -> None:
    wished = wish(device(mac="02:00:00:00:00:0c"))
    assert vdpa.difference(kernel, wished) == {"vdpa0 mac": (MAC, "02:00:00:00:00:0c")}
    vdpa.apply(kernel, wished)
    assert kernel.did == ["vdpa dev del vdpa0", "vdpa dev add name vdpa0 mgmtdev vdpasim_net mac 02:00:00:00:00:0c"]
