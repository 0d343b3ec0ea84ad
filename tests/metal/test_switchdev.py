"""The role `switchdev` on netdevsim: representors in Open vSwitch, a flow in tc, refusals, reboot, repair, removal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.metal.conftest import CHECKOUT, Guest
from tests.metal.roles import play_role, reboot
from tests.support.play import Play

FIRST, SECOND = "netdevsim/netdevsim1", "netdevsim/netdevsim2"
WISH: dict[str, Any] = {
    "switchdev_devices": [
        {"device": FIRST, "mode": "switchdev", "tc_offload": True, "representors": "a_"},
        {"device": "eni2np1", "mode": "switchdev", "tc_offload": True},
    ],
    "switchdev_bonds": [
        {"name": "bond1", "members": [FIRST, SECOND], "mtu": 1400, "addresses": ["172.31.9.1/24"]},
    ],
}
# In place of the drivers of two NICs, and of the role sriov.
NICS = CHECKOUT / "extensions" / "molecule" / "switchdev" / "files" / "netdevsim.service"
# A packet comes out of one NIC's wire into the other's: the bond's members are cabled to each other.
CABLE = """\
exec 5</proc/self/ns/net
index() { cat /sys/class/net/$1/ifindex; }
echo "5:$(index eni1np1) 5:$(index eni2np1)" >/sys/bus/netdevsim/link_device
"""


@pytest.fixture(scope="module")
def guest(metal: dict[str, Guest]) -> Iterator[Guest]:
    """metal1 with two NICs and Open vSwitch."""
    guest = metal["metal1"]
    guest.run("cat >/etc/systemd/system/netdevsim.service", stdin=NICS.read_text())
    guest.run(
        "systemctl daemon-reload && systemctl enable netdevsim openvswitch-switch && "
        "systemctl restart netdevsim && systemctl start openvswitch-switch",
        timeout=180,
    )
    yield guest
    guest.run("ovs-vsctl --if-exists del-br br-test; systemctl disable --now netdevsim", timeout=180, check=False)
    guest.run("rm -f /etc/systemd/system/netdevsim.service && systemctl daemon-reload", timeout=180)


@pytest.fixture(scope="module")
def role(guest: Guest, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Play]:
    """`role(wish)` runs the role on metal1; `tasks="precheck"` one of its parts."""
    folder = tmp_path_factory.mktemp("switchdev")

    def run(wish: dict[str, Any], *arguments: str, tasks: str = "main") -> Play:
        return play_role(folder, "switchdev", tasks, guest.name, *arguments, variables=wish)

    return run


@pytest.fixture(scope="module")
def made(guest: Guest, role: Callable[..., Play]) -> Guest:
    """The guest as wished."""
    assert role(WISH).succeeded().changed[guest.name] > 0
    return guest


def seen(guest: Guest) -> dict[str, Any]:
    """What the role is about, as the guest's kernel and Open vSwitch tell it."""
    script = (
        "devlink -j dev eswitch show netdevsim/netdevsim1; ls /sys/bus/netdevsim/devices/netdevsim1/net | xargs; "
        "ethtool -k eni1np1 | grep hw-tc; cat /sys/class/net/bond1/bonding/slaves /sys/class/net/bond1/mtu; "
        "ip -json address show dev bond1; ovs-vsctl get Open_vSwitch . other_config"
    )
    eswitch, netdevs, offload, *bond = guest.run(script, check=False, timeout=180).stdout.splitlines()
    found = {
        "mode": json.loads(eswitch)["dev"]["netdevsim/netdevsim1"]["mode"],
        "interfaces": netdevs.split(),
        "offload": offload.split()[1],
        "switch": bond.pop(),
    }
    if bond:
        addresses = [item["local"] for item in json.loads(bond[2])[0]["addr_info"] if item["scope"] == "global"]
        found["bond"] = (sorted(bond[0].split()), bond[1], addresses)
    return found


BEFORE = {"mode": "legacy", "interfaces": ["eni1np1"], "offload": "off", "switch": "{}"}
AS_WISHED = {
    "mode": "switchdev",
    "interfaces": ["a_pf0vf0", "a_pf0vf1", "eni1np1"],
    "offload": "on",
    "bond": (["eni1np1", "eni2np1"], "1400", ["172.31.9.1"]),
    "switch": '{hw-offload="true", tc-policy=none}',
}


def test_every_problem_is_said_at_once_and_nothing_changes(guest: Guest, role: Callable[..., Play]) -> None:
    wrong = [
        {"device": "enp1s0", "mode": "switchdev"},
        {"device": FIRST, "steering_mode": "smfs", "encap_mode": "basic"},
    ]
    bonds = [{"name": "bond1", "members": [FIRST, SECOND]}]
    refused = role({"switchdev_devices": wrong, "switchdev_bonds": bonds})
    refused.refused(f"enp1s0: no such device with devlink; this host has {FIRST}, {SECOND}")
    refused.refused(f"{FIRST}: encap_mode is basic, and its driver has no such setting")
    refused.refused(f"{FIRST}: steering_mode is smfs, and its driver has no such setting")
    refused.refused(f"bond bond1: member {SECOND} is not in switchdev mode")
    assert seen(guest) == BEFORE
    assert not guest.run("test -e /etc/weft/switchdev.json", check=False).ok


def test_the_switches_are_as_described(made: Guest) -> None:
    assert seen(made) == AS_WISHED


def test_the_second_run_changes_nothing(made: Guest, role: Callable[..., Play]) -> None:
    assert role(WISH).succeeded().changed == {made.name: 0}


def test_check_mode_shows_a_change_and_makes_none(made: Guest, role: Callable[..., Play]) -> None:
    other = {**WISH, "switchdev_bonds": [{**WISH["switchdev_bonds"][0], "mtu": 1500}]}
    assert '"bond bond1 mtu": 1500' in role(other, "--check", "--diff").succeeded().text
    assert seen(made) == AS_WISHED


def test_a_flow_from_a_wire_to_representors_is_given_to_tc(
    made: Guest, role: Callable[..., Play], eventually: Callable[..., None]
) -> None:
    """The bond's members are cabled to each other, so that one may send what the other, on the bridge, gets."""
    made.run(
        "ip link delete bond1; ip link set eni1np1 up; ip address add 10.8.8.1/24 dev eni2np1; ip link set eni2np1 up"
    )
    made.run("ip neighbour replace 10.8.8.2 lladdr 02:00:00:00:00:02 dev eni2np1")
    made.run(["bash", "-c", CABLE])
    ports = " ".join(f"-- add-port br-test {name}" for name in AS_WISHED["interfaces"])
    made.run(f"ovs-vsctl add-br br-test {ports}")

    def offloaded() -> bool:
        made.run("ping -c 2 -W 1 10.8.8.2", check=False)
        flows = made.run("ovs-appctl dpctl/dump-flows -m type=tc").stdout
        return any(
            "dp:tc" in flow and "dst=02:00:00:00:00:02" in flow and "a_pf0vf1" in flow for flow in flows.splitlines()
        )

    eventually(offloaded, within=60, what="the flow is in tc")
    # Whoever has a representor in a switch would be cut off.
    role(WISH, tasks="remove").refused("the mode would change, and representor a_pf0vf0 belongs to ovs-system")
    made.run("ovs-vsctl del-br br-test; ip address flush dev eni2np1")


def test_an_operators_later_change_is_mended(made: Guest, role: Callable[..., Play]) -> None:
    """The mode, the bond (gone since the last test), an offload and a representor's name."""
    made.run(f"devlink dev eswitch set {SECOND} mode legacy; ethtool -K eni1np1 hw-tc-offload off")
    made.run("ip link set a_pf0vf1 name other")
    assert role(WISH).succeeded().changed == {made.name: 1}
    assert seen(made) == AS_WISHED


def test_all_is_there_after_a_reboot(made: Guest, eventually: Callable[..., None]) -> None:
    reboot(made, eventually, sign="systemctl is-active ovs-vswitchd", within=900)
    assert made.active("weft-switchdev")
    assert seen(made) == AS_WISHED


def test_removal_gives_it_back(made: Guest, role: Callable[..., Play]) -> None:
    role(WISH, tasks="remove").succeeded()
    assert seen(made) == BEFORE
    left = "ls /etc/systemd/system/weft-switchdev.service /etc/weft/switchdev.json /usr/local/lib/weft/switchdev_boot"
    assert not made.run(left, check=False).stdout
