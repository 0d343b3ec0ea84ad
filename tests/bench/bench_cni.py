"""`cni_add_1` and `cni_add_50`: a CNI ADD as a runtime sees it, from the plugin's start to its end.

The Port rows and logical switch ports are there before, as they are when a kubelet acts after the controller. The
ceiling does the same wiring on the same host with the same number of pods (see cni_ceiling.py), after as many starts of
an interpreter as there are pods: a runtime executes a plugin for each, and ours is a script, readable and the same on
every architecture. What a compiled plugin would have as its ceiling is `ratio_compiled`: one of the reference plugins,
doing nothing, is started in the interpreter's place.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from tests.bench import cni_ceiling
from tests.bench.cni_ceiling import Job
from tests.bench.record import Record
from tests.support.agent import OTHER_PLUGINS, AgentHost, Pod, lone_host
from weft.agent.device.base import host_interface
from weft.agent.netns import entered

ALONE, TOGETHER, ROUNDS = 20, 50, 3
METRICS = "127.0.0.1:10665"
MTU = 1400


class Bench:
    """A host, and numbered pods with all that must be there before an ADD."""

    def __init__(self, agent: AgentHost) -> None:
        self.agent = agent
        self.numbers = iter(range(2, 60_000))

    def pods(self, prefix: str, count: int) -> list[tuple[Pod, dict[str, Any]]]:
        made = []
        for index in range(count):
            number = next(self.numbers)
            pod = self.agent.pod(f"{prefix}{index}")
            mac = f"0a:00:00:00:{number >> 8:02x}:{number & 255:02x}"
            addresses = (f"10.16.{number >> 8}.{number & 255}", f"fd00:10:16::{number:x}")
            made.append((pod, self.agent.port_row(pod, "blue", mac, *addresses)))
        command = []
        for pod, row in made:
            command += ["--", "lsp-add", "blue", pod.port, "--", "lsp-set-addresses", pod.port,
                        " ".join([row["mac"], *row["addresses"]])]  # fmt: skip
        self.agent.sandbox.nbctl("--wait=sb", *command[1:])
        self.agent.rows.insert_many([("Port", row) for _, row in made])
        return made

    async def add(self, pod: Pod) -> float:
        """Seconds of one ADD, from the plugin's start to its end."""
        return await self._plugin("ADD", pod)

    async def delete(self, pod: Pod) -> float:
        return await self._plugin("DEL", pod)

    async def _plugin(self, command: str, pod: Pod | None) -> float:
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            self.agent.rundir / "bin/weft", env=self.agent.environment(command, pod),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, _ = await process.communicate(self.agent.conf().encode())
        seconds = time.perf_counter() - started
        assert process.returncode == 0, output.decode()
        return seconds

    @staticmethod
    async def interpreter_start() -> float:
        """Seconds of an empty program of the plugin's interpreter, started and read as the plugin is."""
        return await _start("/usr/bin/python3", "-IS", "-c", "")

    @staticmethod
    async def compiled_start() -> float:
        """The same of a compiled plugin that has nothing to do."""
        return await _start(str(OTHER_PLUGINS / "loopback"))

    def metrics(self) -> dict[str, float]:
        with entered(f"/run/netns/{self.agent.host.ns}"), urllib.request.urlopen(f"http://{METRICS}/metrics") as answer:
            text = answer.read().decode()
        found = re.findall(r'^weft_agent_add_phase_seconds_(sum|count){phase="(\w+)"} (\S+)$', text, re.MULTILINE)
        values = {f"{phase}_{kind}": float(value) for kind, phase, value in found}
        transactions = re.search(r"^weft_agent_ovs_transactions_total (\S+)$", text, re.MULTILINE)
        return {**values, "transactions": float(transactions[1]) if transactions else 0}

    def phases(self, before: dict[str, float]) -> dict[str, float]:
        """Mean seconds of each phase of the ADDs since `before`, and Open vSwitch transactions."""
        now = self.metrics()
        parts = {"ovs_transactions": now.pop("transactions") - before.get("transactions", 0)}
        for name in [name.removesuffix("_count") for name in now if name.endswith("_count")]:
            count = now[f"{name}_count"] - before.get(f"{name}_count", 0)
            total = now[f"{name}_sum"] - before.get(f"{name}_sum", 0)
            parts[f"phase_{name}"] = total / count if count else 0
        return parts

    def ceiling(self, batches: list[list[tuple[Pod, dict[str, Any]]]]) -> tuple[list[float], list[float]]:
        jobs = [[_job(pod, row) for pod, row in batch] for batch in batches]
        host = self.agent.host
        result = cni_ceiling.measure(f"/run/netns/{host.ns}", host.remote.removeprefix("unix:"), jobs)
        for job in (job for batch in jobs for job in batch):
            host.vsctl("--if-exists", "del-port", "br-int", job.link)
            host.ip("link", "del", job.link)
        return result


async def _start(*command: str) -> float:
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command, env={"CNI_COMMAND": "VERSION"}, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    await process.communicate(b'{"cniVersion": "1.0.0"}')
    return time.perf_counter() - started


def _job(pod: Pod, row: dict[str, Any]) -> Job:
    four, six = row["addresses"]
    return Job(
        host_interface(pod.port), pod.netns, pod.port, row["mac"], MTU, ((four, 16), (six, 112)),
        ("10.16.0.1", "fd00:10:16::1"),
    )  # fmt: skip


@dataclass
class Ceiling:
    """What is measured beside ours, in seconds, one value a round."""

    wiring: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    compiled: list[float] = field(default_factory=list)

    def record(self, name: str, unit: str, value: float, parts: dict[str, float]) -> Record:
        """`ratio_wiring` is against the wiring alone, `ratio_compiled` with the start of a compiled plugin."""
        wiring, start, compiled = (statistics.median(each) for each in (self.wiring, self.starts, self.compiled))
        parts |= {
            "ceiling_start": start,
            "ceiling_wiring": wiring,
            "ceiling_ovn": statistics.median(self.waits),
            "compiled_start": compiled,
            "ratio_compiled": (wiring + compiled) / value,
            "ratio_wiring": wiring / value,
        }
        return Record(name, value, unit, wiring + start, (wiring + start) / value, parts)


async def alone(bench: Bench) -> Record:
    """One ADD at a time."""
    pods = bench.pods("a", ALONE)
    ceiling = Ceiling(*bench.ceiling([[pod] for pod in bench.pods("ca", ALONE)]))
    ceiling.starts = [await bench.interpreter_start() for _ in range(ALONE)]
    ceiling.compiled = [await bench.compiled_start() for _ in range(ALONE)]
    before = bench.metrics()
    seconds = [await bench.add(pod) for pod, _ in pods]
    parts = bench.phases(before)
    deletes = [await bench.delete(pod) for pod, _ in pods]
    parts |= {"worst": max(seconds), "del": statistics.median(deletes)}
    return ceiling.record("cni_add_1", "s", statistics.median(seconds), parts)


async def together(bench: Bench) -> Record:
    """Many at once, several rounds: the 99th percentile of all."""
    seconds: list[float] = []
    spans, ceiling = [], Ceiling()
    before = bench.metrics()
    for number in range(ROUNDS):
        total, wait = bench.ceiling([bench.pods(f"c{number}x", TOGETHER)])
        ceiling.wiring, ceiling.waits = ceiling.wiring + total, ceiling.waits + wait
        pods = bench.pods(f"t{number}x", TOGETHER)
        ceiling.starts.append(max(await asyncio.gather(*(bench.interpreter_start() for _ in pods))))
        ceiling.compiled.append(max(await asyncio.gather(*(bench.compiled_start() for _ in pods))))
        started = time.perf_counter()
        seconds += await asyncio.gather(*(bench.add(pod) for pod, _ in pods))
        spans.append(time.perf_counter() - started)
        await asyncio.gather(*(bench.delete(pod) for pod, _ in pods))
    parts = bench.phases(before)
    parts |= {"median": statistics.median(seconds), "all_done": statistics.median(spans)}
    return ceiling.record("cni_add_50", "s p99", statistics.quantiles(seconds, n=100)[98], parts)


NAMES = ("cni_add_1", "cni_add_50")


async def run(names: list[str]) -> list[Record]:
    """The records of these names, on a sandbox of their own."""
    with lone_host({"mtu": MTU, "host_routed": False}, metrics=METRICS) as agent:
        agent.start()
        bench = Bench(agent)
        measures = {"cni_add_1": alone, "cni_add_50": together}
        return [await measures[name](bench) for name in names]
