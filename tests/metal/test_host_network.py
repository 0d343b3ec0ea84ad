"""The role `host_network` on a guest: packets through bond, VLAN and bridge, and a change that cuts its own uplink."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.metal.conftest import ADDRESSES, SWITCH, Guest
from tests.metal.roles import play_role, reboot
from tests.support.play import Play

MANAGEMENT = ADDRESSES["metal1"]
INSIDE, BEYOND = "198.51.100.21", "198.51.100.1"
VLAN = 100
BOND: dict[str, Any] = {
    "name": "bond0",
    "type": "bond",
    "nics": ["eth2", "enp1s0"],
    "mode": "active-backup",
    "miimon": 100,
    "primary": "eth2",
    "mtu": 1600,
}
WISH: list[dict[str, Any]] = [
    BOND,
    {"name": "bond0.100", "type": "vlan", "parent": "bond0", "id": VLAN, "mtu": 1600},
    {
        "name": "br-ex",
        "type": "ovs_bridge",
        "nics": ["bond0.100"],
        "mtu": 1500,
        "addresses": [f"{INSIDE}/24", "2001:db8::21/64"],
        "routes": [{"to": "203.0.113.0/24", "via": BEYOND}],
    },
]
# The management address in a VLAN that the switch does not have.
CUT_OFF: list[dict[str, Any]] = [
    {"name": "mgmt0"},
    {"name": "mgmt0.77", "type": "vlan", "parent": "mgmt0", "id": 77, "addresses": [f"{MANAGEMENT}/24"]},
]
MOVED: list[dict[str, Any]] = [
    {"name": "br-m", "type": "ovs_bridge", "nics": ["mgmt0"], "addresses": [f"{MANAGEMENT}/24"]},
]
# An emulated processor takes half a minute for a module; the default is for hosts that do not.
PATIENCE = 240
ROLLBACK_AFTER = 60
FILES = "ls /etc/systemd/network/"


@pytest.fixture(scope="module")
def guest(metal: dict[str, Guest]) -> Iterator[Guest]:
    """metal1 with a switch that runs, and does so after a reboot."""
    metal["metal1"].run("systemctl enable --now openvswitch-switch", timeout=PATIENCE)
    yield metal["metal1"]
    metal["metal1"].run("systemctl disable --now openvswitch-switch", timeout=PATIENCE)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Play]:
    """`network(interfaces)` runs the role on metal1; `tasks="remove"` another of its parts."""
    folder = tmp_path_factory.mktemp("network")

    def run(wish: list[dict[str, Any]], *arguments: str, tasks: str = "main", seconds: int = PATIENCE) -> Play:
        variables = {"host_network_interfaces": wish, "host_network_rollback_after": seconds}
        return play_role(folder, "host_network", tasks, "metal1", *arguments, variables=variables, timeout=1500)

    return run


@pytest.fixture(scope="module")
def beyond() -> Iterator[None]:
    """A host in the VLAN, on the lab's switch."""
    for words in (
        "link add beyond0 type veth peer name beyond1",
        "link set beyond0 master brp",
        "link set beyond0 up",
        "link set beyond1 up",
    ):
        subprocess.run(["ip", "-netns", SWITCH, *words.split()], check=True)
    program = [sys.executable, str(Path(__file__).with_name("vlan_host.py")), "beyond1", str(VLAN), BEYOND]
    with subprocess.Popen(["ip", "netns", "exec", SWITCH, *program]) as host:
        yield
        host.terminate()
    subprocess.run(["ip", "-netns", SWITCH, "link", "delete", "beyond0"], check=True)


@pytest.fixture(scope="module")
def before(guest: Guest) -> dict[str, Any]:
    return seen(guest)


@pytest.fixture(scope="module")
def made(guest: Guest, before: dict[str, Any], network: Callable[..., Play]) -> Guest:
    """The guest as wished for, after it was as `before`."""
    assert "bond0" not in before["interfaces"]
    network(WISH).succeeded()
    return guest


def seen(guest: Guest) -> dict[str, Any]:
    """Interfaces with their addresses and what they are made of, bridges, and our files."""
    shown = json.loads(guest.run("ip -details -json address show").stdout)
    return {
        "interfaces": {item["ifname"]: interface(item) for item in shown if item["ifname"] != "ovs-system"},
        "bridges": guest.run(
            "ovs-vsctl list-br; for b in $(ovs-vsctl list-br); do ovs-vsctl list-ports $b; done"
        ).stdout,
        "files": guest.run(FILES).stdout,
    }


def interface(item: dict[str, Any]) -> dict[str, Any]:
    addresses = {f"{each['local']}/{each['prefixlen']}" for each in item["addr_info"] if each["scope"] == "global"}
    return {"master": item.get("master"), "below": item.get("link"), "addresses": addresses, "mtu": item["mtu"]}


def as_wished(guest: Guest) -> None:
    found = seen(guest)
    nics, bridge = found["interfaces"], found["interfaces"]["br-ex"]
    assert [nics[name]["master"] for name in BOND["nics"]] == ["bond0", "bond0"]
    assert (nics["bond0"]["mtu"], nics["bond0.100"]["below"]) == (1600, "bond0")
    assert (bridge["mtu"], bridge["addresses"]) == (1500, {f"{INSIDE}/24", "2001:db8::21/64"})
    assert found["bridges"].split() == ["br-ex", "bond0.100"]
    assert f"via {BEYOND} dev br-ex" in guest.run("ip route show 203.0.113.0/24").stdout
    told = guest.run("cat /proc/net/bonding/bond0").stdout
    assert "fault-tolerance (active-backup)" in told
    assert "Primary Slave: eth2" in told


def reaches(guest: Guest, address: str = BEYOND) -> bool:
    return guest.run(f"ping -c 3 -i 0.3 -W 2 {address}", check=False).ok


def test_every_problem_is_said_at_once_and_nothing_changes(guest: Guest, network: Callable[..., Play]) -> None:
    before = seen(guest)
    wrong = [
        {"name": "eth9"},
        {"name": "enp1s0", "mtu": 9300},
        {**BOND, "nics": ["mgmt0", "eth2"], "mode": "lacp"},
        {"name": "v", "type": "vlan", "parent": "bond0", "id": 5000},
    ]
    refused = network(wrong)
    refused.refused("eth9: no such NIC; this host has enp1s0 (52:54:00:20:00:01, 0000:01:00.0), eth1")
    refused.refused("enp1s0: mtu is 9300, the NIC allows at most 9216")
    refused.refused("bond0: mode is 'lacp', allowed are active-backup, 802.3ad, balance-xor")
    refused.refused(f"bond0: nics has mgmt0, by which {MANAGEMENT} is reached, and no interface is given that address")
    refused.refused("v: id is 5000, allowed are 1 to 4094")
    assert seen(guest) == before


def test_packets_pass_bond_vlan_and_bridge(made: Guest, beyond: None, eventually: Callable[..., None]) -> None:
    as_wished(made)
    eventually(lambda: reaches(made), what="the host in the VLAN answers")


def test_the_other_nic_serves_when_one_is_gone(made: Guest, beyond: None, eventually: Callable[..., None]) -> None:
    made.run("ip link set eth2 down")
    try:
        eventually(lambda: reaches(made), what="the host in the VLAN answers by enp1s0")
        assert "Currently Active Slave: enp1s0" in made.run("cat /proc/net/bonding/bond0").stdout
    finally:
        made.run("ip link set eth2 up")


def test_the_second_run_changes_nothing(made: Guest, network: Callable[..., Play]) -> None:
    assert network(WISH).succeeded().changed == {"metal1": 0}


def test_check_mode_shows_a_change_and_makes_none(made: Guest, network: Callable[..., Play]) -> None:
    shown = network([{**BOND, "miimon": 200}, *WISH[1:]], "--check", "--diff").succeeded()
    assert '"bond0 miimon": 200' in shown.text
    assert "+MIIMonitorSec=200ms" in shown.text
    as_wished(made)


def test_an_operators_change_is_put_right(made: Guest, network: Callable[..., Play]) -> None:
    made.run(f"ip link set enp1s0 nomaster; ip address del {INSIDE}/24 dev br-ex; ip link delete bond0.100")
    assert network(WISH).succeeded().changed["metal1"] > 0
    as_wished(made)


def test_it_is_the_same_after_a_reboot(made: Guest, beyond: None, eventually: Callable[..., None]) -> None:
    reboot(made, eventually, sign=f"ip -br address show br-ex | grep -F {INSIDE}")
    as_wished(made)
    eventually(lambda: reaches(made), what="the host in the VLAN answers")


class Outage:
    """Looks from the switch whether the management address answers, and how long it does not."""

    def __enter__(self) -> Outage:
        self._file = subprocess.Popen(
            ["ip", "netns", "exec", SWITCH, "ping", "-D", "-O", "-i", "0.5", MANAGEMENT],
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_details: object) -> None:
        self._file.terminate()
        output = self._file.communicate()[0]
        answers = [float(line[1 : line.index("]")]) for line in output.splitlines() if "bytes from" in line]
        self.longest = max(after - before for before, after in itertools.pairwise(answers))


def test_a_change_that_cuts_the_uplink_undoes_itself(made: Guest, network: Callable[..., Play]) -> None:
    before = seen(made)
    with Outage() as outage:
        refused = network([*WISH, *CUT_OFF], seconds=ROLLBACK_AFTER)
    refused.refused(f"metal1 was not reached at {MANAGEMENT} with the wished mgmt0, mgmt0.77")
    print(f"the guest was away for {outage.longest:.1f} s, {ROLLBACK_AFTER} s were set")
    # The timer starts before the change; what it runs takes some seconds of an emulated processor.
    assert ROLLBACK_AFTER / 2 < outage.longest < ROLLBACK_AFTER + 30
    assert seen(made) == before


def test_a_bridge_takes_the_address_of_its_nic_and_the_host_stays(made: Guest, network: Callable[..., Play]) -> None:
    mac = made.run("cat /sys/class/net/mgmt0/address").stdout
    with Outage() as outage:
        network([*WISH, *MOVED]).succeeded()
    print(f"the guest was away for {outage.longest:.1f} s while its address moved to a bridge")
    assert seen(made)["interfaces"]["br-m"]["addresses"] == {f"{MANAGEMENT}/24"}
    # Whoever knows the host by its MAC still does.
    assert made.run("cat /sys/class/net/br-m/address").stdout == mac


def test_removal_puts_it_back_as_it_was(made: Guest, before: dict[str, Any], network: Callable[..., Play]) -> None:
    network(WISH, tasks="remove").succeeded()
    assert network(WISH, tasks="remove").succeeded().changed == {"metal1": 0}
    after = seen(made)
    assert after["bridges"] == ""
    assert after["files"] == before["files"]
    # The MTU that the bond gave its NICs stays until the host starts again.
    for found in (after, before):
        for name in BOND["nics"]:
            del found["interfaces"][name]["mtu"]
    assert after["interfaces"] == before["interfaces"]
