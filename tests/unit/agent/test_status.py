"""The row that only this host may write: what the role allows is what the table has, and all that its agent writes."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from weft.agent.status import COLUMNS, HostStatus, write

ROOT = Path(__file__).parents[3]


def test_a_host_may_write_its_own_row_but_for_its_name() -> None:
    """By its name it is known whose the row is; which one it would get, a database does not look at."""
    variables = yaml.safe_load((ROOT / "roles/ovn_central/vars/main.yml").read_text())
    rows = [row for database in variables["ovn_central_rows"] for row in database["rows"]]
    [permission] = [row for row in rows if row.get("id") == "host-status"]
    schema = json.loads((ROOT / "services/weft/ovsdb/weft.ovsschema").read_text())
    columns = set(schema["tables"]["Host_Status"]["columns"])
    assert set(permission["values"]["update"]) == columns - {"name"}
    assert set(COLUMNS) <= columns
    assert permission["values"]["authorization"] == ["name"]


@pytest.mark.parametrize(
    ("there", "beat", "hostname"), [(True, True, "old"), (True, False, "new"), (False, True, "new")]
)
def test_a_heartbeat_writes_the_time_alone_unless_the_row_was_taken_away(
    there: bool, beat: bool, hostname: str
) -> None:
    """As remove_node does, of a host that was held for dead and lives."""
    row = SimpleNamespace(name="h1", hostname="old", ready=True, ready_since=7, last_seen=7)
    table = SimpleNamespace(rows={1: row} if there else {}, columns=COLUMNS)
    made = row if there else SimpleNamespace(ready_since=0)
    status = asdict(HostStatus("h1", "new", ready=True))
    write(SimpleNamespace(insert=lambda _: made), SimpleNamespace(tables={"Host_Status": table}), status, beat=beat)
    assert (made.name, getattr(made, "hostname", ""), made.ready) == ("h1", hostname, True)
    assert made.last_seen > 7
