"""Copies of packets on a real userspace datapath: at the host's own device, and at a collector behind a tunnel."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.support.agent import AgentHost, Pod, eventually
from tests.support.capture import BRIDGED, ERSPAN, ICMP, Capture, Packet
from tests.support.ovn import namespace_command, run
from weft.agent.wiring import host_interface

HERE, COLLECTOR = "192.0.2.1", "192.0.2.9"


@pytest.fixture(scope="module")
def collector(agent: AgentHost) -> str:
    """A namespace beyond the host's underlay: bridge `br-phys` with an address, as tunnels of the datapath need it."""
    host = agent.host
    assert host.ns
    far = agent.sandbox.add_namespace(f"{agent.sandbox.folder.name}-far")
    host.ip("link", "add", "eth2", "type", "veth", "peer", "name", "eth2", "netns", far)
    host.vsctl(
        "add-br",
        "br-phys",
        "--",
        "set",
        "Bridge",
        "br-phys",
        "datapath_type=netdev",
        "--",
        "add-port",
        "br-phys",
        "eth2",
    )
    host.ip("link", "set", "eth2", "up")
    host.ip("addr", "add", f"{HERE}/24", "dev", "br-phys")
    host.ip("link", "set", "br-phys", "up")
    for words in (("link", "set", "eth2", "up"), ("addr", "add", f"{COLLECTOR}/24", "dev", "eth2")):
        run(*namespace_command(far), "ip", *words)
    run(*namespace_command(far), "ping", "-c1", "-w5", HERE)
    return far


class Pods:
    """Three of them; the first asks for mirrors."""

    def __init__(self, agent: AgentHost) -> None:
        self.agent = agent
        self.addresses = {name: f"10.16.7.{number}" for number, name in enumerate(("seen", "peer", "unseen"), 2)}
        self.pods = {name: self._add(name, address) for name, address in self.addresses.items()}
        self.link = host_interface(self.pods["seen"].port)

    def _add(self, name: str, address: str) -> Pod:
        pod, mac = self.agent.pod(name), f"0a:00:00:00:07:{address.rpartition('.')[2]:>02}"
        self.agent.sandbox.nbctl("lsp-add", "blue", pod.port, "--", "lsp-set-addresses", pod.port, f"{mac} {address}")
        self.agent.rows.insert("Port", **self.agent.port_row(pod, "blue", mac, address))
        self.agent.add(pod)
        return pod

    def ask(self, *mirrors: str) -> None:
        """What the pod's annotations say now; there is a mirror for each when this returns."""
        self.agent.rows.update("Port", self.pods["seen"].port, mirrors=mirrors)
        eventually(lambda: len(self.mirrors()) == len(mirrors), f"mirrors {mirrors}")

    def mirrors(self) -> list[str]:
        return self.agent.host.vsctl("--bare", "--columns=name", "find", "Mirror").split()

    def ping(self, sender: str, receiver: str) -> None:
        self.agent.inside(self.pods[sender], "ping", "-c2", "-w5", self.addresses[receiver])

    def between(self, packet: Packet | None, sender: str, receiver: str) -> bool:
        ends = (self.addresses[sender], self.addresses[receiver])
        return packet is not None and (packet.source, packet.destination) == ends and packet.protocol == ICMP


@pytest.fixture(scope="module")
def pods(agent: AgentHost) -> Pods:
    return Pods(agent)


@pytest.fixture
def plain(pods: Pods) -> Iterator[Pods]:
    yield pods
    pods.ask()


def device(agent: AgentHost) -> Capture:
    """What mirror0 shows, from when it is up."""
    eventually(
        lambda: "UP" in agent.host.ip("-br", "link", "show", "type", "tun").partition("mirror0")[2], "mirror0 is up"
    )
    return Capture(str(agent.host.ns), "mirror0")


def test_the_hosts_device_shows_a_pods_packets_both_ways_and_nobody_elses(plain: Pods) -> None:
    plain.ask("local")
    with device(plain.agent) as capture:
        plain.ping("unseen", "peer")
        plain.ping("seen", "peer")
        for ends in (("seen", "peer"), ("peer", "seen")):
            capture.sees(lambda packet, ends=ends: plain.between(packet, *ends), f"packets from {ends[0]}")
        assert not [
            packet for packet in capture.look() if plain.addresses["unseen"] in (packet.source, packet.destination)
        ]
    plain.ask()
    eventually(lambda: "mirror0" not in plain.agent.host.vsctl("list-ports", "br-int"), "the device goes with the last")


@pytest.mark.parametrize(("kind", "carried"), [("gre", BRIDGED), ("erspan", ERSPAN)])
def test_a_collector_gets_them_in_a_tunnel(plain: Pods, collector: str, kind: str, carried: int) -> None:
    plain.ask(f"{kind}:{COLLECTOR}/100")
    with Capture(collector, "eth2") as capture:
        for ends in (("seen", "peer"), ("peer", "seen")):
            plain.ping("seen", "peer")
            found = capture.sees(
                lambda packet, ends=ends: plain.between(packet.inner, *ends), f"packets from {ends[0]}"
            )
            assert (found.source, found.destination, found.carried, found.key) == (HERE, COLLECTOR, carried, 100)


def test_both_at_once_and_after_restarts(plain: Pods, collector: str) -> None:
    agent, host = plain.agent, plain.agent.host
    plain.ask("local", f"gre:{COLLECTOR}/7")
    agent.stop()
    host.daemons["ovs-vswitchd"].kill(signal.SIGKILL)
    host.start_vswitchd()
    host.ip("addr", "replace", f"{HERE}/24", "dev", "br-phys")
    host.ip("link", "set", "br-phys", "up")
    agent.start()
    with device(agent) as shown, Capture(collector, "eth2") as collected:
        plain.ping("seen", "peer")
        shown.sees(lambda packet: plain.between(packet, "seen", "peer"), "at mirror0")
        collected.sees(lambda packet: plain.between(packet.inner, "seen", "peer"), "at the collector")
    before = set(plain.mirrors())
    host.vsctl("clear", "Bridge", "br-int", "mirrors")
    eventually(lambda: set(plain.mirrors()) == before, "mirrors that somebody cleared are back")


def test_others_mirrors_stay(plain: Pods) -> None:
    host = plain.agent.host
    host.vsctl("--", "--id=@m", "create", "Mirror", "name=theirs", "--", "add", "Bridge", "br-int", "mirrors", "@m")
    try:
        plain.agent.rows.update("Port", plain.pods["seen"].port, mirrors=["local"])
        eventually(lambda: set(plain.mirrors()) == {"theirs", "weft-mirror0"}, "ours comes")
        plain.agent.rows.update("Port", plain.pods["seen"].port, mirrors=[])
        eventually(lambda: plain.mirrors() == ["theirs"], "ours goes")
    finally:
        host.vsctl("clear", "Bridge", "br-int", "mirrors")


def test_a_host_shows_everything(plain: Pods, collector: str) -> None:
    agent = plain.agent
    agent.stop()
    text = agent.config.read_text()
    agent.config.write_text(f'{text}[mirror]\nall = true\ncollector = "gre:{COLLECTOR}/9"\n')
    try:
        agent.start()
        with device(agent) as shown, Capture(collector, "eth2") as collected:
            plain.ping("unseen", "peer")
            shown.sees(lambda packet: plain.between(packet, "unseen", "peer"), "at mirror0")
            collected.sees(lambda packet: plain.between(packet.inner, "peer", "unseen"), "at the collector")
    finally:
        agent.stop()
        agent.config.write_text(text)
        agent.start()
    eventually(lambda: not plain.mirrors(), "nothing is left")
