"""weftctl with a RAFT cluster of the Weft database, and events that are waited for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.ctl import Weftctl
from tests.support.ovn import WEFT_SCHEMA, Daemon, OvnSandbox
from tests.support.raft import RaftCluster


@dataclass
class Cluster:
    """Three members of the Weft database."""

    ovn: OvnSandbox
    raft: RaftCluster
    ctl: Weftctl

    @property
    def members(self) -> list[Daemon]:
        return self.raft.members

    async def roles(self) -> list[str]:
        report = (await self.ctl("--connect-timeout", "2", "status", "-o", "json")).document
        return [member["role"] or member["problem"] for member in report["databases"]["Weft"]]

    async def leader(self) -> int:
        async with asyncio.timeout(20):
            while "leader" not in (roles := await self.roles()):
                await asyncio.sleep(0.1)
        return roles.index("leader")


@contextlib.contextmanager
def cluster_of_three() -> Iterator[Cluster]:
    """With a standalone Northbound beside it."""
    with OvnSandbox() as ovn:
        ovn.start_northbound()
        raft = RaftCluster.start(ovn, "Weft", WEFT_SCHEMA)
        row = {"op": "insert", "table": "Fabric", "row": {"uid": str(uuid.uuid4())}}
        ovn.transact(raft.remotes[0], json.dumps(["Weft", row]))
        yield Cluster(ovn, raft, Weftctl(ovn, weft=raft.remote))


class Heard:
    """Events in the order in which they come; which of an election and a member's death is told first is open."""

    def __init__(self, event: Callable[[], Awaitable[Any]]) -> None:
        self._event = event
        self._events: list[Any] = []

    async def until(self, **wanted: str) -> Any:
        """The first event with these fields that was not asked for before."""
        while True:
            for number, item in enumerate(self._events):
                if wanted.items() <= item.items():
                    return self._events.pop(number)
            self._events.append(await self._event())
