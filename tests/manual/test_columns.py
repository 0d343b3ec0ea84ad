"""What `kubectl get` shows of our kinds: the manual's columns, with the right values."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.manual.test_manual import compare, kube, world
from tests.manual.world import FOLDER, ManualFile, World

__all__ = ["kube", "world"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
APPLIED = [
    "3.1.3-namespaces.yml",
    "3.1.6-private.yml",
    "3.3.1-ippool.yml",
    "3.7.1-dual-stack-moved.yml",
    "5.9-vpcs.yml",
    "5.9-peering.yml",
    "7.15.1-static.yml",
    "7.15.2-load-balancer.yml",
]


@pytest_asyncio.fixture(loop_scope="module")
async def full(world: World) -> AsyncIterator[World]:
    """A fabric with something of each kind."""
    files = [ManualFile(FOLDER / name) for name in APPLIED]
    async with world.controller() as controller:
        for file in files:
            await world.apply(file)
        await world.quiet(controller)
        yield world
        await world.clear(*files)


def columns(text: str) -> str:
    """Without how old things are, and with one blank between what was aligned to it."""
    lines = text.splitlines()
    age = lines[0].find("AGE")
    cut = [f"{line[:age]}{line[age:].partition(' ')[2].lstrip()}" if age >= 0 else line for line in lines]
    return "".join(f"{line.rstrip()}\n" for line in cut)


async def test_kubectl_get(full: World) -> None:
    """Kube-OVN 1.15 manual, sections 3.3 and 7.15, and what its kinds print."""
    said = [
        columns(await asyncio.to_thread(full.kube.kubectl, "get", kind, "--output=wide"))
        for kind in ("vpc", "subnet", "ip", "ippool", "vip")
    ]
    compare(FOLDER / "kubectl-get.txt", "\n".join(said))
