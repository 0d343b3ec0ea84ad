"""The role `sriov` on an emulated Intel 82576: settings as the kernel shows them, packets, refusals, a reboot."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.metal.conftest import Guest
from tests.metal.roles import play_role, reboot
from tests.support.play import Play

NIC = "enp1s0"
ADDRESS = "0000:01:00.0"
MACS = {"metal1": "02:00:00:00:21:00", "metal2": "02:00:00:00:22:00"}


def wish(guest: str) -> list[dict[str, Any]]:
    """One function in a VLAN with a MAC of its own, one with other settings, one for a process in user space."""
    return [
        {
            "address": ADDRESS,
            "count": 3,
            "mtu": 1600,
            "all_functions": {"trust": False},
            "functions": [
                {"index": 0, "mac": MACS[guest], "vlan": 100, "qos": 3, "spoof_check": True, "mtu": 1400},
                {"index": 1, "max_tx_rate": 200, "spoof_check": False, "trust": True},
                {"index": 2, "driver": "vfio-pci"},
            ],
        }
    ]


@pytest.fixture(scope="module")
def sriov(metal: dict[str, Guest], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Play]]:
    """`sriov("metal1", nics)` runs the role on one guest, `tasks="precheck"` one of its parts."""
    folder = tmp_path_factory.mktemp("sriov")

    def run(guest: str, nics: list[dict[str, Any]], *arguments: str, tasks: str = "main") -> Play:
        variables = {"sriov_nics": nics, "sriov_device_plugin_profiles": ["mellanox", "yusur"]}
        return play_role(folder, "sriov", tasks, guest, *arguments, variables=variables, timeout=600)

    yield run
    for name, guest in metal.items():
        release(guest)
        if count(guest) != "0":
            run(name, wish(name), tasks="remove").succeeded()


@pytest.fixture(scope="module")
def made(metal: dict[str, Guest], sriov: Callable[..., Play]) -> Guest:
    """metal1 with its functions."""
    sriov("metal1", wish("metal1")).succeeded()
    return metal["metal1"]


def count(guest: Guest) -> str:
    return guest.run(f"cat /sys/class/net/{NIC}/device/sriov_numvfs").stdout


def functions(guest: Guest) -> list[dict[str, Any]]:
    shown = json.loads(guest.run(["ip", "-json", "-details", "link", "show", "dev", NIC]).stdout)
    return list(shown[0].get("vfinfo_list", []))


def driver(guest: Guest, index: int) -> str:
    return guest.run(f"basename $(readlink /sys/class/net/{NIC}/device/virtfn{index}/driver)", check=False).stdout


def interface(guest: Guest, index: int) -> str:
    return guest.run(f"ls /sys/class/net/{NIC}/device/virtfn{index}/net").stdout


def release(guest: Guest) -> None:
    """No function has an address, which would count as being used."""
    every = f"/sys/class/net/{NIC}/device/virtfn*/net/*"
    guest.run(f"for link in {every}; do ip address flush dev ${{link##*/}}; done", check=False)


def as_wished(guest: Guest) -> None:
    first, second, _ = functions(guest)
    assert (first["address"], first["spoofchk"], first["trust"]) == (MACS[guest.name], True, False)
    assert (first["vlan_list"][0]["vlan"], first["vlan_list"][0]["qos"]) == (100, 3)
    assert (second["rate"]["max_tx"], second["spoofchk"], second["trust"]) == (200, False, True)
    assert [driver(guest, index) for index in range(3)] == ["igbvf", "igbvf", "vfio-pci"]
    name = interface(guest, 0)
    assert guest.run(f"cat /sys/class/net/{name}/address /sys/class/net/{name}/mtu").stdout.split() == [
        MACS[guest.name],
        "1400",
    ]
    assert guest.run(f"cat /sys/class/net/{NIC}/mtu").stdout == "1600"


def test_every_problem_is_said_at_once_and_nothing_changes(metal: dict[str, Guest], sriov: Callable[..., Play]) -> None:
    wrong = [{"name": "ens9", "count": 1}, {"vendor": "8086", "count": 8, "functions": [{"index": 8}]}]
    seen = sriov("metal1", wrong)
    seen.refused("name=ens9: no such NIC with SR-IOV; this host has enp1s0 (0000:01:00.0)")
    seen.refused("count is 8, the NIC has at most 7")
    seen.refused("functions has index 8, with count 8 allowed are 0 to 7")
    assert functions(metal["metal1"]) == []
    assert not metal["metal1"].run("test -e /etc/weft/sriov.json", check=False).ok


def test_the_functions_are_as_described(made: Guest) -> None:
    as_wished(made)


def test_the_second_run_changes_nothing(made: Guest, sriov: Callable[..., Play]) -> None:
    assert sriov("metal1", wish("metal1")).succeeded().changed == {"metal1": 0}


def test_check_mode_shows_a_change_and_makes_none(made: Guest, sriov: Callable[..., Play]) -> None:
    changed = wish("metal1")
    changed[0]["functions"][1]["max_tx_rate"] = 300
    seen = sriov("metal1", changed, "--check", "--diff").succeeded()
    assert seen.changed["metal1"] > 0
    assert '"max_tx_rate": 300' in seen.text
    assert functions(made)[1]["rate"]["max_tx"] == 200


def test_the_device_plugin_is_told_its_resources(made: Guest) -> None:
    said = json.loads(made.run("cat /etc/pcidp/config.json").stdout)
    assert [item["resourceName"] for item in said["resourceList"]] == ["cx5_sriov_switchdev", "sriov_dpu"]


def test_the_number_of_functions_in_use_is_not_changed(made: Guest, sriov: Callable[..., Play]) -> None:
    made.run(f"ip netns add taken; ip link set {interface(made, 0)} netns taken")
    try:
        fewer = [{"name": NIC, "count": 1}]
        sriov("metal1", fewer, tasks="precheck").refused(
            "count would change from 3 to 1, and function 0 is in use: its interface is in another network namespace"
        )
        assert len(functions(made)) == 3
    finally:
        made.run("ip netns delete taken")


def test_the_functions_are_there_after_a_reboot(made: Guest, eventually: Callable[..., None]) -> None:
    reboot(made, eventually, sign="systemctl is-active weft-sriov")
    as_wished(made)


def test_removal_takes_them_away(made: Guest, sriov: Callable[..., Play]) -> None:
    sriov("metal1", wish("metal1"), tasks="remove").succeeded()
    assert count(made) == "0"
    left = "ls /etc/systemd/system/weft-sriov.service /etc/weft/sriov.json /usr/local/lib/weft/sriov.py /etc/pcidp/*"
    assert not made.run(left, check=False).stdout
    assert sriov("metal1", wish("metal1"), tasks="remove").succeeded().changed == {"metal1": 0}
