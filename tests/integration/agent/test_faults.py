"""What dies on a host, under traffic: pods go on or come back by themselves, and nothing of others is touched."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.agent import AgentHost, Pod, eventually
from tests.support.traffic import Loss, Traffic
from weft.agent import wiring

_numbers = iter(range(2, 250))
BACK = 20
"""Seconds within which a host has to be whole again."""


@dataclass
class Pair:
    """Two pods of the host; pings go from one to the other."""

    agent: AgentHost
    one: Pod
    two: Pod
    address: str

    def interfaces(self) -> dict[str, tuple[int, str]]:
        """Index and addresses of the pods' interfaces: the same after a fault, so nothing was made anew."""
        found = {}
        for pod in (self.one, self.two):
            link = json.loads(self.agent.inside(pod, "ip", "-j", "addr", "show", "eth0"))[0]
            found[pod.name] = (link["ifindex"], str(sorted(item["local"] for item in link["addr_info"])))
        return found

    def under(self, fault: Callable[[], None]) -> Loss:
        """What a fault costs until traffic flows and the agent is ready again."""
        before = self.interfaces()
        with Traffic(self.one.netns, self.address) as traffic:
            fault()
            eventually(traffic.answered, "traffic flows again", BACK)
            eventually(lambda: ready(self.agent), "the host is ready again", BACK)
        assert self.interfaces() == before
        return traffic.loss


def ready(agent: AgentHost) -> bool:
    with contextlib.suppress(RuntimeError):  # a database that is being started may not answer in time
        row = agent.rows.select("Host_Status", "h1")
        return bool(row and row["ready"])
    return False


def new_pod(agent: AgentHost, name: str) -> tuple[Pod, dict[str, Any]]:
    number = next(_numbers)
    pod = agent.pod(name)
    row = agent.port_row(pod, "blue", f"0a:00:00:00:09:{number:02x}", f"10.16.9.{number}")
    place = f"{row['mac']} {row['addresses'][0]}"
    agent.sandbox.nbctl("lsp-add", "blue", pod.port, "--", "lsp-set-addresses", pod.port, place)
    agent.rows.insert("Port", **row)
    return pod, row


@pytest.fixture(scope="module")
def pair(agent: AgentHost) -> Pair:
    one, _ = new_pod(agent, "one")
    two, row = new_pod(agent, "two")
    agent.add(one)
    agent.add(two)
    return Pair(agent, one, two, row["addresses"][0])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_agent_that_ends_and_starts_costs_no_packet(pair: Pair, number: signal.Signals) -> None:
    def restart() -> None:
        pair.agent.stop(number)
        time.sleep(0.3)
        pair.agent.start()

    assert pair.under(restart).lost == 0
    assert pair.agent.request("CHECK", pair.one) == (0, {})


@pytest.mark.parametrize("daemon", ["ovs-vswitchd", "ovn-controller", "ovsdb-server"])
def test_a_daemon_that_is_killed_and_starts_gives_everything_back(pair: Pair, daemon: str) -> None:
    """Without its database vswitchd forwards on the kernel's datapath, and stands still on the one of userspace."""
    host = pair.agent.host

    def kill() -> None:
        host.daemons[daemon].kill(signal.SIGKILL)
        if daemon == "ovs-vswitchd":
            host.start_vswitchd()
        elif daemon == "ovn-controller":
            host.start_controller()
        else:
            host.daemons[daemon] = host.restart_database()

    assert pair.under(kill).gap < BACK
    pod, _ = new_pod(pair.agent, f"after-{daemon}")
    eventually(lambda: pair.agent.request("ADD", pod)[0] == 0, "new pods come up", BACK)
    assert pair.agent.request("CHECK", pair.one) == (0, {})


@pytest.mark.parametrize("daemon", ["ovs-vswitchd", "ovn-controller"])
def test_a_dead_daemon_makes_the_host_unready_and_its_return_ready(pair: Pair, daemon: str) -> None:
    host = pair.agent.host
    host.daemons[daemon].kill(signal.SIGKILL)
    eventually(lambda: not ready(pair.agent), "the host says that it is not ready", 15)
    row = pair.agent.rows.select("Host_Status", "h1")
    assert row
    assert daemon in dict(row["problems"])
    (host.start_vswitchd if daemon == "ovs-vswitchd" else host.start_controller)()
    eventually(lambda: ready(pair.agent), "ready again", BACK)


def test_without_any_database_pods_run_and_go_also_after_the_agents_restart(pair: Pair) -> None:
    agent, sandbox = pair.agent, pair.agent.sandbox
    leaving, _ = new_pod(agent, "leaving")
    agent.add(leaving)
    eventually(lambda: leaving.port in (agent.state_dir / "view.json").read_text(), "the view is on disk")
    late, _ = new_pod(agent, "late")
    before = pair.interfaces()
    with Traffic(pair.one.netns, pair.address) as traffic:
        for name in ("weft", "sb"):
            next(daemon for daemon in reversed(sandbox.daemons) if daemon.rundir.name == name).kill(signal.SIGKILL)
        agent.stop(signal.SIGKILL)
        agent.start(wait=False)
        eventually(lambda: agent.request("CHECK", pair.one) == (0, {}), "the agent serves, from its view on disk")
        status, answer = agent.request("ADD", late)
        assert (status, answer["code"]) == (1, 11)
        assert "Weft database is not connected" in answer["msg"]
        assert agent.request("DEL", leaving) == (0, {})
        sandbox.start_weft()
        sandbox.start_southbound()
        eventually(lambda: agent.request("ADD", late)[0] == 0, "new pods come up again", 40)
    assert traffic.loss.lost == 0
    assert pair.interfaces() == before


def test_leftovers_are_collected_and_nothing_of_others(pair: Pair) -> None:
    """Links that look like ours without our mark, ports without our vendor, routes and filters that somebody made."""
    agent, host = pair.agent, pair.agent.host
    foreign = wiring.host_interface("somebody's")
    host.ip("link", "add", foreign, "type", "veth", "peer", "name", "foreign0")
    host.ip("link", "add", "theirs0", "type", "veth", "peer", "name", "theirs1")
    host.ip("link", "set", "theirs0", "alias", "docker:abc/eth0")
    host.vsctl("add-port", "br-int", "theirs1", "--", "set", "Interface", "theirs1", "external_ids:iface-id=theirs")
    orphan = wiring.host_interface("orphan.default")
    host.ip("link", "add", orphan, "type", "veth", "peer", "name", "orphan0")
    host.ip("link", "set", orphan, "alias", "weft:gone/eth0")
    ids = {"vendor": "weft", "iface-id": "nolink.default", "sandbox": "gone", "ifname": "eth0"}
    told = [f"external_ids:{key}={value}" for key, value in ids.items()]
    linkless = wiring.host_interface("nolink.default")
    host.vsctl("--no-wait", "add-port", "br-int", linkless, "--", "set", "Interface", linkless, *told)
    agent.stop(signal.SIGKILL)
    agent.start()

    def links() -> set[str]:
        return {link["ifname"] for link in json.loads(host.ip("-j", "link"))}

    def ports() -> set[str]:
        return set(host.vsctl("list-ports", "br-int").split())

    eventually(lambda: orphan not in links() and linkless not in ports(), "leftovers are gone", 60)
    assert {foreign, "foreign0", "theirs0", "theirs1"} <= links()
    assert "theirs1" in ports()
    assert Path(pair.one.netns).exists()
    host.vsctl("del-port", "theirs1")
