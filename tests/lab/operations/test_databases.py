"""Databases are saved, restored, replaced and recovered, while workloads speak."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.conftest import Lab
from tests.lab.operations.conftest import BACKUPS, Pair, endpoints, killed, newest, operation, rows

Eventually = Callable[..., None]
UNITS = ("ovn-ovsdb-server-nb", "ovn-ovsdb-server-sb", "weft-ovsdb")
FILES = "/var/lib/ovn/ovnnb_db.db /var/lib/ovn/ovnsb_db.db /var/lib/ovn/weft_db.db"
MEMBER = "lab2"


def lose(lab: Lab, *names: str) -> None:
    """The disks of members are gone."""
    for name in names:
        lab[name].run(["systemctl", "kill", "--signal=KILL", *UNITS])
        lab[name].run(["systemctl", "stop", *UNITS])
        lab[name].run(f"rm -f {FILES}")


def datapaths(lab: Lab) -> list[str]:
    """Identities that hosts' flows hang on: a Southbound that is only filled again has others."""
    found = json.loads(rows(lab, "OVN_Southbound", "Datapath_Binding"))[0]["rows"]
    return sorted(row["_uuid"][1] for row in found)


def test_a_backup_holds_what_lives_and_is_its_owners_alone(healthy: Lab, pair: Pair) -> None:
    with pair.traffic(most=1):
        operation("backup", authority=True, keep=3).succeeded()
    with tarfile.open(newest()) as archive:
        stream = archive.extractfile("manifest.json")
        assert stream is not None
        manifest = json.load(stream)
    assert set(manifest["databases"]) >= {"OVN_Northbound", "OVN_Southbound", "Weft"}
    assert manifest["databases"]["OVN_Southbound"]["rows"]["Chassis"] == 3
    assert manifest["fabric"] in healthy["lab1"].run(["weftctl", "status"]).stdout
    assert {oct(path.stat().st_mode & 0o777) for path in BACKUPS.glob("*Z*.tar.gz")} == {"0o600"}
    assert newest().with_name(newest().name.replace(".tar.gz", ".authority.tar.gz")).exists()
    assert newest().name not in healthy["lab1"].run("ls /var/backups/weft", check=False).stdout


def test_a_backup_in_check_mode_writes_nothing(healthy: Lab, pair: Pair) -> None:
    before = set(BACKUPS.glob("*"))
    operation("backup", "--check").succeeded()
    assert set(BACKUPS.glob("*")) == before


@pytest.mark.operations
def test_a_live_fabric_is_not_overwritten_unasked(healthy: Lab, pair: Pair) -> None:
    operation("backup").succeeded()
    operation("restore").refused("the databases work: what was written since")


@pytest.mark.operations
def test_an_archive_that_was_changed_is_refused(healthy: Lab, pair: Pair, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.tar.gz"
    damaged.write_bytes(newest().read_bytes()[:-200])
    operation("restore", archive=str(damaged), overwrite=True).refused("damaged.tar.gz: cannot be read")


@pytest.mark.operations
def test_a_lost_member_is_replaced(healthy: Lab, pair: Pair) -> None:
    lose(healthy, MEMBER)
    with pair.traffic(most=2):
        operation("replace_database_member", host=MEMBER).succeeded()
    again = operation("replace_database_member", host=MEMBER).succeeded()
    assert set(again.changed.values()) == {0}
    assert "nothing is replaced" in again.text


@pytest.mark.operations
@pytest.mark.parametrize("at", ["The others let go of it", "It joins them anew", "The other members join them"])
def test_a_replacement_that_was_killed_is_finished(healthy: Lab, pair: Pair, at: str) -> None:
    task = {"It joins them anew": "Does the host run this build?"}.get(at, at)
    with pair.traffic(most=2):
        killed("replace_database_member", task, host=MEMBER, alive=True)
        operation("replace_database_member", host=MEMBER).succeeded()


@pytest.mark.operations
def test_a_member_is_not_replaced_when_the_majority_would_be_lost(healthy: Lab, pair: Pair) -> None:
    healthy["lab3"].run(["systemctl", "stop", *UNITS])
    try:
        operation("replace_database_member", host=MEMBER, alive=True).refused("there is no majority")
    finally:
        healthy["lab3"].run(["systemctl", "start", *UNITS])


@pytest.mark.operations
def test_a_damaged_file_is_recovered(healthy: Lab, pair: Pair) -> None:
    """As in the Kube-OVN 1.15 manual, section 6.4.2: the server finds an error in its log and does not start."""
    host = healthy[MEMBER]
    host.run(["systemctl", "stop", "ovn-ovsdb-server-nb"])
    host.run(
        "printf 'OVSDB CLUSTER 9 0000000000000000000000000000000000000000\\ngarbage!\\n' >>/var/lib/ovn/ovnnb_db.db"
    )
    host.run("sed -i '2s/[0-9]/x/' /var/lib/ovn/ovnnb_db.db")
    with pair.traffic(most=2):
        operation("recover_databases").succeeded()
    assert set(operation("recover_databases").succeeded().changed.values()) == {0}


@pytest.mark.operations
def test_a_lost_majority_is_recovered_from_what_is_left(healthy: Lab, pair: Pair, eventually: Eventually) -> None:
    before, identities = endpoints(healthy), datapaths(healthy)
    lose(healthy, "lab2", "lab3")
    with pair.traffic(most=2):
        operation("recover_databases").refused("the majority is lost (lab2, lab3)")
        killed("recover_databases", "The other members join", accept_loss=True)
        operation("recover_databases", accept_loss=True).succeeded()
    eventually(lambda: endpoints(healthy) == before, within=60, what="every workload as before")
    assert datapaths(healthy) == identities


@pytest.mark.operations
def test_a_restore_brings_back_every_workload(healthy: Lab, pair: Pair, eventually: Eventually) -> None:
    """All databases are destroyed; a run that is killed in between is run again."""
    before, identities = endpoints(healthy), datapaths(healthy)
    operation("backup").succeeded()
    lose(healthy, "lab1", "lab2", "lab3")
    with pair.traffic(most=2):
        killed("restore", "One member makes each cluster")
        operation("restore").succeeded()
    eventually(lambda: endpoints(healthy) == before, within=60, what="every workload as before")
    assert datapaths(healthy) == identities
