"""Open vSwitch starts again under a kernel datapath, and no packet waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.metal.conftest import Guest
from tests.metal.roles import play_role
from tests.support.pings import Pings, Way
from tests.support.play import Play
from tests.support.traffic import Loss

WISH: dict[str, Any] = {"openvswitch_datapath": "system", "openvswitch_system_id": "metal1"}
# One switch of OVN with two pods on this host; its databases know nothing else.
FABRIC = """
set -e
systemctl start ovn-central
ovs-vsctl set Open_vSwitch . external_ids:ovn-remote=unix:/run/ovn/ovnsb_db.sock \
    external_ids:ovn-encap-type=geneve external_ids:ovn-encap-ip=127.0.0.1
systemctl start ovn-controller
ovn-nbctl ls-add pods
for n in 1 2; do
    ip netns add pod$n
    ip link add pod$n type veth peer name eth0 netns pod$n
    ip link set pod$n up
    ip -n pod$n link set eth0 address 02:00:00:00:00:0$n up
    ip -n pod$n address add 10.0.0.$n/24 dev eth0
    ovs-vsctl add-port br-int pod$n -- set Interface pod$n external_ids:iface-id=pod$n
    ovn-nbctl lsp-add pods pod$n -- lsp-set-addresses pod$n "02:00:00:00:00:0$n 10.0.0.$n"
done
ovn-nbctl --wait=hv --timeout=120 sync
"""
GONE = """
systemctl stop ovn-controller ovn-central
for n in 1 2; do ip link del pod$n; ip netns del pod$n; done
ovs-vsctl --if-exists del-br br-int
rm -f /var/lib/ovn/*.db
"""
WAITS = "ovs-vsctl --if-exists get Open_vSwitch . other_config:flow-restore-wait"


@pytest.fixture(scope="module")
def switch(metal: dict[str, Guest], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    """A guest with Open vSwitch, and no bridge."""
    made, folder = metal["metal1"], tmp_path_factory.mktemp("restart")

    def role(tasks: str) -> Play:
        return play_role(folder, "openvswitch", tasks, made.name, variables=WISH, facts=True).succeeded()

    role("main")
    assert role("main").changed == {made.name: 0}
    yield made
    role("remove")
    assert not made.run("ls -d /usr/local/lib/weft-flows /etc/systemd/system/weft-*", check=False).ok
    assert made.run("systemctl list-units --failed --no-legend --plain 'weft-*'").stdout == ""


@pytest.fixture(scope="module")
def guest(switch: Guest) -> Iterator[Guest]:
    switch.run(FABRIC, timeout=300)
    yield switch
    switch.run(GONE, check=False, timeout=120)


def restart(guest: Guest, command: str, eventually: Callable[..., None]) -> None:
    """Wait, too, until vswitchd has its flows again."""
    before = guest.run("cat /run/openvswitch/ovs-vswitchd.pid").stdout
    guest.run(command, timeout=120)
    again = f"test $(cat /run/openvswitch/ovs-vswitchd.pid) != {before} && systemctl is-active weft-flows"
    eventually(lambda: guest.run(again, check=False).ok, within=60, what="vswitchd runs again with its flows")


def test_without_a_bridge_of_ovn_nothing_is_waited_for(switch: Guest, eventually: Callable[..., None]) -> None:
    """Nobody sends tables, so waiting for them would only keep new flows of other bridges from being made."""
    said = switch.run("systemctl stop ovs-vswitchd; " + WAITS).stdout
    switch.run("systemctl start openvswitch-switch", timeout=120)
    eventually(lambda: switch.active("weft-flows"), within=60, what="the unit runs again")
    assert said == ""


@pytest.fixture
def loss_while(guest: Guest, eventually: Callable[..., None]) -> Callable[[str], Loss]:
    """What pings between the pods lose while a command runs and vswitchd comes back."""

    def run(command: str) -> Loss:
        with Pings(Way(guest, "pod1", "10.0.0.2")) as pings:
            time.sleep(2)
            restart(guest, command, eventually)
            time.sleep(5)
        print(f"{command}: {pings.loss.lost} of {pings.loss.sent} packets lost")
        return pings.loss

    return run


@pytest.mark.parametrize(
    "command",
    ["systemctl restart ovs-vswitchd", "systemctl restart openvswitch-switch", "pkill -KILL -x ovs-vswitchd"],
)
def test_packets_go_on(guest: Guest, loss_while: Callable[[str], Loss], command: str) -> None:
    loss = loss_while(command)
    assert loss.sent > 500
    assert loss.lost == 0, loss
    assert not guest.run(WAITS).stdout


def test_new_flows_are_made_after_it(guest: Guest, eventually: Callable[..., None]) -> None:
    """Nothing goes on waiting: the datapath asks for flows that it does not have."""
    restart(guest, "systemctl restart ovs-vswitchd", eventually)
    guest.run("ovs-appctl dpctl/del-flows; ip netns exec pod2 ping -c 3 -i 0.2 -W 5 10.0.0.1", timeout=60)


def test_the_unit_may_be_stopped_while_it_waits(guest: Guest, eventually: Callable[..., None]) -> None:
    """As the role's removal does: without ovn-controller it waits for half a minute."""
    guest.run("systemctl stop ovn-controller; systemctl restart ovs-vswitchd", timeout=120)
    state = "systemctl show --value --property=ActiveState weft-flows"
    eventually(lambda: guest.run(state).stdout == "activating", within=20, what="the unit waits for flows")
    guest.run("systemctl stop weft-flows")
    assert guest.run(state).stdout == "inactive"
    guest.run("systemctl start ovn-controller weft-flows", timeout=120)
    assert not guest.run(WAITS).stdout
