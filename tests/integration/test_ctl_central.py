"""weftctl nb|sb|weft|ic: status, leader, kick, backup of real databases, clustered and not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ctl import Weftctl
from tests.support.ovn import OvnSandbox, program, run, schema
from tests.support.raft import RaftCluster


@pytest.fixture
def cluster() -> Iterator[tuple[OvnSandbox, RaftCluster, Weftctl]]:
    """A Northbound of three members, beside a Weft database that is not clustered."""
    with OvnSandbox() as ovn:
        ovn.start_weft()
        raft = RaftCluster.start(ovn, "OVN_Northbound", schema("ovn-nb"))
        ovn.northbound_cluster = raft.remote
        yield ovn, raft, Weftctl(ovn)


async def kicked(ctl: Weftctl, *words: str) -> str:
    said = await ctl("nb", "kick", *words)
    return f"{said.code} {said.out}{said.err}"


async def test_a_cluster_from_whole_to_lost(cluster: tuple[OvnSandbox, RaftCluster, Weftctl]) -> None:
    _, raft, ctl = cluster
    leader = raft.leader()
    said = await ctl("nb", "status")
    assert said.code == 0, said.out + said.err
    assert said.lines[0].startswith(f"OVN_Northbound: well   leader {raft.remotes[leader]}, term 1, 3 servers")
    assert [line.split()[2] for line in said.lines[2:]].count("follower") == 2
    assert (await ctl("nb", "leader")).out.split() == ["OVN_Northbound", raft.remotes[leader]]

    document = (await ctl("nb", "status", "-o", "json")).document
    sids = [member["cluster"]["sid"] for member in document["members"]]
    gone, other = (number for number in range(3) if number != leader)
    assert f"{sids[0]} (tcp:" in await kicked(ctl, "ffff", "--yes")
    assert (await kicked(ctl, sids[leader], "--yes")).startswith("1 error: OVN_Northbound: server "), "it leads"
    assert "nobody is there to be asked; say --yes" in await kicked(ctl, sids[gone])

    raft.kill(gone)
    await asyncio.sleep(3.5)  # three election timers
    said = await ctl("nb", "status")
    assert said.code == 1
    assert f"has not heard server {sids[gone]}" in said.out
    assert "2 are needed for writes" in await kicked(ctl, sids[other], "--yes"), "only the leader would live"
    assert (await kicked(ctl, sids[gone], "--yes")).startswith("0 ")
    after = (await ctl("nb", "status", "-o", "json")).document
    assert [server["sid"] for server in after["members"][leader]["cluster"]["servers"]] != sids
    assert len(after["members"][leader]["cluster"]["servers"]) == 2

    raft.kill(other)
    async with asyncio.timeout(20):  # it leads until it has missed the others for an election timer or two
        while (said := await ctl("nb", "leader", "-o", "json")).code == 0:
            await asyncio.sleep(0.2)
    assert (said.code, said.document["remote"]) == (1, "")
    assert "no member leads" in (await ctl("nb", "status")).out
    assert (await ctl("nb", "kick", sids[other], "--yes")).code == 3


async def test_a_backup_is_a_database_that_can_be_served(
    cluster: tuple[OvnSandbox, RaftCluster, Weftctl], tmp_path: Path
) -> None:
    ovn, _, ctl = cluster
    ovn.nbctl("ls-add", "blue", "--", "ls-add", "red", "--", "lr-add", "vpc")
    said = await ctl("nb", "backup", str(tmp_path), "-o", "json")
    assert said.code == 0, said.err
    [path] = tmp_path.iterdir()
    assert said.document["path"] == str(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert {"Logical_Switch": 2, "Logical_Router": 1}.items() <= said.document["rows"].items()
    served = ovn.folder / "again"
    served.mkdir()
    (served / "db").write_bytes(path.read_bytes())
    ovn.daemon("ovsdb-server", served, f"--remote=punix:{served}/db.sock", f"--unixctl={served}/c", str(served / "db"))
    assert run(program("ovn-nbctl"), f"--db=unix:{served}/db.sock", "--bare", "ls-list").count("(") == 2

    assert (await ctl("nb", "backup", str(path))).code == 2, "it overwrites nothing"
    assert (await ctl("nb", "backup", str(tmp_path / "none" / "file"))).code == 2
    said = await ctl("weft", "backup", str(tmp_path / "weft.backup"))
    assert said.out.startswith("Weft: ")
    assert len(list(tmp_path.iterdir())) == 2, "nothing half is left"


async def test_a_database_that_is_not_clustered_and_one_that_is_not_there(
    cluster: tuple[OvnSandbox, RaftCluster, Weftctl],
) -> None:
    _, _, ctl = cluster
    status, kick = await asyncio.gather(ctl("weft", "status"), ctl("weft", "kick", "abcd", "--yes"))
    assert (status.code, status.lines[0]) == (0, "Weft: well   not clustered: it is lost with its host")
    assert kick.err.startswith("error: Weft is not clustered")
    wrong = (("ic", "status"), ("sb", "leader"), ("ic", "kick", "a", "--yes"))
    said = await asyncio.gather(*(ctl(*words) for words in wrong))
    assert [item.code for item in said] == [1, 1, 2]
    assert "no interconnect here" in said[0].err


async def test_the_fields_own_programs(cluster: tuple[OvnSandbox, RaftCluster, Weftctl]) -> None:
    """Words after the command are the program's, options too, and so is the exit code."""
    ovn, _, ctl = cluster
    host = ovn.start_ovs("h1", controller=False)
    ctl.add_hosts(host)
    assert (await ctl("nbctl", "--may-exist", "ls-add", "blue", "--", "ls-add", "red")).code == 0
    cases = [
        (("nbctl", "--bare", "--columns=name", "find", "Logical_Switch", "name=red"), 0, "red"),
        (("nbctl", "ls-del", "none"), 1, ""),
        (("vsctl", "h1", "--format=json", "list", "Bridge"), 0, '"br-int"'),
        (("ofctl", "h1", "-O", "OpenFlow15", "dump-ports-desc", "br-int"), 0, "LOCAL(br-int)"),
        (("dpctl", "h1", "show"), 0, "netdev@ovs-netdev"),
        (("appctl", "h1", "-t", "ovs-vswitchd", "list-commands"), 0, "vlog"),
        (("vsctl", "h2", "show"), 2, ""),
        (("vsctl", "-oProxyCommand=x", "show"), 2, ""),
        (("dpctl", "h1"), 2, ""),
    ]
    said = await asyncio.gather(*(ctl(*words) for words, *_ in cases))
    for (words, code, text), item in zip(cases, said, strict=True):
        assert (item.code, text in item.out) == (code, True), (words, item)
