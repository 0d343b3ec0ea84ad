"""A bond of the role `host_network` and a switch that speaks LACP: Open vSwitch at the other end of both cables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.metal.conftest import SWITCH, Guest
from tests.metal.roles import play_role
from tests.support.ovn import OvnSandbox, OvsHost
from tests.support.play import Play
from tests.support.traffic import Traffic

INSIDE, BEYOND = "198.51.100.21", "198.51.100.1"
BOND: dict[str, Any] = {
    "name": "bond0",
    "type": "bond",
    "nics": ["eth2", "enp1s0"],
    "mode": "802.3ad",
    "lacp_rate": "fast",
    "hash_policy": "layer3+4",
    "miimon": 100,
    "addresses": [f"{INSIDE}/24"],
}
CABLES = [f"metal1-{nic}" for nic in BOND["nics"]]
# An emulated processor takes half a minute for a module.
PATIENCE = 240
# Fast LACP: a partner that says nothing for three seconds is gone. The rest is the emulated processor's.
EXPIRED = 3


@pytest.fixture(scope="module")
def switch(metal: dict[str, Guest]) -> Iterator[OvsHost]:
    """metal1's two cables end at a switch with a bond, and not at the lab's bridge."""
    with OvnSandbox() as sandbox:
        host = sandbox.start_ovs("lacp", SWITCH, controller=False)
        for cable in CABLES:
            host.ip("link", "set", cable, "nomaster")
        try:
            bond = ("cables", *CABLES, "lacp=active", "bond_mode=balance-tcp", "other_config:lacp-time=fast")
            host.vsctl("add-br", "lacp", "--", "set", "Bridge", "lacp", "datapath_type=netdev")
            host.vsctl("add-bond", "lacp", *bond)
            host.ip("address", "add", f"{BEYOND}/24", "dev", "lacp")
            host.ip("link", "set", "lacp", "up")
            yield host
        finally:
            host.vsctl("del-br", "lacp")
            for cable in CABLES:
                host.ip("link", "set", cable, "master", "brp", "up")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Play]:
    """`network()` runs the role on metal1; `tasks="remove"` another of its parts."""
    folder = tmp_path_factory.mktemp("network")

    def run(bond: dict[str, Any] = BOND, *, tasks: str = "main") -> Play:
        variables = {"host_network_interfaces": [bond], "host_network_rollback_after": PATIENCE}
        return play_role(folder, "host_network", tasks, "metal1", variables=variables, timeout=1500)

    return run


@pytest.fixture(scope="module")
def bonded(
    metal: dict[str, Guest], switch: OvsHost, network: Callable[..., Play], eventually: Callable[..., None]
) -> Iterator[Guest]:
    """metal1, whose NICs are one link of the switch; afterwards as it was."""
    guest = metal["metal1"]
    network().succeeded()
    eventually(lambda: carrying(guest, switch) == CABLES, within=PATIENCE, what="both cables carry packets")
    yield guest
    network(tasks="remove").succeeded()
    assert "bond0" not in guest.run("ip -brief link").stdout


def carrying(guest: Guest, switch: OvsHost) -> list[str]:
    """The cables on which both ends have agreed: as the switch says, if the host counts as many."""
    shown = switch.appctl("ovs-vswitchd", "lacp/show", "cables")
    agreed = [
        cable
        for cable in CABLES
        if re.search(rf"(?:slave|member): {cable}: current attached\n(?s:.*?)partner state:.*distributing", shown)
    ]
    told = guest.run("cat /proc/net/bonding/bond0").stdout
    ports = re.search(r"Number of ports: (\d+)", told)
    return agreed if ports and int(ports[1]) == len(agreed) else []


def test_a_nic_that_tells_no_speed_is_refused(metal: dict[str, Guest], network: Callable[..., Play]) -> None:
    """The lab gives eth2 one, and eth1 none."""
    network({**BOND, "nics": ["eth1", "enp1s0"]}).refused("bond0: nics has eth1, whose driver tells no speed")
    assert "bond0" not in metal["metal1"].run("ip -brief link").stdout


def test_both_ends_agree(bonded: Guest, switch: OvsHost) -> None:
    told = bonded.run("cat /proc/net/bonding/bond0").stdout
    assert "Bonding Mode: IEEE 802.3ad Dynamic link aggregation" in told
    assert "Transmit Hash Policy: layer3+4" in told
    assert "LACP rate: fast" in told
    (system,) = re.findall(r"^ +sys_id: (\S+)", switch.appctl("ovs-vswitchd", "lacp/show", "cables"), re.MULTILINE)
    assert f"Partner Mac Address: {system}" in told
    assert bonded.run(f"ping -c 3 -i 0.3 -W 2 {BEYOND}", check=False).ok


def test_a_cable_that_says_nothing_is_left_although_its_light_is_on(
    bonded: Guest, switch: OvsHost, eventually: Callable[..., None]
) -> None:
    """What miimon cannot see. The NIC keeps its carrier; either cable may be the one that has the pings."""
    for cable in CABLES:
        with Traffic(f"/run/netns/{SWITCH}", INSIDE) as traffic:
            switch.ip("link", "set", cable, "down")
            others = [other for other in CABLES if other != cable]
            eventually(lambda others=others: carrying(bonded, switch) == others, what=f"{cable} is left")
            eventually(traffic.answered, what="the other cable carries packets")
        nic = cable.removeprefix("metal1-")
        assert bonded.run(f"cat /sys/class/net/{nic}/carrier").stdout.strip() == "1"
        print(f"{cable} says nothing: {traffic.loss}")
        assert traffic.loss.gap < EXPIRED + 3
        switch.ip("link", "set", cable, "up")
        eventually(lambda: carrying(bonded, switch) == CABLES, what=f"{cable} carries packets again")


def test_the_second_run_changes_nothing(bonded: Guest, network: Callable[..., Play]) -> None:
    assert network().succeeded().changed == {"metal1": 0}
