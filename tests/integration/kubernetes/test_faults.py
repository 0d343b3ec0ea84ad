"""Faults with objects in a real Kubernetes API: a killed controller, partitions either way, a kind that is missing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.integration.kubernetes.test_store import CRDS, PREFIX, Cluster, cluster, kube, namespace, pod, subnet
from tests.support.fabric import Fabric, fabric
from tests.support.kubernetes import KubeSandbox
from tests.support.ovn import ROOT
from tests.support.proxy import wire
from weft.controller.main import Controller
from weft.service import Remote
from weft.store.kube_api import KubeApi

__all__ = ["cluster", "kube"]
IPS = "/apis/kubeovn.io/v1/ips"


@contextlib.asynccontextmanager
async def _api(kube: KubeSandbox) -> AsyncIterator[KubeApi]:
    api = KubeApi(str(kube.kubeconfig()))
    await api.open()
    try:
        yield api
    finally:
        await api.close()


async def _create(api: KubeApi, count: int) -> None:
    """kubectl is throttled; this is as fast as a scheduler of many."""
    limit = asyncio.Semaphore(16)

    async def one(number: int) -> None:
        async with limit:
            await api.create("/api/v1/namespaces/ns1/pods", pod(f"p{number}", node=f"h{number % 3}"))

    await asyncio.gather(*(one(number) for number in range(count)))


async def _start(made: Fabric, folder: Path) -> asyncio.subprocess.Process:
    """A controller in a process of its own, to be killed."""
    file = folder / "controller.toml"
    file.write_text(
        f'name = "c1"\n[weft]\nremote = "{made.ovn.weft}"\n[northbound]\nremote = "{made.ovn.northbound}"\n'
        f'[kubernetes]\nkubeconfig = "{made.kubeconfig}"\n[metrics]\nlisten = ""\n'
    )
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "weft.controller.main", "--config", str(file)),
        env={**os.environ, "PYTHONPATH": str(ROOT / "services")},
    )


async def _converged(made: Fabric, api: KubeApi, pods: int, seconds: float = 90) -> None:
    """Every pod has one address, in the API, the Northbound and the Weft database alike, and nothing else is there."""
    async with asyncio.timeout(seconds):
        while True:
            items = (await api.get("/api/v1/namespaces/ns1/pods"))["items"]
            annotations = {f"{p['metadata']['name']}.ns1": p["metadata"].get("annotations", {}) for p in items}
            routed = sum(marks.get(f"{PREFIX}routed") == "true" for marks in annotations.values())
            if routed == pods:
                break
            await asyncio.sleep(0.5)
    told = {name: marks[f"{PREFIX}ip_address"] for name, marks in annotations.items()}
    reserved = {i["metadata"]["name"]: i["spec"]["ipAddress"] for i in (await api.get(IPS))["items"]}
    assert not [address for address, count in Counter(reserved.values()).items() if count > 1]
    assert told == reserved
    assert {row["name"]: row["addresses"] for row in await made.rows("Port")} == {n: [a] for n, a in reserved.items()}
    switch_ports = [row for row in await made.rows("Logical_Switch_Port") if row["type"] != "router"]
    assert {row["name"]: row["addresses"][0].split()[1] for row in switch_ports} == reserved
    assert len(switch_ports) == pods


async def test_killed_in_the_middle_of_1000_pods(cluster: Cluster, tmp_path: Path) -> None:
    made = cluster.made
    process = await _start(made, tmp_path)
    async with _api(cluster.kube) as api:
        await cluster.until(lambda: cluster.get("subnet", "join"))
        cluster.apply(namespace("ns1"), subnet(namespaces=["ns1"]))
        creating = asyncio.ensure_future(_create(api, 1000))
        async with asyncio.timeout(60):
            while len(await made.rows("Port")) < 200:
                await asyncio.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        killed_at = len(await made.rows("Port"))
        await creating
        assert killed_at < 1000, "killed too late to be a test"
        async with made.controller("c2", settled=False) as controller:
            await _converged(made, api, 1000)
            await made.settled(controller)
            before = await _content(made)
        async with made.controller("c3") as controller:
            await made.settled(controller)
            assert await _content(made) == before, "there was nothing left to do"
        await _clear(api)


async def _clear(api: KubeApi) -> None:
    """At once: kubectl, by which the fixture does it, would take a minute."""
    await api.delete("/api/v1/namespaces/ns1/pods?gracePeriodSeconds=0")
    await api.delete(IPS)


async def _content(made: Fabric) -> dict[str, Any]:
    """All but who leads."""
    return {table: rows for table, rows in (await made.content()).items() if table != "Fabric"}


class _Writers:
    """Who has written under which epoch, as the Weft database saw it."""

    def __init__(self, made: Fabric) -> None:
        self._made = made
        self.seen: list[tuple[int, str]] = []

    async def watch(self) -> None:
        while True:
            row = await self._made.fabric_row()
            now = row["epoch"], row["leader"]
            if not self.seen or self.seen[-1] != now:
                self.seen.append(now)
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def _watched(made: Fabric) -> AsyncIterator[_Writers]:
    writers = _Writers(made)
    task = asyncio.ensure_future(writers.watch())
    try:
        yield writers
    finally:
        task.cancel()


async def _leads(controller: Controller, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while controller.term is None or not controller.term.settled.is_set():
            await asyncio.sleep(0.02)


async def test_partitioned_from_the_api_and_not_from_the_databases(cluster: Cluster) -> None:
    """Its lease lapses while it could still write; the epoch of its successor keeps it from that."""
    made = cluster.made
    async with _api(cluster.kube) as api, made.controller("c1") as first:
        cluster.apply(namespace("ns1"), subnet(namespaces=["ns1"]))
        async with _watched(made) as writers, made.controller("c2", settled=False) as second:
            creating = asyncio.ensure_future(_create(api, 100))
            await asyncio.sleep(0.2)
            assert first._api is not None
            first._api.client.configuration.host = "https://127.0.0.1:9"
            await _leads(second)
            await creating
            await _converged(made, api, 100)
            assert first.term is None
            await asyncio.sleep(0.1)
            await _clear(api)
        _assert_one_writer(writers, "c1", "c2")


async def test_stopped_and_going_on_later(cluster: Cluster, tmp_path: Path) -> None:
    """It wakes and believes to lead, with much to write; it hears that its time is over, and begins no other."""
    made = cluster.made
    first = await _start(made, tmp_path)
    try:
        async with _api(cluster.kube) as api, _watched(made) as writers:
            await cluster.until(lambda: cluster.get("subnet", "join"))
            cluster.apply(namespace("ns1"), subnet(namespaces=["ns1"]))
            async with made.controller("c2", settled=False) as second:
                first.send_signal(signal.SIGSTOP)
                creating = asyncio.ensure_future(_create(api, 100))
                await _leads(second)
                await creating
                await _converged(made, api, 100)
                first.send_signal(signal.SIGCONT)
                await asyncio.sleep(6)
                assert second.term is not None, "who leads goes on leading"
                await _converged(made, api, 100)
                await _clear(api)
            _assert_one_writer(writers, "c1", "c2")
    finally:
        first.kill()
        await first.wait()


async def test_partitioned_from_the_databases_and_not_from_the_api(cluster: Cluster) -> None:
    """It could renew its lease for ever, and does not: who can do the work shall have it."""
    made = cluster.made
    northbound, weft = (str(made.ovn.folder / f"{name}.near") for name in ("nb", "weft"))
    async with wire(northbound, made.ovn.northbound) as one, wire(weft, made.ovn.weft) as two:
        near = replace(made.config("c1"), weft=Remote(f"unix:{weft}"), northbound=Remote(f"unix:{northbound}"))
        first = Controller(near)
        serving = asyncio.ensure_future(first.serve())
        try:
            await _leads(first)
            async with _api(cluster.kube) as api, _watched(made) as writers:
                cluster.apply(namespace("ns1"), subnet(namespaces=["ns1"]))
                async with made.controller("c2", settled=False) as second:
                    creating = asyncio.ensure_future(_create(api, 100))
                    await asyncio.sleep(0.2)
                    await one.cut()
                    await two.cut()
                    await _leads(second)
                    await creating
                    await _converged(made, api, 100)
                    assert first.term is None
                    await one.mend()
                    await two.mend()
                    await asyncio.sleep(3)
                    assert first.term is None, "who leads goes on leading"
                    status, text = first.health.answer("/readyz") or (0, "")
                    assert (status, text) == (200, "ok\nstanding by\n")
                    await _clear(api)
            _assert_one_writer(writers, "c1", "c2")
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


def _assert_one_writer(writers: _Writers, *expected: str) -> None:
    """Leaders follow each other, each under an epoch of its own, and none comes back under an old one."""
    epochs = [epoch for epoch, _ in writers.seen]
    assert epochs == sorted(epochs), writers.seen
    leaders = [leader for _, leader in writers.seen if leader]
    assert list(dict.fromkeys(leaders)) == list(expected), writers.seen
    assert leaders == sorted(leaders, key=expected.index), writers.seen


async def test_a_kind_that_is_missing_at_the_start(tmp_path: Path) -> None:
    """Half a view is no view: nothing is written until the API knows every kind."""
    missing = next(path for path in CRDS.iterdir() if path.name.startswith("vpc-dnses"))
    with KubeSandbox() as kube:
        for path in sorted(CRDS.iterdir()):
            if path != missing:
                kube.kubectl("apply", "--server-side", "--filename", str(path))
        async with fabric(northd=False) as made:
            made.kubeconfig = str(kube.kubeconfig())
            async with made.controller(settled=False) as controller:
                async with asyncio.timeout(20):
                    while _page(controller) != "not ready: store: not listed yet: VpcDns":
                        await asyncio.sleep(0.05)
                await asyncio.sleep(2)
                assert await made.rows("Logical_Switch") == []
                assert kube.kubectl("get", "subnets.kubeovn.io", "--output=name") == ""
                kube.kubectl("apply", "--server-side", "--filename", str(missing))
                await _leads(controller, 40)
                assert {row["name"] for row in await made.rows("Logical_Switch")} == {"join", "ovn-default"}


def _page(controller: Controller) -> Any:
    found = controller.health.answer("/readyz")
    return found and found[1].splitlines()[0]
