"""A subnet and the subnet of hosts get other CIDRs and their old ones again; others' packets are not touched."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

import pytest

from tests.lab.conftest import Lab
from tests.lab.operations.conftest import INTERVAL, NAMESPACE, Pair, killed, operation

Eventually = Callable[..., None]
SUBNET, OLD, NEW = "moving", "10.90.0.0/24,fd00:10:90::/120", "10.91.0.0/24,fd00:10:91::/120"
OTHER_JOIN = "100.65.0.0/16,fd00:100:65::/112"


def weftctl(lab: Lab, *arguments: str, document: str = "") -> str:
    return lab["lab1"].run(["weftctl", *arguments], stdin=document).stdout


@dataclass(frozen=True)
class Moving:
    """Two workloads of a subnet of their own, on lab1 and lab2."""

    lab: Lab

    def addresses(self, name: str) -> list[str]:
        pod = json.loads(weftctl(self.lab, "get", "pod", name, "-n", NAMESPACE, "-o", "json"))
        return [item["ip"] for item in pod["status"]["podIPs"]]

    def are_in(self, cidr: str) -> bool:
        networks = [ip_network(part) for part in cidr.split(",")]
        found = [ip_address(text) for name in ("m1", "m2") for text in self.addresses(name)]
        return len(found) == 2 * len(networks) and all(any(one in net for net in networks) for one in found)

    def speak(self) -> bool:
        return all(
            self.lab["lab1"].run(f"ip netns exec m1.{NAMESPACE} ping -qc 1 -W 1 {address}", check=False).ok
            for address in self.addresses("m2")
        )


@pytest.fixture(scope="module")
def moving(lab: Lab, pair: Pair) -> Iterator[Moving]:
    document = f"apiVersion: kubeovn.io/v1\nkind: Subnet\nmetadata: {{name: {SUBNET}}}\nspec: {{cidrBlock: '{OLD}'}}\n"
    weftctl(lab, "apply", "-f", "-", document=document)
    for name, host in (("m1", "lab1"), ("m2", "lab2")):
        weftctl(lab, "endpoint", "add", name, "--host", host, "-n", NAMESPACE, "--subnet", SUBNET)
    yield Moving(lab)
    weftctl(lab, "endpoint", "delete", "-n", NAMESPACE, "m1", "m2")
    weftctl(lab, "delete", "subnet", SUBNET)


def test_a_subnet_gets_other_cidrs(healthy: Lab, pair: Pair, moving: Moving, eventually: Eventually) -> None:
    """What runs in the namespaces stays; other subnets lose nothing. The second run changes nothing."""
    eventually(moving.speak, what="they speak before")
    inode = healthy["lab1"].run(f"stat -Lc %i /run/netns/m1.{NAMESPACE}").stdout
    with pair.traffic(most=2):
        operation("change_cidr", subnet=SUBNET, cidr=NEW).succeeded()
    eventually(lambda: moving.are_in(NEW), what="the status says so")
    eventually(moving.speak, within=30, what="they speak by their new addresses")
    assert healthy["lab1"].run(f"stat -Lc %i /run/netns/m1.{NAMESPACE}").stdout == inode
    assert set(operation("change_cidr", subnet=SUBNET, cidr=NEW).succeeded().changed.values()) == {0}


@pytest.mark.operations
@pytest.mark.parametrize("at", ["The old reservations go", "The subnet has the new CIDR", "The controller goes on"])
def test_a_change_that_was_killed_is_finished(
    healthy: Lab, pair: Pair, moving: Moving, eventually: Eventually, at: str
) -> None:
    before, after = (OLD, NEW) if moving.are_in(OLD) else (NEW, OLD)
    with pair.traffic(most=2):
        killed("change_cidr", at, subnet=SUBNET, cidr=after)
        operation("change_cidr", subnet=SUBNET, cidr=after).succeeded()
    assert moving.are_in(after)
    eventually(moving.speak, within=30, what=f"they speak, {before} is over")


@pytest.mark.operations
def test_resume_undoes_a_change_that_was_killed(
    healthy: Lab, pair: Pair, moving: Moving, eventually: Eventually
) -> None:
    before = [moving.addresses("m1"), moving.addresses("m2")]
    after = NEW if moving.are_in(OLD) else OLD
    killed("change_cidr", "The old reservations go", subnet=SUBNET, cidr=after)
    # What is on its way to a host when the playbook is killed is done there, or not: here the reservations are gone.
    weftctl(healthy, "delete", "ip", "--ignore-not-found", f"m1.{NAMESPACE}", f"m2.{NAMESPACE}")
    weftctl(healthy, "resume")
    eventually(lambda: [moving.addresses("m1"), moving.addresses("m2")] == before, what="the addresses of before")
    eventually(moving.speak, within=30, what="they speak")


@pytest.mark.operations
def test_all_reasons_are_told_and_check_mode_changes_nothing(healthy: Lab, pair: Pair, moving: Moving) -> None:
    before = moving.addresses("m1")
    after = NEW if moving.are_in(OLD) else OLD
    seen = operation("change_cidr", "--check", subnet=SUBNET, cidr=after).succeeded()
    assert f"{NAMESPACE}/m1, {NAMESPACE}/m2" in seen.text
    assert moving.addresses("m1") == before
    pool = (
        "apiVersion: kubeovn.io/v1\nkind: IPPool\nmetadata: {name: moving}\n"
        f"spec: {{subnet: {SUBNET}, ips: ['{before[0]}']}}\n"
    )
    weftctl(healthy, "apply", "-f", "-", document=pool)
    weftctl(healthy, "pause", "--reason", "test")
    try:
        seen = operation("change_cidr", subnet=SUBNET, cidr=f"{after.split(',')[0]},fd00:10:16::/64")
        seen.refused(f"IPPool/moving spec.ips.0 names {before[0]}")
        seen.refused("the fabric is paused")
    finally:
        weftctl(healthy, "resume")
        weftctl(healthy, "delete", "ippool", "moving")
    assert set(seen.changed.values()) == {0}


@contextmanager
def seen_by_hosts(lab: Lab, address: str) -> Iterator[dict[str, int]]:
    """Each host pings a workload by its ovn0 for as long as the block lasts; how many it lost."""
    lost: dict[str, int] = {}
    ping = f"echo $$ >/run/hosts.pid; exec ping -q -i {INTERVAL} -W 1 {address}"
    running = {host.name: host.start(ping) for host in lab}
    yield lost
    for host in lab:
        host.run("kill -INT $(cat /run/hosts.pid)")
        output, _ = running[host.name].communicate(timeout=30)
        sent, received = map(int, re.findall(r"(\d+) packets transmitted, (\d+) received", output)[0])
        lost[host.name] = sent - received
        print(f"{host.name} lost {sent - received} of {sent} to a workload")


@pytest.mark.operations
def test_hosts_get_another_join_cidr_and_the_old_one_again(healthy: Lab, pair: Pair) -> None:
    """Workloads speak on; what leaves by a host's ovn0 is away for a moment, which is counted on each."""
    first = json.loads(weftctl(healthy, "get", "subnet", "join", "-o", "json"))["spec"]["cidrBlock"]
    for cidr in (OTHER_JOIN, first):
        with pair.traffic(most=2), seen_by_hosts(healthy, pair.address) as lost:
            operation("change_join_cidr", cidr=cidr).succeeded()
        for host in healthy:
            own = host.run("ip -json -4 address show dev ovn0").stdout
            assert json.loads(own)[0]["addr_info"][0]["local"].startswith(cidr.partition("0.0/")[0])
            assert host.run(f"ping -c 2 -W 2 {pair.address}", check=False).ok, host.name
            assert lost[host.name] < 20 / INTERVAL, "a host is away for seconds, not for good"
    assert set(operation("change_join_cidr", cidr=first).succeeded().changed.values()) == {0}
