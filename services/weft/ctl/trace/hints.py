"""Which of our objects a logical flow comes from.

northd notes in a logical flow the beginning of the UUID of the Northbound's row that it was made for (`stage-hint`),
and a row of ours names its owner. Rows that are alike on several datapaths share one logical flow, whose hint is of one
of them: then the one that is on the packet's own datapath counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from weft.ctl.ask import Row, Select, ask, elements
from weft.ctl.errors import CtlError
from weft.ctl.session import Session
from weft.ctl.trace.logical import Logical, Step
from weft.ovsdb.identity import OWNER

_TABLES: Sequence[tuple[str, str, tuple[str, ...]]] = (
    ("acl", "ACL", ("name", "direction", "priority", "match", "action")),
    ("lr_in_policy", "Logical_Router_Policy", ("priority", "match", "action", "nexthops")),
    ("ip_routing", "Logical_Router_Static_Route", ("ip_prefix", "nexthop", "policy")),
    ("nat", "NAT", ("type", "external_ip", "logical_ip")),
    ("_lb", "Load_Balancer", ("name", "vips")),
)
"""Part of a stage's name, and what its flows are made for."""
_PARENTS = {
    "ACL": ("Logical_Switch", "acls"),
    "Logical_Router_Policy": ("Logical_Router", "policies"),
    "Logical_Router_Static_Route": ("Logical_Router", "static_routes"),
    "NAT": ("Logical_Router", "nat"),
}
"""Where rows of a datapath stand."""
_EVALUATION = "acl_eval"
Key = tuple[str, str]
"""A datapath, and the beginning of a logical flow's UUID."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A row of the Northbound that decided something; `owner` is our object that it belongs to, "" when of others."""

    table: str
    owner: str
    words: str

    @property
    def text(self) -> str:
        whose = f"of {self.owner}" if self.owner else "not of this fabric"
        return f"{self.words} ({whose})"


def deciding(trace: Logical) -> list[Step]:
    """Steps that somebody asked for: rules, policies, routes, translation; not what every packet meets."""
    return [step for step in trace.steps if step.uuid and _table(step) and step.priority > 1]


def _table(step: Step) -> tuple[str, str, tuple[str, ...]] | None:
    if "acl" in step.stage and _EVALUATION not in step.stage:
        return None
    return next((item for item in _TABLES if item[0] in step.stage), None)


async def read_causes(session: Session, trace: Logical) -> dict[Key, Cause]:
    """By datapath and logical flow. Nothing for flows that nobody asked for."""
    steps = deciding(trace)
    hints = await _hints(session, list({step.uuid: step for step in steps}.values()))
    causes: dict[Key, Cause] = {}
    for name, columns in {table[1]: table[2] for step in steps if (table := _table(step))}.items():
        try:
            rows, parents = await _rows(session, name, columns)
        except CtlError:  # an older Northbound may lack a column: the trace is still worth having
            continue
        for step in steps:
            hint = hints.get(step.uuid)
            row = next((row for row in rows if hint and row["_uuid"].startswith(hint)), None)
            if row is not None:
                row = _own(row, [item for item in rows if item["_uuid"] in parents.get(step.datapath, ())], columns)
                causes[step.datapath, step.uuid] = Cause(name, row["external_ids"].get(OWNER, ""), _words(name, row))
    return causes


async def _rows(session: Session, table: str, columns: Sequence[str]) -> tuple[list[Row], dict[str, set[str]]]:
    """All rows of a table, and by datapath which are its own."""
    wanted = Select(table, ("_uuid", "external_ids", *columns))
    if table not in _PARENTS:
        return (await ask(session, "OVN_Northbound", wanted))[0], {}
    parent, column = _PARENTS[table]
    rows, parents = await ask(session, "OVN_Northbound", wanted, Select(parent, ("name", column)))
    return rows, {row["name"]: set(elements(row[column])) for row in parents}


def _own(row: Row, there: Sequence[Row], columns: Sequence[str]) -> Row:
    """The datapath's own row that is like this one; else this one: rules of port groups stand on no datapath."""
    if row in there:
        return row
    return next((item for item in there if all(item[name] == row[name] for name in columns)), row)


async def _hints(session: Session, steps: Sequence[Step]) -> dict[str, str]:
    """Logical flow -> row of the Northbound, both by the beginnings of their UUIDs."""
    if not steps:
        return {}
    answers = await ask(
        session,
        "OVN_Southbound",
        *(
            Select(
                "Logical_Flow",
                ("_uuid", "external_ids"),
                (("table_id", "==", step.table), ("priority", "==", step.priority), ("pipeline", "==", step.pipeline)),
            )
            for step in steps
        ),
    )
    found = {}
    for step, rows in zip(steps, answers, strict=True):
        for row in rows:
            if row["_uuid"].startswith(step.uuid) and (hint := row["external_ids"].get("stage-hint")):
                found[step.uuid] = hint
    return found


def _words(table: str, row: Mapping[str, Any]) -> str:
    match table:
        case "ACL":
            named = f" {name}" if (name := "".join(elements(row["name"]))) else ""
            return f"ACL{named} {row['direction']} {row['priority']}: {row['match']}: {row['action']}"
        case "Logical_Router_Policy":
            towards = f" to {', '.join(elements(row['nexthops']))}" if elements(row["nexthops"]) else ""
            return f"policy {row['priority']}: {row['match']}: {row['action']}{towards}"
        case "Logical_Router_Static_Route":
            return f"route {row['ip_prefix']} via {row['nexthop']}"
        case "NAT":
            return f"NAT {row['type']} {row['logical_ip']} as {row['external_ip']}"
        case _:
            return f"load balancer {row['name']}"
