"""weftctl on a RAFT cluster of three: it finds the leader, sees who lags, and says what is lost when members are."""

from __future__ import annotations

import asyncio

from tests.support.ctl_cluster import Cluster, Heard

QUICK = ("--interval", "0.3", "--hold", "1", "-o", "json")
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


async def test_events_of_a_leader_that_dies_and_comes_back(cluster: Cluster) -> None:
    """What names the member is what a playbook wants to know."""
    first = await cluster.leader()
    async with cluster.ctl.lines("events", *QUICK) as event:
        heard = Heard(event)
        await heard.until(type="watching")
        cluster.members[first].kill()
        leader = await heard.until(type="database_leader_changed", about="Weft")
        assert leader["before"].endswith(f"weft{first}/db.sock")
        assert leader["after"] != leader["before"]
        member = {"type": "database_member_lost", "database": "Weft", "member": leader["before"]}
        await heard.until(**member, state="began")
        cluster.raft.restart(first)
        await heard.until(**member, state="ended")


async def test_events_of_a_quorum_lost_are_told_without_the_database(cluster: Cluster) -> None:
    async with cluster.ctl.lines("--connect-timeout", "1", "events", *QUICK) as event:
        heard = Heard(event)
        await heard.until(type="watching")
        for member in cluster.members[:2]:
            member.kill()
        await heard.until(type="database_quorum_lost", state="began", database="Weft")


async def test_relays_are_asked_too(cluster: Cluster) -> None:
    folder = cluster.ovn.folder / "relay"
    folder.mkdir()
    members = ",".join(f"unix:{member.rundir}/db.sock" for member in cluster.members)
    listen = (f"--remote=punix:{folder}/db.sock", f"--unixctl={folder}/db.ctl")
    relay = cluster.ovn.daemon("ovsdb-server", folder, *listen, f"relay:Weft:{members}")
    with cluster.ctl.config.open("a") as file:
        file.write(f'[relays]\nweft = "unix:{folder}/db.sock"\n')

    async def until(*words: str) -> None:
        """The relay's line has one of the words."""
        line = ""
        for _ in range(60):
            line = next(line for line in (await cluster.ctl("status")).lines if str(folder) in line)
            if any(word in line for word in words):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(line)

    await until("  relay")
    for member in cluster.members[:2]:
        member.kill()
    await until("no member answers it")
    relay.kill()
    await until("Connection refused", "No such file")
    assert not (await cluster.ctl("status", "-o", "json")).document["healthy"]
