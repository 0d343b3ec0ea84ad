"""Databases that die while pods are made, and a leader that loses one: nothing leaked, nothing doubled, one writer."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.integration.controller.documents import NAMESPACES, SUBNET, join, pod
from tests.integration.controller.test_safety import _check_nothing_is_lost_or_doubled
from tests.support.fabric import Fabric
from tests.support.proxy import wire
from weft.controller.main import Controller
from weft.ovsdb.errors import CommitError, NotConnectedError
from weft.service import Remote

PODS = [pod(f"w{n}", node=f"h{n % 3}") for n in range(200)]


async def _create(made: Fabric) -> None:
    """As a user would: what a database that is away does not take is tried again."""
    for start in range(0, len(PODS), 10):
        while True:
            try:
                await made.apply(join(*PODS[start : start + 10]))
                break
            except (CommitError, NotConnectedError):
                await asyncio.sleep(0.1)
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("name", ["nb", "weft"])
async def test_a_database_is_killed_and_started_again_while_pods_are_made(made: Fabric, name: str) -> None:
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET))
        await made.settled(controller)
        creating = asyncio.ensure_future(_create(made))
        for _ in range(2):
            await asyncio.sleep(0.3)
            next(d for d in made.ovn.daemons if d.rundir.name == name and d.running()).kill(signal.SIGKILL)
            await asyncio.sleep(0.5)
            (made.ovn.start_northbound if name == "nb" else made.ovn.start_weft)()
        await creating
        await _settled_again(made, controller)
        await _check_nothing_is_lost_or_doubled(made, 200)
        assert controller.term is not None
        assert (await made.fabric_row())["leader"] == "c1"


async def _settled_again(made: Fabric, controller: Controller) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await made.settled(controller)
                if controller.term is not None and not controller.term.trouble and not controller.term.depth():
                    return
            except (CommitError, NotConnectedError, TimeoutError):
                pass
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def _behind(made: Fabric, name: str, northbound: str) -> AsyncIterator[Controller]:
    """A controller that reaches the Northbound by another way."""
    controller = Controller(replace(made.config(name), northbound=Remote(northbound)))
    task = asyncio.ensure_future(controller.serve())
    try:
        yield controller
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_leader_without_its_northbound_leaves_the_lead_to_another(made: Fabric) -> None:
    near = str(made.ovn.folder / "near.sock")
    async with wire(near, made.ovn.northbound) as way, _behind(made, "c1", f"unix:{near}") as first:
        await made.settled(first)
        await made.apply(join(NAMESPACES, SUBNET, *PODS[:10]))
        await made.settled(first)
        epoch = (await made.fabric_row())["epoch"]
        async with made.controller("c2", settled=False) as second:
            await way.cut()
            async with asyncio.timeout(15):
                while second.term is None:
                    await asyncio.sleep(0.05)
            await made.apply(join(*PODS[10:20]))
            await made.settled(second)
            await _check_nothing_is_lost_or_doubled(made, 20)
            row = await made.fabric_row()
            assert (row["leader"], row["epoch"]) == ("c2", epoch + 1)
            assert first.term is None
            await way.mend()
            async with asyncio.timeout(10):
                while not first.northbound.connected:
                    await asyncio.sleep(0.05)
            await asyncio.sleep(1)
            assert first.term is None, "who leads goes on leading"
        await made.settled(first)
        await _check_nothing_is_lost_or_doubled(made, 20)
