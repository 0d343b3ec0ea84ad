"""What operations on databases are made of, against a real cluster of three: looked at, left, saved, put aside."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils.raft import log_end
from tests.support import ovn as sandbox
from tests.support.module import run_module, succeeded
from tests.support.ovn import WEFT_SCHEMA, OvnSandbox
from tests.support.raft import RaftCluster

pytestmark = pytest.mark.skipif(not sandbox.available(), reason="no OVN programs")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[RaftCluster]:
    if sandbox.BINARIES is not None:
        monkeypatch.setenv("PATH", f"{sandbox.BINARIES}:{os.environ['PATH']}")
    with OvnSandbox() as made:
        found = RaftCluster.start(made, "Weft", WEFT_SCHEMA)
        transact(found, {"op": "insert", "table": "Fabric", "row": {"uid": "u1"}})
        yield found


def transact(cluster: RaftCluster, *operations: object, member: int = 0) -> None:
    said = sandbox.run(
        sandbox.program("ovsdb-client"), "transact", cluster.remotes[member], json.dumps(["Weft", *operations])
    )
    assert "error" not in said, said


def port(number: int) -> dict[str, Any]:
    row = {"name": f"p{number}", "host": "h1", "pod_name": f"p{number}", "pod_namespace": "ns", "device_type": "veth"}
    return {"op": "insert", "table": "Port", "row": row}


def folder(cluster: RaftCluster, member: int) -> Path:
    return cluster.members[member].rundir


def look(cluster: RaftCluster, member: int) -> dict[str, Any]:
    place = folder(cluster, member)
    database = {
        "name": "Weft", "path": str(place / "db"), "control": str(place / "db.ctl"), "socket": str(place / "db.sock"),
        "address": "?", "staged": str(place / "staged"),
    }  # fmt: skip
    return dict(succeeded("raft_info", databases=[database], note_directory=str(place))["databases"]["Weft"])


def own_address(state: dict[str, Any]) -> str:
    return str(next(server["address"] for server in state["servers"] if server["self"]))


def test_a_member_is_as_its_server_and_its_file_say(cluster: RaftCluster) -> None:
    state = look(cluster, 1)
    assert (state["connected"], state["status"], state["damage"]) == (True, "cluster member", "")
    assert len(state["servers"]) == 3
    before = state["end"]
    transact(cluster, port(1), member=1)
    assert look(cluster, 1)["end"] > before

    cluster.kill(0)
    cluster.kill(1)
    assert look(cluster, 1)["status"] == ""
    assert look(cluster, 1)["end"] >= before


def test_a_damaged_file_is_told(cluster: RaftCluster) -> None:
    path = folder(cluster, 2) / "db"
    cluster.kill(2)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"cluster_id"', b'"cluster_xx"', 1))
    state = look(cluster, 2)
    assert state["exists"]
    assert state["damage"]
    path.unlink()
    assert look(cluster, 2)["end"] == [0, 0]


def test_whose_log_goes_furthest(cluster: RaftCluster) -> None:
    cluster.kill(2)
    transact(cluster, port(1))
    assert log_end(str(folder(cluster, 0) / "db")) > log_end(str(folder(cluster, 2) / "db"))


@pytest.mark.parametrize("dead", [False, True])
def test_a_server_goes_out_of_its_cluster(cluster: RaftCluster, dead: bool) -> None:
    """A living one leaves by itself, also when it leads; a dead one is let go of by the others."""
    gone = cluster.leader()
    address = own_address(look(cluster, gone))
    if dead:
        cluster.kill(gone)
        cluster.leader()
    asked = next(number for number in range(3) if number != gone) if dead else gone
    options = [{"name": "Weft", "control": str(folder(cluster, asked) / "db.ctl"), "address": address}]
    told = succeeded("raft_server", check=True, databases=options)
    assert told["changed"]
    assert len(told["diff"]["after"]["Weft"]) == 2

    assert succeeded("raft_server", databases=options)["removed"] == ["Weft"]
    others = [number for number in range(3) if number != gone]
    assert all(len(look(cluster, number)["servers"]) == 2 for number in others)
    there = {"name": "Weft", "control": str(folder(cluster, others[0]) / "db.ctl"), "address": address}
    assert not succeeded("raft_server", databases=[there])["changed"]


def test_an_archive_holds_what_the_server_has(cluster: RaftCluster, tmp_path: Path) -> None:
    transact(cluster, *map(port, range(20)))
    path = tmp_path / "a" / "weft.tar.gz"
    databases = [
        {"name": "Weft", "socket": str(folder(cluster, 1) / "db.sock")},
        {"name": "OVN_IC_Northbound", "socket": "/nowhere.sock", "optional": True},
    ]
    assert succeeded("database_backup", check=True, path=str(path), databases=databases)["changed"]
    assert not path.exists()

    made = succeeded("database_backup", path=str(path), databases=databases)["manifest"]
    assert made["fabric"] == "u1"
    assert made["databases"]["Weft"]["rows"] == {"Fabric": 1, "Port": 20}
    assert path.stat().st_mode & 0o777 == 0o600
    found = succeeded("database_backup_info", path=str(path))
    assert (found["manifest"], found["problems"]) == (made, [])
    assert found["ports"] == sorted(f"p{number}" for number in range(20))


def rewritten(path: Path, place: Path, name: str, change: Any) -> Path:
    """The archive with one of its files changed."""
    with tarfile.open(path) as archive:
        archive.extractall(place, filter="data")
    (place / name).write_bytes(change((place / name).read_bytes()))
    other = place.with_suffix(".tar.gz")
    with tarfile.open(other, "w:gz") as archive:
        for file in sorted(place.iterdir()):
            archive.add(file, arcname=file.name)
    return other


def test_an_archive_that_cannot_be_restored_says_why(cluster: RaftCluster, tmp_path: Path) -> None:
    path = tmp_path / "weft.tar.gz"
    socket = str(folder(cluster, 0) / "db.sock")
    succeeded("database_backup", path=str(path), databases=[{"name": "Weft", "socket": socket}])
    cases = [
        (path.with_name("none.tar.gz"), "cannot be read"),
        (rewritten(path, tmp_path / "x", "Weft.db", lambda text: text + b"x"), "its digest differs"),
        (rewritten(path, tmp_path / "y", "manifest.json", lambda _text: b"{}"), "manifest.json cannot be read"),
        (
            rewritten(path, tmp_path / "z", "manifest.json", lambda text: text.replace(b'"Fabric": 1', b'"Fabric": 2')),
            "Fabric has 1 rows, 2 were expected",
        ),
    ]
    for archive, words in cases:
        (problem,) = succeeded("database_backup_info", path=str(archive))["problems"]
        assert words in problem


def test_rows_are_read_and_what_is_away_is_named(cluster: RaftCluster) -> None:
    tables = {"Fabric": ["uid", "no_such_column"], "No_Such_Table": ["x"]}
    databases = [
        {"name": "Weft", "socket": str(folder(cluster, 0) / "db.sock"), "tables": tables},
        {"name": "OVN_Southbound", "socket": "/nowhere.sock", "tables": {"Chassis": ["name"]}},
    ]
    found = succeeded("ovsdb_rows_info", databases=databases)
    assert found["rows"] == {"Fabric": [{"uid": "u1"}], "No_Such_Table": []}
    assert list(found["unanswered"]) == ["OVN_Southbound"]


def test_a_file_is_put_aside_and_its_note_goes(
    cluster: RaftCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemctl is the lab's affair; here it is a program that does nothing."""
    path, note = folder(cluster, 2) / "db", tmp_path / "notes" / "Weft.cluster"
    cluster.kill(2)
    note.parent.mkdir()
    note.write_text("x\n")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "systemctl"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    options: dict[str, Any] = {
        "databases": [{"name": "Weft", "path": str(path), "unit": "x.service"}],
        "note_directory": str(note.parent),
        "directory": str(tmp_path / "aside"),
    }
    assert succeeded("database_aside", check=True, **options)["changed"]
    assert path.exists()
    moved = succeeded("database_aside", **options)["moved"]["Weft"]
    assert Path(moved).exists()
    assert not path.exists()
    assert not note.exists()
    assert not run_module("database_aside", **options)["changed"]
