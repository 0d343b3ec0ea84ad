"""Pods with a static address, created at a real Kubernetes API that asks the webhook about each.

- `webhook_10k`: pods a second with 10,000 pods and as many addresses known. The ceiling is the same API with nobody to
  ask. `review_ms` is what the webhook takes for one, on the average; the rest is the API server's own.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from tests.bench.bench_admission import IPS, PODS, SUBNET, _all, _pod, cluster
from tests.bench.record import Record
from tests.support.webhook import WebhookProcess
from weft.store.kube_api import KubeApi

NAMES = ("webhook_10k",)
KNOWN, ASKED = 10_000, 1_000
FIRST = IPv4Address("10.128.1.0")


async def _fill(api: KubeApi, number: int) -> None:
    await api.create(PODS, _pod(number))
    spec = {"subnet": "bench", "namespace": "bench", "podName": f"w{number}", "ipAddress": str(FIRST + number)}
    document = {"apiVersion": "kubeovn.io/v1", "kind": "IP", "metadata": {"name": f"w{number}.bench"}, "spec": spec}
    await api.create(IPS, document)


async def _timed(api: KubeApi, start: int) -> float:
    """Seconds for so many pods that each ask for an address that nobody has."""

    async def create(number: int) -> None:
        pod: dict[str, Any] = _pod(start + number)
        pod["metadata"]["annotations"] = {"ovn.kubernetes.io/ip_address": str(FIRST + start + number)}
        await api.create(PODS, pod)

    started = time.monotonic()
    await _all(ASKED, create)
    return time.monotonic() - started


def _figure(page: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def run(names: list[str]) -> list[Record]:
    del names
    async with cluster() as (kube, api):
        kube.apply(SUBNET)
        await _all(KNOWN, lambda number: _fill(api, number))
        alone = await _timed(api, KNOWN)
        with tempfile.TemporaryDirectory() as folder:
            webhook = WebhookProcess(kube, Path(folder))
            await asyncio.to_thread(webhook.start)
            try:
                await asyncio.to_thread(webhook.register)
                await asyncio.sleep(2)  # until the API server knows of it
                asked = await _timed(api, KNOWN + ASKED)
                page = webhook.page("/metrics")[1]
            finally:
                await asyncio.to_thread(webhook.stop)
    labels = 'verdict="allowed"'
    reviews = _figure(page, f"weft_webhook_review_seconds_count{{{labels}}}")
    assert reviews >= ASKED, f"asked about {reviews:g} of {ASKED} pods"
    parts = {
        "review_ms": 1000 * _figure(page, f"weft_webhook_review_seconds_sum{{{labels}}}") / reviews,
        "rss_mb": _figure(page, "process_resident_memory_bytes") / 1e6,
        "cpu_seconds": _figure(page, "process_cpu_seconds_total"),
    }
    return [Record("webhook_10k", ASKED / asked, "pods/s", ASKED / alone, alone / asked, parts)]
