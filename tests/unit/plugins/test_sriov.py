"""What the virtual functions' logic decides, on a sysfs of files: problems, differences, the words for `ip`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import sriov
from plugins.module_utils.sriov import (
    Kernel,
    changed_settings,
    difference,
    examine,
    present,
    wished_functions,
    words_of,
)

PF = "0000:01:00.0"


def make_nic(sysfs: Path, *, total: int = 7, count: int = 0, iommu: bool = True) -> None:
    """An Intel 82576 named enp1s0; its functions, where there are any, are in another network namespace."""
    device = sysfs / "bus/pci/devices" / PF
    (device / "net/enp1s0").mkdir(parents=True)
    contents = {"vendor": "0x8086", "device": "0x10c9", "sriov_totalvfs": str(total), "sriov_numvfs": str(count)}
    for name, text in contents.items():
        (device / name).write_text(text + "\n")
    (sysfs / "bus/pci/drivers/igbvf").mkdir(parents=True)
    for index in range(count):
        function = sysfs / "bus/pci/devices" / f"0000:01:10.{index}"
        function.mkdir()
        (function / "class").write_text("0x020000\n")
        (function / "driver").symlink_to(sysfs / "bus/pci/drivers/igbvf")
        (device / f"virtfn{index}").symlink_to(function)
    if iommu:
        (sysfs / "kernel/iommu_groups/1").mkdir(parents=True)


NAMED = {"name": "enp1s0", "count": 2}
MAC = "02:00:00:00:00:01"


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ([NAMED], []),
        ([{"address": PF, "count": 7}], []),
        ([{"vendor": "8086", "device": "10c9", "count": 0}], []),
        ([{"name": "ens9", "count": 1}], ["name=ens9: no such NIC with SR-IOV; this host has enp1s0 (0000:01:00.0)"]),
        ([{"count": 1}], ["a NIC without name, address, vendor or device: one of them is needed"]),
        ([{"name": "enp1s0", "count": 8}], ["enp1s0 (0000:01:00.0): count is 8, the NIC has at most 7"]),
        (
            [{**NAMED, "functions": [{"index": 2}]}],
            ["enp1s0 (0000:01:00.0): functions has index 2, with count 2 allowed are 0 to 1"],
        ),
        (
            [NAMED, {"address": PF, "count": 2}],
            [f"address={PF}: enp1s0 is described twice, first by name=enp1s0"],
        ),
        (
            [{**NAMED, "functions": [{"index": 0, "mac": MAC}, {"index": 1, "mac": MAC}]}],
            [f"enp1s0: function 1 has the MAC {MAC} of enp1s0's function 0"],
        ),
        (
            [{"name": "ens9", "count": 1}, {"name": "enp1s0", "count": 9, "functions": [{"index": 9}]}],
            [
                "name=ens9: no such NIC with SR-IOV; this host has enp1s0 (0000:01:00.0)",
                "enp1s0 (0000:01:00.0): count is 9, the NIC has at most 7",
                "enp1s0 (0000:01:00.0): functions has index 9, with count 9 allowed are 0 to 8",
            ],
        ),
    ],
)
def test_every_problem_is_found_at_once(tmp_path: Path, wishes: list[dict[str, Any]], expected: list[str]) -> None:
    make_nic(tmp_path)
    assert examine(Kernel(str(tmp_path)), wishes)[1] == expected


def test_a_nic_is_present_when_its_driver_has_made_its_interface(tmp_path: Path) -> None:
    kernel, wishes = Kernel(str(tmp_path)), [{"address": PF, "count": 1}]
    assert not present(kernel, wishes)
    make_nic(tmp_path)
    assert present(kernel, wishes)
    (tmp_path / "bus/pci/devices" / PF / "net/enp1s0").rmdir()
    assert not present(kernel, wishes)


@pytest.mark.parametrize(("iommu", "problems"), [(True, 0), (False, 1)])
def test_vfio_needs_an_iommu(tmp_path: Path, iommu: bool, problems: int) -> None:
    make_nic(tmp_path, iommu=iommu)
    found = examine(Kernel(str(tmp_path)), [{**NAMED, "all_functions": {"driver": "vfio-pci"}}])[1]
    assert len(found) == problems
    assert all("needs an IOMMU" in problem for problem in found)


@pytest.mark.parametrize(("count", "problems"), [(2, 0), (3, 2), (0, 2)])
def test_the_number_of_functions_in_use_stays(tmp_path: Path, count: int, problems: int) -> None:
    make_nic(tmp_path, count=2)
    found = examine(Kernel(str(tmp_path)), [{"name": "enp1s0", "count": count}])[1]
    assert len(found) == problems
    assert all("is in use: its interface is in another network namespace" in problem for problem in found)


def test_a_functions_own_settings_come_before_those_of_all() -> None:
    wish = {
        "count": 2,
        "all_functions": {"vlan": 5, "trust": None},
        "functions": [{"index": 1, "vlan": 6, "trust": True}],
    }
    assert wished_functions(wish) == {0: {"vlan": 5}, 1: {"vlan": 6, "trust": True}}


HAD = {"mac": MAC, "vlan": 0, "qos": 0, "spoof_check": True, "trust": False, "min_tx_rate": 0, "max_tx_rate": 0}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, []),
        (HAD, []),
        ({"qos": 3}, [["vlan", "0", "qos", "3"]]),
        ({"vlan": 100, "qos": 3}, [["vlan", "100", "qos", "3"]]),
        ({"min_tx_rate": 5}, [["max_tx_rate", "0", "min_tx_rate", "5"]]),
        ({"spoof_check": False, "trust": True}, [["spoofchk", "off"], ["trust", "on"]]),
        ({"link_state": "up"}, [["state", "enable"]]),
        ({"mac": "02:00:00:00:00:02"}, [["mac", "02:00:00:00:00:02"]]),
    ],
)
def test_only_what_differs_is_told(wanted: dict[str, Any], expected: list[list[str]]) -> None:
    assert [words_of(name, {**HAD, **wanted}) for name in changed_settings(HAD, wanted)] == expected


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"count": 1}, ({}, {})),
        ({"count": 1, "mtu": 1500, "all_functions": {"trust": False}}, ({}, {})),
        (
            {"count": 1, "all_functions": {"trust": True}},
            ({"function 0": {"trust": False}}, {"function 0": {"trust": True}}),
        ),
        (
            {"count": 2, "mtu": 9000, "functions": [{"index": 0, "trust": False}]},
            (
                {"count": 1, "mtu": 1500, "function 0": {"trust": None}},
                {"count": 2, "mtu": 9000, "function 0": {"trust": False}},
            ),
        ),
    ],
)
def test_the_difference_names_what_is_wished_and_is_not(wish: dict[str, Any], expected: tuple[Any, Any]) -> None:
    assert difference({"count": 1, "mtu": 1500, "functions": {0: HAD}}, wish) == expected


def test_drivers_that_udev_loads_find_functions_that_they_may_not_take_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_nic(tmp_path)
    device, did = tmp_path / "bus/pci/devices" / PF, []

    def settle() -> None:
        did.append([(device / name).read_text() for name in ("sriov_numvfs", "sriov_drivers_autoprobe")])

    monkeypatch.setattr(sriov, "settle", settle)
    sriov.make_functions(Kernel(str(tmp_path)), {"address": PF, "count": 0}, 2)
    assert did == [["2", "0"]]
    assert (device / "sriov_drivers_autoprobe").read_text() == "1"
