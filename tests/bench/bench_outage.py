"""`outage_*`: how long a pod's pings, 10 ms apart, have no answer when a daemon of its host is killed and starts again.

SIGKILL each time, and of several the worst counts; `parts` has each, and the packets lost. The ceiling is the same
fault on a host without agent: what Open vSwitch and OVN need by themselves. For the agent's own death it is the pause
between two pings. `agent_idle` is what an agent takes that has nothing to do: percent of a processor over 20 seconds,
with 50 pods wired; its memory is among the parts, in MiB.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.bench_cni import METRICS, MTU, Bench
from tests.bench.process import memory
from tests.bench.record import Record
from tests.support.agent import AgentHost, Pod, eventually, lone_host
from tests.support.traffic import INTERVAL, Loss, Traffic

KILLS = 3
PODS = 50
IDLE = 20.0
_TICK = os.sysconf("SC_CLK_TCK")


class Faults:
    """A host with an agent and two pods."""

    def __init__(self, agent: AgentHost, source: Pod, address: str) -> None:
        self.agent = agent
        self._source = source
        self._address = address

    def measure(self, fault: Callable[[], None]) -> list[Loss]:
        losses = []
        for _ in range(KILLS):
            with Traffic(self._source.netns, self._address) as traffic:
                fault()
                eventually(traffic.answered, "traffic flows again", 60)
                time.sleep(2)  # what a daemon does late is part of its outage
            losses.append(traffic.loss)
        return losses

    def kill_agent(self) -> None:
        self.agent.stop(signal.SIGKILL)
        self.agent.start()

    def kill_vswitchd(self) -> None:
        self.agent.host.daemons["ovs-vswitchd"].kill(signal.SIGKILL)
        self.agent.host.start_vswitchd()

    def kill_ovn_controller(self) -> None:
        self.agent.host.daemons["ovn-controller"].kill(signal.SIGKILL)
        self.agent.host.start_controller()

    def kill_ovsdb(self) -> None:
        self.agent.host.daemons["ovsdb-server"].kill(signal.SIGKILL)
        self.agent.host.daemons["ovsdb-server"] = self.agent.host.restart_database()

    def record(self, name: str) -> Record:
        """With the agent, then without it."""
        fault = getattr(self, "kill_" + name.removeprefix("outage_"))
        ours = self.measure(fault)
        ceiling = INTERVAL
        parts = {f"kill_{number}": loss.gap for number, loss in enumerate(ours)}
        if name != "outage_agent":
            self.agent.stop()
            bare = self.measure(fault)
            self.agent.start()
            ceiling = max(loss.gap for loss in bare)
            parts["lost_packets_bare"] = max(loss.lost for loss in bare)
        value = max(loss.gap for loss in ours)
        return Record(name, value, "s", ceiling, ceiling / value, parts | {"lost_packets": max(p.lost for p in ours)})


def _cpu(pid: int) -> float:
    """Seconds of processor that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


async def _idle(agent: AgentHost) -> Record:
    assert agent.process is not None
    pid = agent.process.pid
    before, started = _cpu(pid), time.monotonic()
    await asyncio.sleep(IDLE)
    percent = (_cpu(pid) - before) / (time.monotonic() - started) * 100
    return Record("agent_idle", percent, "% CPU", parts={"rss_mib": memory(pid), "pods": PODS})


NAMES = ("outage_agent", "outage_vswitchd", "outage_ovn_controller", "outage_ovsdb", "agent_idle")


async def run(names: list[str]) -> list[Record]:
    """The records of these names, on a sandbox of their own."""
    with lone_host({"mtu": MTU, "host_routed": False}, metrics=METRICS) as agent:
        agent.start()
        bench = Bench(agent)
        made = bench.pods("p", PODS if "agent_idle" in names else 2)
        for pod, _ in made:
            await bench.add(pod)
        faults = Faults(agent, made[0][0], made[1][1]["addresses"][0])
        idle = [await _idle(agent)] if "agent_idle" in names else []
        outages = [name for name in names if name != "agent_idle"]
        return [*[await asyncio.to_thread(faults.record, name) for name in outages], *idle]
