"""`gateway_kill`: how long a workload's pings to the outside, 10 ms apart, have no answer when its gateway's host dies.

Three hosts with agents and a network beyond them: a workload on one, and a centralized subnet that leaves by the other
two, the first while it is there. Agent, ovn-controller and Open vSwitch of that one get SIGKILL at once, and are
brought back afterwards; of several kills the worst counts.

The ceiling is the silence after which a host counts as dead, by what its agent says of its heartbeats: nobody can know
earlier. `parts`: from the kill to the policy's change in the Northbound (`until_commit`), of it what lies beyond the
limit since the last heartbeat (`commit`), and from there to the first answer (`flows`: northd, Southbound, hosts).
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.bench.process import controller
from tests.bench.record import Record
from tests.support.agent import AgentHost, Pod, eventually
from tests.support.fabric import Fabric, fabric
from tests.support.ovn import OvnSandbox, namespace_command
from tests.support.ovn import run as execute
from tests.support.traffic import Traffic
from weft.ovsdb.database import Database, RowChange
from weft.topology.silence import limit

NAMES = ("gateway_kill",)
KILLS = 3
HOSTS = {"w1": 11, "g1": 12, "g2": 13}
"""By name, the last number of its address."""
NETWORK, ROUTER, FAR = "172.31.7", "172.31.7.1", "203.0.113.1"
DOCUMENTS = """
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {{name: gate}}
spec: {{cidrBlock: 10.70.0.0/16, gatewayType: centralized, gatewayNode: "g1,g2", natOutgoing: true}}
---
apiVersion: v1
kind: Pod
metadata:
  {{name: web, namespace: default, annotations: {{ovn.kubernetes.io/logical_switch: gate, weft.ovn/netns: {netns}}}}}
spec: {{nodeName: w1}}
"""


class Underlay:
    """A network that all hosts are on, with a router to `FAR`."""

    def __init__(self, ovn: OvnSandbox) -> None:
        self._ovn = ovn
        self._wire = ovn.add_namespace(f"{ovn.folder.name}-wire")
        self._ip("link", "add", "br0", "type", "bridge")
        self._ip("link", "set", "br0", "mtu", "1600", "up")
        self._ip("addr", "add", f"{ROUTER}/24", "dev", "br0")
        self._ip("addr", "add", f"{FAR}/32", "dev", "lo")

    def _ip(self, *arguments: str) -> None:
        execute(*namespace_command(self._wire), "ip", *arguments)

    def attach(self, name: str) -> AgentHost:
        """A host of that name, whose NIC is in a bridge that has its address, as the userspace datapath needs it."""
        ns = self._ovn.add_namespace(f"{self._ovn.folder.name}-{name}")
        self._ip("link", "add", name, "mtu", "1600", "type", "veth", "peer", "name", "eth1", "netns", ns)
        self._ip("link", "set", name, "master", "br0", "up")
        execute("ip", "-n", ns, "link", "set", "eth1", "mtu", "1600", "up")
        host = self._ovn.start_ovs(name, ns, encap_ip=f"{NETWORK}.{HOSTS[name]}")
        bridge = ("add-br", "br-phys", "--", "set", "Bridge", "br-phys", "datapath_type=netdev")
        host.vsctl(*bridge, "--", "add-port", "br-phys", "eth1")
        agent = AgentHost(self._ovn, host)
        self.address(agent)
        return agent

    @staticmethod
    def address(agent: AgentHost) -> None:
        """Give the bridge its address, which goes with Open vSwitch."""
        host = agent.host
        eventually(lambda: '"br-phys"' in host.ip("-j", "link"), "the bridge's device")
        host.ip("link", "set", "br-phys", "mtu", "1600", "up")
        host.ip("addr", "replace", f"{host.encap_ip}/24", "dev", "br-phys")
        host.ip("route", "replace", "default", "via", ROUTER)


class Watch:
    """When the Northbound's policies changed, and when the first gateway gave a sign of life, in monotonic seconds."""

    def __init__(self, made: Fabric) -> None:
        self.committed = self.heard = 0.0
        self.limit = 0.0
        self._databases = (
            Database("OVN_Northbound", made.ovn.northbound, {"Logical_Router_Policy": ["nexthops"]},
                     on_change=self._policies),
            Database("Weft", made.ovn.weft, {"Host_Status": ["name", "heartbeat", "last_seen"]}, on_change=self._hosts),
        )  # fmt: skip

    def _policies(self, _: list[RowChange]) -> None:
        self.committed = time.monotonic()

    def _hosts(self, changes: list[RowChange]) -> None:
        for change in changes:
            if change.row.get("name") == "g1":
                self.heard, self.limit = time.monotonic(), limit(change.row)

    async def start(self) -> None:
        for database in self._databases:
            await database.start(30)

    async def close(self) -> None:
        for database in self._databases:
            await database.close()


@asynccontextmanager
async def _site(made: Fabric) -> AsyncIterator[dict[str, AgentHost]]:
    """The hosts, their agents started; the workload is there."""
    underlay, agents = Underlay(made.ovn), {}
    try:
        for name in HOSTS:
            agents[name] = await asyncio.to_thread(underlay.attach, name)
            await asyncio.to_thread(_start, agents[name])
        yield agents
    finally:
        for agent in agents.values():
            await asyncio.to_thread(agent.close)


def _start(agent: AgentHost) -> None:
    agent.start(wait=False)
    eventually(lambda: agent.request("STATUS")[0] == 0, f"the agent of {agent.host.name} is ready", 60)


def _kill(agent: AgentHost) -> None:
    agent.stop(signal.SIGKILL)
    for name in ("ovn-controller", "ovs-vswitchd", "ovsdb-server"):
        agent.host.daemons[name].kill(signal.SIGKILL)


def _revive(agent: AgentHost) -> None:
    agent.host.daemons["ovsdb-server"] = agent.host.restart_database()
    agent.host.start_vswitchd()
    Underlay.address(agent)
    agent.host.start_controller()
    _start(agent)


async def _leaves_by(made: Fabric, name: str) -> None:
    """Until the subnet's status says so."""
    async with asyncio.timeout(60):
        while (await made.status("Subnet/gate")).get("activateGateway") != name:
            await asyncio.sleep(0.1)


async def _measure(made: Fabric, watch: Watch, pod: Pod, gateway: AgentHost) -> dict[str, float]:
    traffic = Traffic(pod.netns, FAR)
    await _leaves_by(made, "g1")
    await asyncio.to_thread(eventually, traffic.answered, "the workload reaches the outside", 60)
    await asyncio.sleep(4)  # the gateway's agent has heard that it is one, and says so more often
    await asyncio.to_thread(traffic.__enter__)
    heard, killed = watch.heard, time.monotonic()
    await asyncio.to_thread(_kill, gateway)
    await _leaves_by(made, "g2")
    await asyncio.to_thread(eventually, traffic.answered, "it does so again", 60)
    await asyncio.to_thread(traffic.__exit__, None, None, None)
    until, limited = watch.committed - killed, watch.limit
    await asyncio.to_thread(_revive, gateway)
    return {
        "gap": traffic.loss.gap, "lost_packets": traffic.loss.lost, "limit": limited, "until_commit": until,
        "commit": watch.committed - heard - limited, "flows": max(traffic.loss.gap - until, 0.0),
    }  # fmt: skip


async def _kills(made: Fabric, agents: dict[str, AgentHost]) -> Record:
    netns = f"{made.ovn.folder.name}-web"
    assert await made.apply(DOCUMENTS.format(netns=netns)) == []
    watch, pod = Watch(made), Pod("web", "default", "", f"/run/netns/{netns}")
    await watch.start()
    try:
        kills = [await _measure(made, watch, pod, agents["g1"]) for _ in range(KILLS)]
    finally:
        await watch.close()
    worst = max(kills, key=lambda kill: kill["gap"])
    parts = {f"kill_{number}": kill["gap"] for number, kill in enumerate(kills)} | worst
    gap, ceiling = parts.pop("gap"), parts.pop("limit")
    return Record("gateway_kill", gap, "s", ceiling, ceiling / gap, parts)


async def run(_: list[str]) -> list[Record]:
    """The record, on a sandbox of its own."""
    async with fabric() as made, controller(made), _site(made) as agents:
        return [await _kills(made, agents)]
