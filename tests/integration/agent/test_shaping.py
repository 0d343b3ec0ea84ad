"""Rates of pods on the userspace datapath, measured by iperf3 in both directions, and who keeps them in force."""

from __future__ import annotations

import json
import platform
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import rates
from tests.support.agent import AgentHost, Pod, eventually, lone_host
from tests.support.ovn import available
from weft.agent.wiring import host_interface

TOLERANCE = 0.15
HEADERS = 1348 / 1414
"""Payload in a frame of TCP: the rate is for whole frames."""


@pytest.fixture(scope="module")
def agent() -> Iterator[AgentHost]:
    if not available() or not rates.AVAILABLE:
        pytest.skip("needs root, the reference OVN (make tools) and iperf3 (tools/deps)")
    blue = {"cidrs": ["10.16.0.0/16"], "gateways": ["10.16.0.1"], "host_routed": False}
    with lone_host(blue, check_period=1) as host:
        host.start()
        yield host


class Pair:
    """The shaped pod and another one."""

    def __init__(self, agent: AgentHost, number: int) -> None:
        self.agent = agent
        self.shaped, self.other = (self._pod(f"{name}{number}", number, last) for name, last in (("a", 1), ("b", 2)))
        self.link = host_interface(self.shaped.port)

    def _pod(self, name: str, number: int, last: int) -> Pod:
        pod, address, mac = self.agent.pod(name), f"10.16.{number}.{last}", f"0a:00:00:00:{number:02x}:{last:02x}"
        self.agent.sandbox.nbctl("lsp-add", "blue", pod.port, "--", "lsp-set-addresses", pod.port, f"{mac} {address}")
        self.agent.rows.insert("Port", **self.agent.port_row(pod, "blue", mac, address))
        self.agent.add(pod)
        return pod

    def ask(self, **shaping: object) -> None:
        """What the annotations say now; it is in effect when this returns, as far as it can be."""
        self.agent.rows.update("Port", self.shaped.port, shaping={key: str(value) for key, value in shaping.items()})
        kinds = {"ingress_rate" in shaping, "egress_rate" in shaping}
        eventually(lambda: {bool(self.to_pod()), bool(self.from_pod())} == kinds, f"shaping {shaping}")

    def to_pod(self) -> int:
        """Bytes a second that the host's end lets through; 0 for no limit."""
        return _rate(self.agent.host_tc("qdisc", "show", "dev", self.link))

    def from_pod(self) -> int:
        return _rate(self.agent.inside(self.shaped, "tc", "-j", "qdisc", "show", "dev", "eth0"))

    def address(self, pod: Pod) -> str:
        row = self.agent.rows.select("Port", pod.port)
        assert row
        return str(row["addresses"])

    def received(self, **how: float) -> float:
        return rates.mbits(_name(self.other), _name(self.shaped), self.address(self.shaped), **how)

    def sent(self, **how: float) -> float:
        return rates.mbits(_name(self.shaped), _name(self.other), self.address(self.other), **how)


def _name(pod: Pod) -> str:
    return Path(pod.netns).name


def _rate(said: str) -> int:
    found = [item for item in json.loads(said) if item["kind"] == "tbf"]
    return int(found[0]["options"]["rate"]) if found else 0


def measure(rate: Callable[..., float], asked: float, **how: float) -> None:
    """Never more than asked for, and on a machine that is busy with other things, not always as much."""
    expected = asked * HEADERS
    for _ in range(4):
        found = rate(**how)
        assert found < expected * (1 + TOLERANCE)
        if found > expected * (1 - TOLERANCE):
            return
    raise AssertionError(f"{found:.2f} Mbit/s, asked for were {asked:g}")


@pytest.fixture(scope="module")
def pair(agent: AgentHost) -> Pair:
    made = Pair(agent, 1)
    agent.inside(made.shaped, "ping", "-c1", "-w5", made.address(made.other))
    return made


@pytest.fixture
def plain(pair: Pair) -> Iterator[Pair]:
    yield pair
    pair.ask()


@pytest.mark.parametrize(("asked", "more"), [(4, {}), (20, {}), (20, {"udp": 40})], ids=str)
def test_what_a_pod_receives_has_the_rate_asked_for(plain: Pair, asked: float, more: dict[str, float]) -> None:
    plain.ask(ingress_rate=asked)
    measure(plain.received, asked, **more)


@pytest.mark.parametrize(("asked", "more"), [(4, {}), (20, {}), (20, {"udp": 40})], ids=str)
def test_what_a_pod_sends_has_the_rate_asked_for(plain: Pair, asked: float, more: dict[str, float]) -> None:
    plain.ask(egress_rate=asked)
    measure(plain.sent, asked, **more)


def test_each_direction_has_its_own_rate_and_a_change_is_in_effect_at_once(plain: Pair) -> None:
    plain.ask(ingress_rate=20, egress_rate=5)
    measure(plain.received, 20)
    measure(plain.sent, 5)
    plain.ask(ingress_rate=8, egress_rate=5)
    eventually(lambda: plain.to_pod() == 1_000_000, "the new rate")
    measure(plain.received, 8)
    plain.ask()
    assert plain.received() > 40
    assert plain.sent() > 40


def test_the_rate_is_restored_by_whoever_sees_it_missing(plain: Pair) -> None:
    agent = plain.agent
    plain.ask(ingress_rate=10, egress_rate=5)
    agent.host_tc("qdisc", "del", "dev", plain.link, "root")
    eventually(plain.to_pod, "the host's end is shaped again")
    agent.inside(plain.shaped, "tc", "qdisc", "del", "dev", "eth0", "root")
    eventually(plain.from_pod, "the pod's end is shaped again")
    agent.inside(plain.shaped, "tc", "qdisc", "replace", "dev", "eth0", "root", "bfifo", "limit", "9000")
    eventually(plain.from_pod, "another discipline gives way")


def test_open_vswitch_leaves_it_alone_also_while_the_agent_is_away(plain: Pair) -> None:
    agent, host = plain.agent, plain.agent.host
    plain.ask(ingress_rate=10)
    agent.stop()
    host.daemons["ovs-vswitchd"].kill(signal.SIGKILL)
    host.start_vswitchd()
    agent.inside(plain.shaped, "ping", "-c1", "-w10", plain.address(plain.other))
    host.vsctl("add-port", "br-int", "another", "--", "set", "Interface", "another", "type=internal")
    measure(plain.received, 10)
    host.vsctl("del-port", "another")
    agent.start()


def test_what_was_asked_for_or_not_while_the_agent_was_away(plain: Pair) -> None:
    plain.ask(ingress_rate=10, egress_rate=5)
    plain.agent.stop()
    assert (plain.to_pod(), plain.from_pod()) == (1_250_000, 625_000), "an agent that stops touches nothing"
    plain.agent.rows.update("Port", plain.shaped.port, shaping={"egress_rate": "2"})
    plain.agent.start()
    eventually(lambda: (plain.to_pod(), plain.from_pod()) == (0, 250_000), "the difference is made good")
    plain.agent.stop()
    plain.agent.rows.update("Port", plain.shaped.port, shaping={})
    plain.agent.start()
    eventually(lambda: (plain.to_pod(), plain.from_pod()) == (0, 0), "nothing is left")
    assert "linux-noop" not in plain.agent.host.vsctl("--columns=qos", "list", "Port", plain.link)


def problem(agent: AgentHost, port: str) -> str:
    """What the host's status says of a port's shaping."""
    row = agent.rows.select("Host_Status", "h1") or {}
    return str(row.get("problems", {}).get(f"shaping/{port}", ""))


def test_delay_and_loss_or_the_words_that_this_kernel_cannot(plain: Pair) -> None:
    plain.ask(ingress_rate=20, latency=50, loss=0, limit=500)

    def answer() -> str | float | None:
        if said := problem(plain.agent, plain.shaped.port):
            return said
        found = json.loads(plain.agent.host_tc("qdisc", "show", "dev", plain.link))
        return next((float(item["options"]["delay"]["delay"]) for item in found if item["kind"] == "netem"), None)

    found = eventually(answer, "netem, or the problem")
    assert plain.to_pod() == 2_500_000
    if isinstance(found, float):
        said = plain.agent.inside(plain.shaped, "ping", "-c3", plain.address(plain.other))
        assert 45 < float(re.findall(r"= ([0-9.]+)/", said)[0]) < 75
    else:
        assert found == (
            f"latency, jitter, loss, limit: no effect on this host: its kernel {platform.release()} has no netem "
            f"(module sch_netem); load it, or ask for none"
        )
    plain.ask()
    eventually(lambda: not problem(plain.agent, plain.shaped.port), "the problem is over")


def test_an_interface_that_is_not_ours_to_shape_is_named(agent: AgentHost) -> None:
    pod = agent.pod("foreign")
    row = agent.port_row(pod, "blue", "0a:00:00:00:09:09", "10.16.9.9", device_type="none", shaping={"latency": "5"})
    agent.rows.insert("Port", **row)
    words = "latency: no effect on this host: another plugin makes the interface"
    eventually(lambda: problem(agent, pod.port) == words, "the problem")
    agent.rows.delete("Port", pod.port)
    eventually(lambda: not problem(agent, pod.port), "it is over")


def test_a_pods_end_takes_all_of_it_along(agent: AgentHost) -> None:
    made = Pair(agent, 2)
    made.ask(ingress_rate=10, egress_rate=5)
    assert agent.request("DEL", made.shaped)[0] == 0
    agent.rows.delete("Port", made.shaped.port)
    eventually(lambda: made.link not in agent.host_tc("qdisc", "show"), "the link is gone")
    eventually(
        lambda: not agent.host.vsctl("--columns=_uuid", "find", "Interface", "external_ids:shaped=true"), "no mark"
    )
