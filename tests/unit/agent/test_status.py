"""The row that only this host may write: what the role allows is what the table has, and all that its agent writes."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from weft.agent.status import COLUMNS

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
