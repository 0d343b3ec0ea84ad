"""A clustered Northbound whose leaders are killed while pods are made: nothing is lost, nothing is there twice."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.integration.controller.documents import NAMESPACES, SUBNET, join, pod
from tests.integration.controller.test_faults import _settled_again
from tests.integration.controller.test_safety import _check_nothing_is_lost_or_doubled
from tests.support.fabric import Fabric, fabric

PODS = 1000
PODS_AT_ONCE = 10
PAUSE = 0.05
KILLED_AT = (200, 600)
"""How many ports there are when the leader of that moment is killed."""


async def _create(made: Fabric) -> None:
    for start in range(0, PODS, PODS_AT_ONCE):
        await made.apply(join(*(pod(f"w{n}", node=f"h{n % 3}") for n in range(start, start + PODS_AT_ONCE))))
        await asyncio.sleep(PAUSE)


async def _ports(made: Fabric, count: int) -> None:
    async with asyncio.timeout(60):
        while not made.northbound.connected or len(await made.rows("Logical_Switch_Port")) < count:
            await asyncio.sleep(0.02)


def _check_the_log(records: list[logging.LogRecord], losses: int) -> None:
    """It says of every loss that it was one, and at which member the database was found again."""
    lines = [record.getMessage() for record in records if "database=OVN_Northbound" in record.getMessage()]
    told = [" ".join(line.split()[:2]) for line in lines]
    assert told == ["database connected", *["database lost", "database connected"] * (len(told) // 2)]
    assert len(told) // 2 >= losses, lines
    servers = [line.rpartition("server=")[2] for line in lines[::2]]
    assert all(server.startswith("unix:") and "," not in server for server in servers), lines
    assert not [record.getMessage() for record in records if record.levelno >= logging.ERROR]


@pytest.mark.slow
async def test_leaders_are_killed_while_1000_pods_are_made(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "weft.controller")
    async with fabric(northd=False, members=3) as made, made.controller() as controller:
        assert made.cluster is not None
        await made.apply(join(NAMESPACES, SUBNET))
        await made.settled(controller)
        creating = asyncio.ensure_future(_create(made))
        killed = []
        for count in KILLED_AT:
            await _ports(made, count)
            assert not creating.done(), "the leader is killed while pods are made"
            killed.append(await asyncio.to_thread(made.cluster.leader))
            await asyncio.to_thread(made.cluster.kill, killed[-1])
            await asyncio.to_thread(made.cluster.leader)
            await asyncio.to_thread(made.cluster.restart, killed[-1])
        await creating
        await _settled_again(made, controller)
        await _ports(made, PODS)
        await _check_nothing_is_lost_or_doubled(made, PODS)
        _check_the_log(caplog.records, len(KILLED_AT))
