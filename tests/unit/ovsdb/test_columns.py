"""The table of columns names each column of each supported schema: a new OVN cannot bring one that nobody judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.ovsdb.server import OVN_25_03, WEFT, schema
from weft.ovsdb import columns
from weft.ovsdb.columns import NORTHBOUND, PARENTS, Ownership, replicated

LATER = {("Logical_Switch_Port", "health_checks")}
"""Columns of an OVN after 25.03."""

SINCE_24_09 = {
    ("ACL", "sample_new"),
    ("ACL", "sample_est"),
    ("Logical_Router_Port", "dhcp_relay"),
    ("Logical_Switch_Port", "peer"),
    ("Logical_Router_Policy", "chain"),
    ("Logical_Router_Policy", "jump_chain"),
    ("Logical_Router_Static_Route", "selection_fields"),
}


def _pairs(tables: dict[str, list[str]]) -> set[tuple[str, str]]:
    return {(table, column) for table, names in tables.items() for column in names}


OURS = _pairs({table: list(names) for table, names in NORTHBOUND.items()})


def test_northbound_of_ovn_25_03() -> None:
    served = schema(OVN_25_03)["tables"]
    assert _pairs({table: list(served[table]["columns"]) for table in NORTHBOUND}) == OURS - LATER


def test_northbound_of_ovn_24_03() -> None:
    extract = json.loads((Path(__file__).parent / "data" / "ovn-nb-24.03.json").read_text())["tables"]
    assert _pairs(extract) == OURS - LATER - SINCE_24_09


def test_weft() -> None:
    served = schema(WEFT)["tables"]
    for table, names in columns.WEFT.items():
        assert set(names) == set(served[table]["columns"])


@pytest.mark.parametrize("path", [OVN_25_03, WEFT], ids=["OVN 25.03", "Weft"])
def test_ownership_fits_the_type(path: Path) -> None:
    """Per key is for maps, per element for sets of rows."""
    tables, served = (NORTHBOUND if path is OVN_25_03 else columns.WEFT), schema(path)["tables"]
    for table, names in tables.items():
        for column, how in names.items():
            if (table, column) in LATER:
                continue
            type_ = served[table]["columns"][column]["type"]
            if how is Ownership.KEYS:
                assert "value" in type_, (table, column)
            if how is Ownership.ELEMENTS:
                assert type_["key"]["refTable"], (table, column)
                assert type_["max"] == "unlimited", (table, column)


def test_every_table_of_ours_can_name_its_owner() -> None:
    for names in (*NORTHBOUND.values(), *columns.WEFT.values()):
        assert names["external_ids"] is Ownership.KEYS


def test_rows_that_others_hold() -> None:
    """Not a root table in the schema: it has a parent here, whose column holds elements of several owners."""
    served = schema(OVN_25_03)["tables"]
    assert {table for table in NORTHBOUND if not served[table].get("isRoot")} == set(PARENTS)
    for table, parents in PARENTS.items():
        for parent, column in parents:
            assert served[parent]["columns"][column]["type"]["key"]["refTable"] == table
            assert NORTHBOUND[parent][column] is Ownership.ELEMENTS


@pytest.mark.parametrize(
    ("table", "column", "how"),
    [
        ("Logical_Switch_Port", "up", Ownership.IGNORE),
        ("Logical_Switch_Port", "tag", Ownership.IGNORE),
        ("Logical_Switch_Port", "dynamic_addresses", Ownership.IGNORE),
        ("Logical_Router_Port", "status", Ownership.IGNORE),
        ("Logical_Router", "static_routes", Ownership.ELEMENTS),
        ("Logical_Switch", "other_config", Ownership.KEYS),
    ],
)
def test_what_others_write_is_left_to_them(table: str, column: str, how: Ownership) -> None:
    assert NORTHBOUND[table][column] is how


def test_a_replica_has_what_is_compared_and_whether_ports_are_up() -> None:
    seen = replicated(NORTHBOUND)
    for table, names in seen.items():
        for column in names:
            assert NORTHBOUND[table][column] in {Ownership.OWN, Ownership.KEYS} or column == "up"
    assert "up" in seen["Logical_Switch_Port"]
    assert "ports" not in seen["Logical_Switch"]
