"""Two hosts with two networks between them: which of these the packets of a pod are in, by what the wire carries."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.agent import AgentHost, Pod, eventually
from tests.support.ovn import OvnSandbox, available, namespace_command, run
from weft.agent import netns

LINKS = {"eth1": ("br-phys", "172.31.1"), "eth2": ("br-store", "10.10.10")}
"""By NIC, the bridge that holds its address, and the network's first bytes."""
NUMBERS = {"h1": 11, "h2": 12}
GENEVE, VXLAN = 6081, 4789
_numbers = iter(range(2, 250))


class Wire:
    """What one NIC receives, from now on."""

    def __init__(self, ns: str, link: str) -> None:
        with netns.entered(f"/run/netns/{ns}"):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self._socket.bind((link, 0))
        self._socket.setblocking(False)

    def tunnelled(self, mac: str) -> set[tuple[str, str, int]]:
        """(source, destination, UDP port) around packets that a pod with this MAC address has sent."""
        found, sender = set(), bytes.fromhex(mac.replace(":", ""))
        while frame := self._read():
            port = struct.unpack("!H", frame[36:38])[0] if frame[12:14] == b"\x08\x00" and frame[23] == 17 else 0
            options = 4 * (frame[42] & 0x3F) if port == GENEVE else 0
            if port in (GENEVE, VXLAN) and frame[56 + options : 62 + options] == sender:
                found.add((socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34]), port))
        return found

    def _read(self) -> bytes:
        try:
            return self._socket.recv(1 << 16)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        self._socket.close()


@dataclass
class Fabric:
    """Both hosts with their agents."""

    ovn: OvnSandbox
    hosts: dict[str, AgentHost] = field(default_factory=dict)

    def new_pod(self, name: str, host: str, subnet: str = "blue", **changes: Any) -> tuple[Pod, dict[str, Any]]:
        agent, number = self.hosts[host], next(_numbers)
        pod = agent.pod(name)
        row = agent.port_row(pod, subnet, f"0a:00:00:31:00:{number:02x}", f"10.16.0.{number}", **changes)
        place = f"{row['mac']} {row['addresses'][0]}"
        self.ovn.nbctl("lsp-add", subnet, pod.port, "--", "lsp-set-addresses", pod.port, place)
        agent.rows.insert("Port", **row)
        return pod, row

    def pods(self, name: str, subnet: str = "blue", **changes: Any) -> tuple[tuple[Pod, dict[str, Any]], str]:
        """One on each host, wired; gives that on the first and the other's address."""
        near, far = (self.new_pod(f"{name}{host}", host, subnet, **changes) for host in self.hosts)
        for (pod, _), agent in zip((near, far), self.hosts.values(), strict=True):
            agent.add(pod)
        return near, far[1]["addresses"][0]

    def path(self, pod: tuple[Pod, dict[str, Any]], address: str, *ping: str) -> dict[str, set[tuple[str, str, int]]]:
        """By NIC of the second host, what was around the packets that got there; they are answered."""
        wires = {link: Wire(self.hosts["h2"].host.ns or "", link) for link in LINKS}
        try:
            command = [*namespace_command(Path(pod[0].netns).name), "ping", "-n", "-c3", "-i0.1", "-W1", *ping, address]
            subprocess.run(command, capture_output=True, check=True)
            return {link: found for link, wire in wires.items() if (found := wire.tunnelled(pod[1]["mac"]))}
        finally:
            for wire in wires.values():
                wire.close()

    def takes(self, pod: tuple[Pod, dict[str, Any]], address: str, link: str, port: int = GENEVE) -> None:
        """The pod's packets get to take this network only; what was on its way before that does not count."""
        ends = tuple(f"{LINKS[link][1]}.{number}" for number in NUMBERS.values())
        eventually(lambda: self._quietly(pod, address) == {link: {(*ends, port)}}, f"packets take {link}", 15)

    def _quietly(self, pod: tuple[Pod, dict[str, Any]], address: str) -> dict[str, set[tuple[str, str, int]]]:
        try:
            return self.path(pod, address)
        except subprocess.CalledProcessError:
            return {}

    def tell(self, **columns: Any) -> None:
        """What the nodes of both hosts say; `networks=` names get each host's address on eth2."""
        for name, agent in self.hosts.items():
            named = dict.fromkeys(columns.get("networks", ()), f"{LINKS['eth2'][1]}.{NUMBERS[name]}")
            agent.rows.update("Host", name, **{**columns, "networks": named})

    def problems(self, host: str = "h1") -> dict[str, str]:
        row = self.hosts[host].rows.select("Host_Status", host)
        return dict(row["problems"]) if row and row["problems"] else {}


def make_host(ovn: OvnSandbox, name: str) -> AgentHost:
    """Its NICs are in bridges of Open vSwitch, which have the addresses: so the userspace datapath needs it."""
    host = ovn.start_ovs(name, f"{ovn.folder.name}-{name}", encap_ip=f"172.31.1.{NUMBERS[name]}")
    for link, (bridge, network) in LINKS.items():
        host.vsctl(
            "add-br", bridge, "--", "set", "Bridge", bridge, "datapath_type=netdev", "--", "add-port", bridge, link
        )
        host.ip("link", "set", bridge, "mtu", "1600", "up")
        host.ip("addr", "add", f"{network}.{NUMBERS[name]}/24", "dev", bridge)
    agent = AgentHost(ovn, host, add_timeout=10, connect_grace=0.3)
    agent.rows.insert("Host", name=name)
    return agent


@pytest.fixture(scope="module")
def fabric() -> Iterator[Fabric]:
    if not available():
        pytest.skip("needs root and the reference OVN (make tools)")
    with OvnSandbox() as ovn:
        made = Fabric(ovn)
        for start in (ovn.start_northbound, ovn.start_southbound, ovn.start_weft, ovn.start_northd):
            start()
        spaces = [ovn.add_namespace(f"{ovn.folder.name}-{name}") for name in NUMBERS]
        for link in LINKS:
            run("ip", "-n", spaces[0], "link", "add", link, "type", "veth", "peer", "name", link, "netns", spaces[1])
            for space in spaces:
                run("ip", "-n", space, "link", "set", link, "mtu", "1600", "up")
        try:
            for name in NUMBERS:
                made.hosts[name] = make_host(ovn, name)
                made.hosts[name].start()
            shape = {"vpc": "ovn-cluster", "cidrs": ["10.16.0.0/16"], "gateways": ["10.16.0.1"], "host_routed": False}
            for subnet, network in (("blue", ""), ("store", "storage")):
                ovn.nbctl("ls-add", subnet)
                made.hosts["h1"].rows.insert("Subnet", name=subnet, node_network=network, **shape)
            yield made
        finally:
            for agent in made.hosts.values():
                agent.close()


@pytest.fixture
def plain(fabric: Fabric) -> Iterator[Fabric]:
    """Nobody has asked for anything, before and after."""
    yield fabric
    fabric.hosts["h1"].rows.update("Subnet", "blue", node_network="")
    fabric.tell(tunnel_interface="")
    eventually(lambda: not overrides(fabric), "settings are the inventory's again")


def settings(fabric: Fabric, host: str = "h1") -> dict[str, str]:
    text = fabric.hosts[host].host.vsctl("--format=json", "--columns=external_ids", "list", "Open_vSwitch", ".")
    return dict(json.loads(text)["data"][0][0][1])


def overrides(fabric: Fabric) -> dict[str, str]:
    return {key: value for key, value in settings(fabric).items() if key.startswith(("ovn-encap-ip-", "weft-encap"))}


def test_pods_use_the_host_s_default_address(plain: Fabric) -> None:
    pod, address = plain.pods("plain")
    plain.takes(pod, address, "eth1")
    assert "mtu 1500" in plain.hosts["h1"].inside(pod[0], "ip", "link", "show", "eth0")
    plain.path(pod, address, "-s", "1472", "-M", "do")
    assert overrides(plain) == {}
    assert plain.problems() == {}


def test_a_subnet_s_pods_wait_for_their_network_and_then_use_it(plain: Fabric) -> None:
    pod, _ = plain.new_pod("early", "h1", "store")
    status, answer = plain.hosts["h1"].request("ADD", pod)
    assert (status, answer["code"]) == (1, 11)
    assert "host h1 has no address in network storage" in answer["msg"]
    assert eventually(lambda: plain.problems().get("tunnel/storage"), "problem is shown")

    plain.tell(networks=["storage"])
    eventually(lambda: overrides(plain).get("ovn-encap-ip-h1") == "172.31.1.11,10.10.10.11", "both addresses are told")
    assert overrides(plain)["ovn-encap-ip-default-h1"] == "172.31.1.11"
    eventually(lambda: "tunnel/storage" not in plain.problems(), "problem is over")
    plain.hosts["h1"].add(pod)
    bound, address = plain.pods("store", "store")
    plain.takes(bound, address, "eth2")
    found = plain.hosts["h1"].host.vsctl("get", "Interface", name_of(plain, bound[0]), "external_ids:encap-ip")
    assert found.strip('"') == "10.10.10.11"
    other, address = plain.pods("beside")
    plain.takes(other, address, "eth1")
    row = plain.hosts["h1"].rows.select("Host_Status", "h1")
    assert row is not None
    assert (row["encap_ip"], row["networks"]) == ("172.31.1.11", {"storage": "10.10.10.11"})


def name_of(fabric: Fabric, pod: Pod, host: str = "h1") -> str:
    find = ("--bare", "--columns=name", "find", "Interface", f'external_ids:iface-id="{pod.port}"')
    return fabric.hosts[host].host.vsctl(*find)


def test_running_pods_move_with_their_subnet_and_back(plain: Fabric) -> None:
    plain.tell(networks=["storage"])
    pod, address = plain.pods("moving")
    plain.takes(pod, address, "eth1")
    plain.hosts["h1"].rows.update("Subnet", "blue", node_network="storage")
    plain.takes(pod, address, "eth2")
    plain.hosts["h1"].rows.update("Subnet", "blue", node_network="")
    plain.takes(pod, address, "eth1")


def test_a_pod_may_be_bound_by_itself(plain: Fabric) -> None:
    plain.tell(networks=["storage"])
    eventually(lambda: overrides(plain), "both addresses are told")
    pod, address = plain.pods("alone", node_network="storage")
    plain.takes(pod, address, "eth2")


def test_the_node_says_which_interface_tunnels_begin_at(plain: Fabric) -> None:
    pod, address = plain.pods("chosen")
    plain.takes(pod, address, "eth1")
    plain.tell(tunnel_interface="bond0,br-st.*")
    plain.takes(pod, address, "eth2")
    assert settings(plain)["ovn-encap-ip"] == "172.31.1.11", "what the inventory says stays written"
    plain.tell(tunnel_interface="bond0")
    problem = eventually(lambda: plain.problems().get("tunnel/interface"), "problem is shown")
    assert "fits 'bond0'; looked at " in problem
    assert "br-phys (172.31.1.11)" in problem
    plain.takes(pod, address, "eth2")


def test_an_address_that_is_away_for_a_moment_moves_nothing(plain: Fabric) -> None:
    plain.tell(tunnel_interface="br-phys,br-store")
    time.sleep(0.5)
    host = plain.hosts["h1"].host
    host.ip("addr", "del", "172.31.1.11/24", "dev", "br-phys")
    eventually(lambda: "encap" in plain.problems(), "the agent has seen it")
    assert overrides(plain) == {}
    host.ip("addr", "add", "172.31.1.11/24", "dev", "br-phys")
    eventually(lambda: "encap" not in plain.problems(), "all is well again")


@pytest.fixture
def protocols(plain: Fabric) -> Iterator[Callable[..., None]]:
    """Sets the inventory's protocols of each host; Geneve afterwards."""

    def choose(*of_hosts: str) -> None:
        for agent, types in zip(plain.hosts.values(), of_hosts, strict=True):
            agent.host.vsctl("set", "Open_vSwitch", ".", f'external_ids:ovn-encap-type="{types}"')

    yield choose
    choose("geneve", "geneve")


@pytest.mark.parametrize(
    ("near", "far", "port", "mtu"),
    [
        ("vxlan", "vxlan", VXLAN, 1550),
        ("geneve,vxlan", "vxlan", VXLAN, 1500),
        ("geneve,vxlan", "vxlan,geneve", GENEVE, 1500),
    ],
)
def test_two_hosts_use_a_protocol_of_both(
    plain: Fabric, protocols: Callable[..., None], near: str, far: str, port: int, mtu: int
) -> None:
    protocols(near, far)
    pod, address = plain.pods(f"{near}-{far}".replace(",", "-"))
    plain.takes(pod, address, "eth1", port)
    assert f"mtu {mtu}" in plain.hosts["h1"].inside(pod[0], "ip", "link", "show", "eth0")
    plain.path(pod, address, "-s", str(mtu - 28), "-M", "do")


def test_a_subnet_s_mtu_that_does_not_fit_is_a_problem_of_the_host(plain: Fabric) -> None:
    plain.pods("large")
    rows = plain.hosts["h1"].rows
    rows.update("Subnet", "blue", mtu=1543)
    said = eventually(lambda: plain.problems().get("mtu/blue"), "problem is shown")
    assert "its mtu is 1543, and geneve tunnels from 172.31.1.11 carry 1542 at most" in said
    rows.update("Subnet", "blue", mtu=0)
    eventually(lambda: "mtu/blue" not in plain.problems(), "problem is over")
