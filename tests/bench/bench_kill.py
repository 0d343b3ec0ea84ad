"""What dies and how long nothing is written: SIGKILL, as a power failure would be.

- `raft_leader_kill`: the longest gap between two ports in the Northbound when the leader of its three members (election
  timer one second) is killed while pods are stored all the time. The ceiling is a bare client's gap in the same kill:
  it sends one transaction after the other to a member that stays, and turns to another one when there is no answer.
- `controller_kill`: from the leader's death to the next leader's first commit, elected by the OVSDB lock.
- `controller_kill_lease`: the same by the Lease of a Kubernetes API, which has to run out first.

Of several kills the worst counts; `parts` has each.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from tests.bench.bench_admission import cluster
from tests.bench.process import controller
from tests.bench.record import Record
from tests.support.fabric import Fabric, fabric
from tests.support.raft import RaftCluster
from weft.ovsdb.database import Database

NAMES = ("raft_leader_kill", "controller_kill", "controller_kill_lease")
KILLS = 3
PAUSE = 0.02
ANSWER = 0.5
"""Seconds in which a member has to answer the bare client."""
WATCHED = 8.0
"""Seconds after a kill in which gaps are looked for."""


async def _until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.02)


def _pod(name: str) -> str:
    return f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{nodeName: h1}}\n"


# -- the Northbound's leader ------------------------------------------------------------------------------------------


class _Ticks:
    """When something happened, and the longest time in which it did not."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def tick(self, *_: object) -> None:
        self.times.append(time.monotonic())

    def gap(self, since: float, until: float) -> float:
        inside = [moment for moment in self.times if since <= moment <= until]
        return max(after - before for before, after in itertools.pairwise([since, *inside, until]))


async def _store_pods(made: Fabric, names: itertools.count[int]) -> None:
    for number in names:
        await made.apply(_pod(f"w{number}"))
        await asyncio.sleep(PAUSE)


async def _write_bare(remotes: list[str], ticks: _Ticks) -> None:
    """RFC 7047 by hand: insert, wait for the answer, and again; at another member when one does not answer."""
    for remote in itertools.cycle(remotes):
        with contextlib.suppress(OSError, TimeoutError):
            await _write_to(remote, ticks)
        await asyncio.sleep(PAUSE)


async def _write_to(remote: str, ticks: _Ticks) -> None:
    reader, writer = await asyncio.open_unix_connection(remote.removeprefix("unix:"))
    try:
        while True:
            insert = {"op": "insert", "table": "Address_Set", "row": {"name": f"bare-{uuid4()}"}}
            request = {"id": 0, "method": "transact", "params": ["OVN_Northbound", insert]}
            writer.write(json.dumps(request).encode())
            async with asyncio.timeout(ANSWER):
                answer = await _read(reader)
            if "result" in answer and "uuid" in answer["result"][0]:
                ticks.tick()
            await asyncio.sleep(PAUSE)
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader) -> dict[str, Any]:
    text = ""
    while True:
        if not (part := await reader.read(65536)):
            raise ConnectionResetError
        text += part.decode()
        with contextlib.suppress(ValueError):
            return dict(json.loads(text))


async def _kill_member(made: Fabric, raft: RaftCluster, pods: itertools.count[int]) -> tuple[float, float]:
    """Our longest gap and the bare client's, both seen at one member that stays."""
    leader = await asyncio.to_thread(raft.leader)
    seen, written = _Ticks(), _Ticks()
    remotes = [remote for number, remote in enumerate(raft.remotes) if number != leader]
    stays = remotes[0]
    witness = Database("OVN_Northbound", stays, {"Logical_Switch_Port": ["name"]}, on_change=seen.tick)
    await witness.start(20)
    tasks = [asyncio.ensure_future(_store_pods(made, pods)), asyncio.ensure_future(_write_bare(remotes, written))]
    try:
        await _until(lambda: len(seen.times) > 20 and len(written.times) > 20)
        killed = time.monotonic()
        await asyncio.to_thread(raft.kill, leader)
        done, _ = await asyncio.wait(tasks, timeout=WATCHED, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        ended = time.monotonic()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await witness.close()
    await asyncio.to_thread(raft.restart, leader)
    return seen.gap(killed, ended), written.gap(killed, ended)


async def _raft() -> Record:
    pods = itertools.count()
    async with fabric(members=3) as made, controller(made) as process:
        assert made.cluster is not None
        await _until(lambda: process.metric("weft_controller_leader") == 1)
        gaps = [await _kill_member(made, made.cluster, pods) for _ in range(KILLS)]
    ours, bare = max(gaps)
    parts = {f"ours_{number}": gap for number, (gap, _) in enumerate(gaps)}
    parts |= {f"bare_{number}": gap for number, (_, gap) in enumerate(gaps)}
    return Record("raft_leader_kill", ours, "s", bare, bare / ours, parts)


# -- the controller ---------------------------------------------------------------------------------------------------


async def _kill_leader(made: Fabric, name: str, store: Callable[[str], Awaitable[object]]) -> Record:
    """The clock runs from the kill to a port in the Northbound for a pod that was stored right after it."""
    times = []
    for number in range(KILLS):
        async with controller(made, f"a{number}", 10671) as first:
            await _until(lambda: first.metric("weft_controller_leader") == 1)
            async with controller(made, f"b{number}", 10672) as second:
                await _until(lambda: second.metric("weft_controller_connected") == 2)
                await asyncio.sleep(1)
                started = time.monotonic()
                await first.stop(kill=True)
                await store(f"after{number}")
                await _port(made, f"after{number}.default")
                times.append(time.monotonic() - started)
    return Record(name, max(times), "s", parts={f"kill_{number}": seconds for number, seconds in enumerate(times)})


async def _port(made: Fabric, name: str) -> None:
    while name not in [row["name"] for row in await made.rows("Logical_Switch_Port")]:
        await asyncio.sleep(0.01)


async def _by_lock() -> Record:
    async with fabric() as made:
        return await _kill_leader(made, "controller_kill", lambda name: made.apply(_pod(name)))


async def _by_lease() -> Record:
    async with cluster() as (kube, api), fabric() as made:
        made.kubeconfig = str(kube.kubeconfig())
        spec = {"nodeName": "h1", "containers": [{"name": "main", "image": "example/image"}]}

        async def store(name: str) -> None:
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
            await api.create("/api/v1/namespaces/default/pods", pod)

        return await _kill_leader(made, "controller_kill_lease", store)


async def run(names: list[str]) -> list[Record]:
    benchmarks = {"raft_leader_kill": _raft, "controller_kill": _by_lock, "controller_kill_lease": _by_lease}
    return [await benchmarks[name]() for name in names]
