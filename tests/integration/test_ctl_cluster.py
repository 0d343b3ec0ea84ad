"""weftctl on a RAFT cluster of three: it finds the leader, sees who lags, and says what is lost when members are."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.ctl import Weftctl
from tests.support.ovn import WEFT_SCHEMA, Daemon, OvnSandbox
from tests.support.raft import RaftCluster


@dataclass
class Cluster:
    """Three members of the Weft database."""

    ovn: OvnSandbox
    members: list[Daemon]
    ctl: Weftctl

    async def roles(self) -> list[str]:
        report = (await self.ctl("--connect-timeout", "2", "status", "-o", "json")).document
        return [member["role"] or member["problem"] for member in report["databases"]["Weft"]]

    async def leader(self) -> int:
        async with asyncio.timeout(20):
            while "leader" not in (roles := await self.roles()):
                await asyncio.sleep(0.1)
        return roles.index("leader")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with OvnSandbox() as ovn:
        ovn.start_northbound()
        cluster = RaftCluster.start(ovn, "Weft", WEFT_SCHEMA)
        row = {"op": "insert", "table": "Fabric", "row": {"uid": str(uuid.uuid4())}}
        ovn.transact(cluster.remotes[0], json.dumps(["Weft", row]))
        yield Cluster(ovn, cluster.members, Weftctl(ovn, weft=cluster.remote))


NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n"


async def test_with_a_member_lost_and_then_the_quorum(cluster: Cluster) -> None:
    ctl = cluster.ctl
    assert (await ctl("apply", "-f", "-", stdin=NAMESPACE % "one")).code == 0
    assert sorted(await cluster.roles()) == ["follower", "follower", "leader"]

    cluster.members[await cluster.leader()].kill()
    survivor = await cluster.leader()
    assert (await ctl("apply", "-f", "-", stdin=NAMESPACE % "two")).code == 0
    assert "No such file or directory" in await cluster.roles() or "Connection refused" in await cluster.roles()

    cluster.members[survivor].kill()
    said = await ctl("--connect-timeout", "3", "apply", "-f", "-", stdin=NAMESPACE % "three")
    assert said.code == 3
    assert "database Weft: no usable member within 3 s" in said.err
    (left,) = [line for line in said.err.splitlines() if "answers" in line]
    assert "no quorum" in left or "follower" in left
    status = await ctl("--connect-timeout", "2", "status")
    assert status.code in (0, 3)
    assert "OVN_Northbound" in status.out
