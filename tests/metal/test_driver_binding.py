"""The module `driver_binding` on a virtio NIC behind an IOMMU: to user space and back, and refused while in use."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.metal.conftest import Guest, metal_play
from tests.support.play import Play

DEVICE = "0000:02:00.0"
LINK = "eth2"


@pytest.fixture
def bind(metal: dict[str, Guest], tmp_path: Path) -> Callable[..., Play]:
    """`bind("vfio-pci")` runs the module on metal2; without a driver the kernel has its choice again."""

    def run(driver: str | None, address: str = DEVICE) -> Play:
        device = {"address": address, **({"driver": driver} if driver else {})}
        path = tmp_path / "bind.yml"
        task = f"weft.ovn.driver_binding: {json.dumps({'devices': [device]})}"
        path.write_text(f"- hosts: metal2\n  gather_facts: false\n  tasks:\n    - {task}\n")
        return metal_play(path)

    return run


def driver(guest: Guest) -> str:
    return guest.run(f"basename $(readlink /sys/bus/pci/devices/{DEVICE}/driver)").stdout


def test_a_device_goes_to_user_space_and_back(metal: dict[str, Guest], bind: Callable[..., Play]) -> None:
    guest = metal["metal2"]
    assert bind("vfio-pci").succeeded().changed == {"metal2": 1}
    assert driver(guest) == "vfio-pci"
    assert bind("vfio-pci").succeeded().changed == {"metal2": 0}
    assert bind(None).succeeded().changed == {"metal2": 1}
    assert driver(guest) == "virtio-pci"


def test_a_device_in_use_keeps_its_driver(metal: dict[str, Guest], bind: Callable[..., Play]) -> None:
    guest = metal["metal2"]
    guest.run(f"ip address add 10.9.9.2/24 dev {LINK}")
    try:
        bind("vfio-pci").refused("it is in use: its interface")
        assert driver(guest) == "virtio-pci"
    finally:
        guest.run(f"ip address flush dev {LINK}")


def test_an_unknown_device_is_named_with_those_there_are(bind: Callable[..., Play]) -> None:
    bind("vfio-pci", "0000:7f:00.0").refused("0000:7f:00.0: no such PCI device; this host has 0000:00:00.0")
