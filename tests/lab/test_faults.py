"""A bad minute: no database answers anywhere, and meanwhile a host reboots and somebody flushes the packet filter. Then
tunnels that lose their interface. What is lost is counted, and nobody lends a hand.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.lab.conftest import Host, Lab
from tests.lab.workloads import add, has_database, namespace, netns, remove
from tests.support.pings import Pings, Way
from tests.support.play import play
from tests.support.traffic import INTERVAL, Loss

pytestmark = pytest.mark.lab
Eventually = Callable[..., None]
NAME = "bad-minute"
OUTSIDE = "172.30.0.1"
"""The lab's switch: pods reach it by their host, as its address."""
MINUTE = 60.0
CUT = """
table inet weft_test {
  chain input { type filter hook input priority -300; tcp dport { 6641-6646, 16642, 16645 } drop; }
  chain output { type filter hook output priority -300; tcp dport { 6641-6646, 16642, 16645 } drop; }
}
"""
POD = "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{nodeName: lab1}}\n"


@dataclass
class Container:
    """A pod on lab1 whose runtime is this test: what a kubelet would ask of the plugin."""

    lab: Lab
    name: str
    uid: str

    @property
    def netns(self) -> str:
        return f"test-{self.name}"

    def cni(self, command: str) -> tuple[int, dict[str, Any]]:
        """Exit code and answer."""
        words = f"IgnoreUnknown=1;K8S_POD_NAMESPACE={NAME};K8S_POD_NAME={self.name};K8S_POD_UID={self.uid}"
        environment = {
            "CNI_COMMAND": command, "CNI_CONTAINERID": self.uid, "CNI_NETNS": f"/run/netns/{self.netns}",
            "CNI_IFNAME": "eth0", "CNI_PATH": "/opt/cni/bin", "CNI_ARGS": words,
        }  # fmt: skip
        config = json.dumps({"cniVersion": "1.1.0", "name": "weft", "type": "weft", "provider": "ovn"})
        command_line = ["env", *(f"{key}={value}" for key, value in environment.items()), "/opt/cni/bin/weft"]
        done = self.lab["lab1"].run(command_line, check=False, stdin=config)
        return done.code, json.loads(done.stdout or "{}")


def container(lab: Lab, name: str) -> Container:
    lab["lab1"].run(["weftctl", "apply", "-f", "-"], stdin=POD.format(name=name, namespace=NAME))
    document = json.loads(lab["lab1"].run(["weftctl", "get", "pod", name, "-n", NAME, "-o", "json"]).stdout)
    made = Container(lab, name, document["metadata"]["uid"])
    lab["lab1"].run(["ip", "netns", "add", made.netns])
    return made


@pytest.fixture(scope="module")
def site(lab: Lab) -> Iterator[Lab]:
    """A subnet whose pods go out by their hosts, with a workload on each host."""
    subnet = {
        "apiVersion": "kubeovn.io/v1", "kind": "Subnet", "metadata": {"name": NAME},
        "spec": {"cidrBlock": "10.212.0.0/16", "namespaces": [NAME], "natOutgoing": True},
    }  # fmt: skip
    lab["lab1"].run(["weftctl", "apply", "-f", "-"], stdin=json.dumps(subnet))
    namespace(lab, NAME)
    yield lab
    remove(lab, NAME)
    lab["lab1"].run(["weftctl", "delete", "subnet", NAME])


@pytest.fixture(scope="module")
def ways(site: Lab) -> dict[str, Way]:
    """From the workload on lab1: to that on lab2, to that on lab3, to the outside."""
    addresses = {host.name: add(site, NAME, f"on-{host.name}", host.name) for host in site}
    own = netns(site, NAME, "on-lab1")
    return {name: Way(site["lab1"], own, addresses.get(name, OUTSIDE)) for name in ("lab2", "lab3", "outside")}


# --- no database for a minute ---


@dataclass
class Findings:
    """What was seen, in the order of events."""

    add: tuple[int, dict[str, Any]] = (0, {})
    delete: tuple[int, dict[str, Any]] = (0, {})
    port_is_gone: bool = False
    repaired: float = 0
    """Seconds until both tables of ours were back after a flush."""
    unreachable: float = 0
    before: str = ""
    after: str = ""
    """What the host that reboots has, before, and after without a database."""
    written: float = 0
    """Seconds from the end of the outage until a new workload on the host that rebooted is ready."""
    reached: float = 0
    """The same until its old workload answers."""
    healthy: float = 0
    loss: tuple[Loss, Loss] = (Loss(0, 0, 0), Loss(0, 0, 0))


def cut(host: Host) -> None:
    host.run(["nft", "-f", "-"], stdin=CUT)


def own_things(host: Host) -> str:
    """What a host keeps without a database: addresses of the fabric's links, routes, tables. Workloads wait for one."""
    script = (
        "ip -br address show ovn0 | awk '{print $3}'; ip -br address show br-phys | awk '{print $3}';"
        "ip route show proto 157 | sort; nft list tables | grep weft | sort"
    )
    return host.run(script, check=False).stdout


def restored(host: Host, before: str, within: float = 20) -> str:
    """What the host has when it is as before, or at the latest after these seconds."""
    deadline = time.monotonic() + within
    while (after := own_things(host)) != before and time.monotonic() < deadline:
        time.sleep(0.5)
    return after


def reboot(host: Host) -> None:
    """As by its switch; the lab then plugs its cables in, as nobody would have to at a real one."""
    subprocess.run(["podman", "restart", "--time", "20", host.container], check=True, capture_output=True, timeout=60)
    play("playbooks/lab_create.yml").succeeded()


def flush(host: Host, eventually: Eventually) -> float:
    """Seconds until the tables of ours are back after somebody flushed everything."""
    begun = time.monotonic()
    host.run(["nft", "flush", "ruleset"])
    wanted = {"table inet weft", "table inet weft_central"}
    eventually(lambda: wanted <= set(host.run(["nft", "list", "tables"]).stdout.splitlines()), what="tables are back")
    return time.monotonic() - begun


@pytest.fixture(scope="module")
def minute(site: Lab, ways: dict[str, Way], eventually: Eventually) -> Iterator[Findings]:
    found = Findings()
    old, new = container(site, "old"), container(site, "new")
    eventually(lambda: old.cni("ADD")[0] == 0, within=20, what="a container before the outage")
    found.before = own_things(site["lab3"])
    try:
        with Pings(ways["lab2"]) as between, Pings(ways["outside"]) as out:
            for host in site:
                cut(host)
            begun = time.monotonic()
            eventually(lambda: not any(map(has_database, site)), within=30, what="every agent is alone")
            found.add, found.delete = new.cni("ADD"), old.cni("DEL")
            found.port_is_gone = old.uid not in site["lab1"].run(["ovs-vsctl", "list", "Interface"]).stdout
            found.repaired = flush(site["lab1"], eventually)
            cut(site["lab1"])
            reboot(site["lab3"])
            found.after = restored(site["lab3"], found.before)
            assert not any(map(has_database, site))
            time.sleep(max(0, begun + MINUTE - time.monotonic()))
            site.on_all("nft delete table inet weft_test", check=False)
            found.unreachable = time.monotonic() - begun
            eventually(lambda: all(map(has_database, site)), within=30, what="every agent has its database again")
        site["lab1"].run(["weftctl", "delete", "pod", "old", "-n", NAME])
        recover(site, ways, new, found, eventually)
        found.loss = between.loss, out.loss
        print(found)
        yield found
    finally:
        site.on_all("nft delete table inet weft_test", check=False)
        for item in (old, new):  # the pods go with their namespace
            item.cni("DEL")
            site["lab1"].run(["ip", "netns", "delete", item.netns], check=False)


def recover(site: Lab, ways: dict[str, Way], new: Container, found: Findings, eventually: Eventually) -> None:
    begun = time.monotonic()
    eventually(lambda: new.cni("ADD")[0] == 0, within=30, what="the container that was refused is tried again")
    eventually(ways["lab3"].answers, within=60, what="the workload of the host that rebooted answers")
    found.reached = time.monotonic() - begun
    eventually(lambda: added(site), within=60, what="a new workload comes up there")
    found.written = time.monotonic() - begun
    well = ["weftctl", "status", "--exit-code"]
    while not (said := site["lab1"].run(well, check=False)).ok:
        assert time.monotonic() < begun + 120, said.stdout
        time.sleep(1)
    found.healthy = time.monotonic() - begun


def added(site: Lab) -> bool:
    command = ["weftctl", "endpoint", "add", "late", "--host", "lab3", "--namespace", NAME, "--timeout", "10"]
    return site["lab1"].run(command, check=False).ok


def test_workloads_lose_nothing_without_databases(minute: Findings) -> None:
    """But for one moment, such as a userspace datapath has when its ports change: a container was taken away.

    Those that go out by a host lose what they send while somebody's flush has taken the translation away.
    """
    assert minute.unreachable >= MINUTE
    between, out = minute.loss
    assert len(between.moments) <= 1, minute
    assert between.gap < 0.3, minute
    assert out.lost * INTERVAL < minute.repaired + 0.5, minute


def test_a_container_is_refused_with_try_again_and_another_goes(minute: Findings) -> None:
    code, answer = minute.add
    assert (code, answer["code"]) == (1, 11)
    assert "Weft database is not connected" in answer["msg"]
    assert minute.delete == (0, {})
    assert minute.port_is_gone


def test_flushed_packet_filters_are_back(minute: Findings) -> None:
    assert minute.repaired < 5, minute


def test_a_host_that_rebooted_is_a_gateway_without_databases(minute: Findings) -> None:
    assert minute.after == minute.before
    assert "100.64." in minute.after


def test_everything_works_again_by_itself(minute: Findings) -> None:
    assert minute.reached < 30, minute
    assert minute.healthy < 90, minute


# --- tunnels ---


@pytest.mark.parametrize("interface", ["eth1", "br-phys"], ids=["the underlay's NIC", "the tunnels' interface"])
def test_an_interface_that_goes_down_costs_the_time_that_it_was_down(
    site: Lab, ways: dict[str, Way], eventually: Eventually, interface: str
) -> None:
    down = 2
    with Pings(ways["lab2"]) as pings:
        site["lab1"].run(f"ip link set {interface} down; sleep {down}; ip link set {interface} up")
        eventually(ways["lab2"].answers, within=30, what="packets flow again")
        time.sleep(1)
    print(f"{interface} down for {down} s: {pings.loss}")
    assert 0 < pings.loss.lost * INTERVAL < down + 3  # what waited in a queue comes late and is not lost
