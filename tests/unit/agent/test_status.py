"""The row that only this host may write: schema, role and agent name the same columns."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from weft.agent.status import COLUMNS

ROOT = Path(__file__).parents[3]


def test_a_host_may_write_what_its_agent_writes_and_nothing_else() -> None:
    variables = yaml.safe_load((ROOT / "roles/ovn_central/vars/main.yml").read_text())
    rows = [row for database in variables["ovn_central_rows"] for row in database["rows"]]
    [permission] = [row for row in rows if row.get("id") == "host-status"]
    assert sorted(permission["values"]["update"]) == sorted(COLUMNS)
    assert permission["values"]["authorization"] == ["name"]


def test_the_schema_has_these_columns() -> None:
    schema = json.loads((ROOT / "services/weft/ovsdb/weft.ovsschema").read_text())
    assert sorted(schema["tables"]["Host_Status"]["columns"]) == sorted(COLUMNS)
