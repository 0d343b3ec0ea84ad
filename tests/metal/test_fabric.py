"""`site.yml` on two guests with the kernel's datapath, for which the container lab's kernel has no module."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.metal.conftest import LIMIT, SITE_TIMEOUT, Guest, metal_play
from tests.metal.fabric import address, apply, inside, round_trips, tcp_mbits, workload
from tests.support.play import settled

Fabric = dict[str, Guest]
Eventually = Callable[..., None]


@pytest.fixture(scope="module")
def pair(fabric: Fabric, eventually: Eventually) -> Fabric:
    """Workload `near` on metal1, `far` on metal2, which have reached each other once."""
    apply(fabric["metal1"], workload("near", "metal1"), workload("far", "metal2"))
    far = address(fabric["metal2"], "far")
    reached = inside("near", f"ping -c 1 -W 2 {far}")
    eventually(lambda: fabric["metal1"].run(reached, check=False).ok, within=60, what="near reaches far")
    return fabric


def test_a_second_run_changes_nothing(fabric: Fabric) -> None:
    run = partial(metal_play, "playbooks/site.yml", "--limit", LIMIT, timeout=SITE_TIMEOUT)
    assert settled(run).changed == dict.fromkeys(fabric, 0)


def test_the_datapath_is_the_kernels_and_tunnels_are_geneve(pair: Fabric) -> None:
    for guest in pair.values():
        assert guest.run("ovs-appctl dpif/show | head -1").stdout.startswith("system@ovs-system:")
        assert guest.run("ip -json link show type geneve").stdout.count("genev_sys_6081") == 1


def test_workloads_reach_each_other_across_guests(pair: Fabric) -> None:
    far, near = address(pair["metal2"], "far"), address(pair["metal1"], "near")
    assert round_trips(pair["metal1"], "near", far, 5)[0] == 0
    assert round_trips(pair["metal2"], "far", near, 5)[0] == 0
    assert tcp_mbits((pair["metal1"], "near"), (pair["metal2"], "far"), 3) > 1


@pytest.fixture
def vxlan(pair: Fabric, eventually: Eventually) -> Iterator[Fabric]:
    """The guests as with `ovn_host_encap_type: [vxlan]`; Geneve afterwards."""

    def tunnel(protocol: str, device: str) -> None:
        for guest in pair.values():
            guest.run(f"ovs-vsctl set Open_vSwitch . external_ids:ovn-encap-type={protocol}")
        for guest in pair.values():
            there = f"ip link show dev {device}"
            eventually(lambda guest=guest, there=there: guest.run(there, check=False).ok, within=60, what=there)

    tunnel("vxlan", "vxlan_sys_4789")
    yield pair
    tunnel("geneve", "genev_sys_6081")


def carried(guest: Guest, device: str) -> int:
    """Packets that a device has sent."""
    return int(json.loads(guest.run(f"ip -s -json link show dev {device}").stdout)[0]["stats64"]["tx"]["packets"])


def test_tunnels_may_be_vxlan(vxlan: Fabric, eventually: Eventually) -> None:
    near, far = vxlan["metal1"], address(vxlan["metal2"], "far")
    reached = inside("near", f"ping -c 1 -W 2 {far}")
    eventually(lambda: near.run(reached, check=False).ok, within=60, what="near reaches far by VXLAN")
    before = carried(near, "vxlan_sys_4789")
    assert round_trips(near, "near", far, 10)[0] == 0
    assert tcp_mbits((near, "near"), (vxlan["metal2"], "far"), 3) > 1
    assert carried(near, "vxlan_sys_4789") - before >= 10
    assert near.run("ip link show dev genev_sys_6081", check=False).stdout == ""


def guarded(*rules: tuple[str, str, str, int]) -> dict[str, object]:
    keys = ("action", "direction", "match", "priority")
    acls = [dict(zip(keys, rule, strict=True)) for rule in rules]
    spec = {"cidrBlock": "10.30.0.0/24", "acls": acls}
    return {"apiVersion": "kubeovn.io/v1", "kind": "Subnet", "metadata": {"name": "guarded"}, "spec": spec}


def test_a_stateful_rule_lets_answers_pass_and_nothing_else(fabric: Fabric, eventually: Eventually) -> None:
    """`closed` may be asked nothing, and may ask: the kernel's connection tracking tells answers from questions."""
    central = fabric["metal1"]
    of_subnet = {"logical_switch": "guarded"}
    apply(central, guarded(), workload("asker", "metal1", **of_subnet), workload("closed", "metal2", **of_subnet))
    asker, closed = address(central, "asker"), address(fabric["metal2"], "closed")
    asked = inside("asker", f"ping -c 2 -W 2 {closed}")
    eventually(lambda: central.run(asked, check=False).ok, within=60, what="without rules asker reaches closed")
    apply(
        central,
        guarded(
            ("allow-related", "from-lport", f"ip4.src == {closed}", 1100),
            ("drop", "to-lport", f"ip4.dst == {closed}", 1002),
        ),
    )
    eventually(lambda: not central.run(asked, check=False).ok, within=60, what="asker's question is dropped")
    assert round_trips(fabric["metal2"], "closed", asker, 5)[0] == 0
    assert not central.run(asked, check=False).ok
    assert f"dst={asker}" in fabric["metal2"].run("conntrack -L -p icmp", check=False).stdout


def test_a_guest_that_starts_again_needs_no_hands(pair: Fabric, eventually: Eventually) -> None:
    """Its kernel has forgotten namespaces, links, rules and the datapath's flows; all of it comes back by itself."""
    guest, target = pair["metal2"], address(pair["metal2"], "far")
    began = guest.run("cat /proc/sys/kernel/random/boot_id").stdout
    guest.run("systemctl reboot", check=False)

    def again() -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            now = guest.run("cat /proc/sys/kernel/random/boot_id", check=False, timeout=30)
            return now.ok and now.stdout != began
        return False

    eventually(again, within=400, what="metal2 has started again")
    reached = inside("near", f"ping -c 1 -W 2 {target}")
    eventually(lambda: pair["metal1"].run(reached, check=False).ok, within=300, what="near reaches far again")
    assert address(guest, "far") == target
    assert round_trips(pair["metal1"], "near", target, 5)[0] == 0
    filtered = "nft list table inet weft"
    eventually(lambda: guest.run(filtered, check=False).ok, within=60, what="the packet filter is back")
