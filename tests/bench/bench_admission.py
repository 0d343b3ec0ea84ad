"""Pods created at a real Kubernetes API until they are annotated, with their ports in the Northbound.

- `admission_1k`, `admission_10k`: pods a second. The ceiling is a tight client that does the same writes at a fresh API
  server, with as many in flight: each pod, its `IP` object, and the annotations.
- `transactions_1k`: transactions of the Northbound for 1,000 pods created at once.
- `restart_10k`: seconds from the start of a controller to settled with 10,000 pods, and what it wrote.
- `memory_10k`: its resident memory before that.

All on one machine: etcd, API server, both databases and northd.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

from tests.bench.process import ControllerProcess, controller
from tests.bench.record import Record
from tests.support.fabric import Fabric, fabric
from tests.support.kubernetes import KubeSandbox
from tests.support.ovn import ROOT
from weft.api.base import KindInfo
from weft.api.core import ALLOCATED, Pod
from weft.store.kube_api import KubeApi
from weft.store.reflector import Reflector

NAMES = ("admission_1k", "transactions_1k", "admission_10k", "restart_10k", "memory_10k")
IN_FLIGHT = 32
PODS = "/api/v1/namespaces/bench/pods"
IPS = "/apis/kubeovn.io/v1/ips"
SUBNET = {
    "apiVersion": "kubeovn.io/v1",
    "kind": "Subnet",
    "metadata": {"name": "bench"},
    "spec": {"cidrBlock": "10.128.0.0/12", "namespaces": ["bench"]},
}


@contextlib.asynccontextmanager
async def cluster() -> AsyncIterator[tuple[KubeSandbox, KubeApi]]:
    """A fresh API server with the kinds and a namespace `bench`, and a client of it."""
    with KubeSandbox() as kube:
        kube.kubectl("apply", "--server-side", "--filename", str(ROOT / "roles/crds/files"))
        kube.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        kube.kubectl("create", "namespace", "bench")
        api = KubeApi(str(kube.kubeconfig()))
        await api.open()
        try:
            yield kube, api
        finally:
            await api.close()


async def _all(count: int, request: Callable[[int], Awaitable[Any]]) -> None:
    """Many requests, so many in flight."""
    numbers = iter(range(count))

    async def worker(mine: Iterable[int]) -> None:
        for number in mine:
            await request(number)

    await asyncio.gather(*(worker(numbers) for _ in range(IN_FLIGHT)))


def _pod(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"w{number}", "namespace": "bench"},
        "spec": {"nodeName": f"h{number % 3}", "containers": [{"name": "main", "image": "example/image"}]},
    }


class _Annotated:
    """Follows the pods until so many have their addresses; implements `weft.store.reflector.Sink`."""

    def __init__(self, api: KubeApi, count: int) -> None:
        self._count = count
        self._reflector = Reflector(api, Pod.INFO, self, lambda: None)
        self._done = asyncio.Event()
        self.annotations: dict[str, dict[str, Any]] = {}

    async def wait(self) -> list[dict[str, Any]]:
        following = asyncio.ensure_future(self._reflector.run())
        await self._done.wait()
        following.cancel()
        return list(self.annotations.values())

    def listed(self, info: KindInfo, items: list[dict[str, Any]]) -> None:
        for item in items:
            self.put(info, item)

    def put(self, info: KindInfo, item: dict[str, Any]) -> None:
        metadata = item["metadata"]
        if metadata.get("annotations", {}).get(ALLOCATED) == "true":
            self.annotations[metadata["name"]] = metadata["annotations"]
            if len(self.annotations) == self._count:
                self._done.set()

    def gone(self, info: KindInfo, item: dict[str, Any]) -> None:
        """No pod of the benchmark goes."""


async def _ceiling(annotations: list[dict[str, Any]], ip: dict[str, Any]) -> float:
    """Seconds for the same writes, nobody listening."""
    async with cluster() as (_, api):

        async def admit(number: int) -> None:
            await api.create(PODS, _pod(number))
            await api.create(IPS, {**ip, "metadata": {"name": f"w{number}.bench", "labels": ip["metadata"]["labels"]}})
            await api.patch(f"{PODS}/w{number}", {"metadata": {"annotations": annotations[number]}})

        started = time.monotonic()
        await _all(len(annotations), admit)
        return time.monotonic() - started


async def _admit(count: int, names: list[str]) -> list[Record]:
    async with cluster() as (kube, api), fabric() as made:
        made.kubeconfig = str(kube.kubeconfig())
        await made.disconnect()
        async with controller(made) as process:
            while process.metric("weft_controller_leader") != 1:
                await asyncio.sleep(0.05)
            kube.apply(SUBNET)
            await asyncio.sleep(1)
            before = _figures(process)
            started = time.monotonic()
            watching = asyncio.ensure_future(_Annotated(api, count).wait())
            await _all(count, lambda number: api.create(PODS, _pod(number)))
            created = time.monotonic() - started
            annotations = await watching
            seconds = time.monotonic() - started
            after = _figures(process)
            ip = json.loads(kube.kubectl("get", "ip", "w0.bench", "--output=json"))
            size = "10k" if count >= 10_000 else "1k"
            records = await _after(size, count, names, kube, made, process)
        await made.connect()
        ports = [row for row in await made.rows("Logical_Switch_Port") if row["name"].endswith(".bench")]
        assert len(ports) == count, f"{len(ports)} ports of {count}"
    kept = {"apiVersion": ip["apiVersion"], "kind": ip["kind"], "spec": ip["spec"]}
    ceiling = await _ceiling(annotations, {**kept, "metadata": {"labels": ip["metadata"]["labels"]}})
    parts = {name: after[name] - before[name] for name in before}
    parts |= {"seconds": seconds, "created_seconds": created, "ceiling_seconds": ceiling}
    found = [
        Record(f"admission_{size}", count / seconds, "pods/s", count / ceiling, ceiling / seconds, parts),
        Record("transactions_1k", parts["transactions"], "transactions") if size == "1k" else None,
        *records,
    ]
    return [record for record in found if record is not None and record.name in names]


def _figures(process: ControllerProcess) -> dict[str, float]:
    return {
        "transactions": process.metric("weft_controller_transactions_total", 'database="OVN_Northbound"'),
        "cpu_seconds": process.metric("process_cpu_seconds_total"),
    }


async def _after(
    size: str, count: int, names: list[str], kube: KubeSandbox, made: Fabric, process: ControllerProcess
) -> list[Record]:
    """What is measured on the cluster as it stands: memory, and a restart."""
    records = []
    rss = process.metric("process_resident_memory_bytes") / 1e6
    if f"memory_{size}" in names:
        records.append(Record(f"memory_{size}", rss, "MB"))
    if f"restart_{size}" in names:
        await process.stop()
        kube.kubectl("delete", "lease", "weft-controller", "--namespace=kube-system")
        sizes, written = _sizes(made), len(kube.audit_writes())
        started = time.monotonic()
        await process.start()
        await process.until_settled(count)
        seconds = time.monotonic() - started
        await asyncio.sleep(1)
        grown = sum(_sizes(made)) - sum(sizes)
        writes = len([write for write in kube.audit_writes()[written:] if write.resource != "leases"])
        parts = {
            "api_writes": float(writes),
            "database_bytes_written": float(grown),
            "cpu_seconds": process.metric("process_cpu_seconds_total"),
            "rss_mb": process.metric("process_resident_memory_bytes") / 1e6,
        }
        records.append(Record(f"restart_{size}", seconds, "s", parts=parts))
    return records


def _sizes(made: Fabric) -> list[int]:
    return [(made.ovn.folder / name / "db").stat().st_size for name in ("nb", "weft")]


async def run(names: list[str]) -> list[Record]:
    records = []
    if {"admission_1k", "transactions_1k"} & set(names):
        records += await _admit(1000, names)
    if {"admission_10k", "restart_10k", "memory_10k"} & set(names):
        records += await _admit(10_000, names)
    return records
