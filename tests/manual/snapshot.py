"""What a fabric and its API say at one moment, and how two moments differ, as text in a stable order.

Rows are as `ovn-nbctl list` shows them, of all tables; a row that another one holds is named, not numbered. Left out
are UUIDs, times, and what hosts and northd write by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.support.kubernetes import KubeSandbox
from tests.support.ovn import OvnSandbox, program, run
from weft.ovsdb.identity import OWNER

Values = dict[str, Any]
Snapshot = dict[str, tuple[str, Values]]
"""By identity (UUID or reference): what it is called, and what it says."""

KINDS = {
    "Vpc": "/apis/kubeovn.io/v1/vpcs",
    "Subnet": "/apis/kubeovn.io/v1/subnets",
    "IP": "/apis/kubeovn.io/v1/ips",
    "IPPool": "/apis/kubeovn.io/v1/ippools",
    "Vip": "/apis/kubeovn.io/v1/vips",
    "Namespace": "/api/v1/namespaces",
    "Pod": "/api/v1/pods",
}
_OURS = ("Host", "Subnet", "Nat_Rule", "Port")
"""Tables of the Weft database that say what hosts must do."""
_NAMED_BY = (
    ("name",),
    ("ip_prefix", "policy", "nexthop"),
    ("direction", "priority", "match"),
    ("cidr",),
    ("subnet", "position"),
)
_NOISE = {"up", "tag", "dynamic_addresses", "status", "pod_uid", "ipv6_prefix"}
_GIVEN = ("kubectl.kubernetes.io/", "k8s.v1.cni.cncf.io/", "v1.multus-cni.io/", "kubevirt.io/")
"""Annotations that only documents and kubectl write."""


def take(ovn: OvnSandbox, kube: KubeSandbox) -> Snapshot:
    """Everything, now."""
    found: Snapshot = {}
    found |= _rows(ovn.northbound, "OVN_Northbound", None)
    found |= _rows(ovn.weft, "Weft", _OURS)
    for kind, path in KINDS.items():
        for item in kube.call("GET", path)["items"]:
            name = "/".join(filter(None, (item["metadata"].get("namespace"), item["metadata"]["name"])))
            found[f"{kind}/{name}"] = f"{kind} {name}", dict(_object(kind, item))
    return found


def difference(before: Snapshot, after: Snapshot) -> str:
    """What is new, changed and gone, sorted by what it is called."""
    lines: list[str] = []
    for key in sorted(before.keys() | after.keys(), key=lambda key: (after.get(key) or before[key])[0]):
        old, new = before.get(key), after.get(key)
        if new is None:
            lines.append(f"{before[key][0]} is gone")
        elif old is None:
            lines += [new[0], *_shown(new[1])]
        elif changed := list(_changes(old[1], new[1])):
            lines += [f"{new[0]} has changed", *changed]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _shown(values: Values) -> Iterator[str]:
    yield from (f"    {name}: {_text(value)}" for name, value in sorted(values.items()))


def _changes(old: Values, new: Values) -> Iterator[str]:
    """Of a set what joined and left, of anything else its new value."""
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if isinstance(before, tuple) or isinstance(after, tuple):
            more, less = _set(after) - _set(before), _set(before) - _set(after)
            yield f"    {name}: " + ", ".join([*(f"+ {x}" for x in sorted(more)), *(f"- {x}" for x in sorted(less))])
        else:
            yield f"    {name}: {_text(after)}"


def _set(value: Any) -> set[str]:
    """OVSDB writes a set of one as its element."""
    return set(value) if isinstance(value, tuple) else set() if value is None else {str(value)}


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in sorted(value.items()))
    return " ".join(str("-" if value is None else value).split())


# -- rows -------------------------------------------------------------------------------------------------------------


def _rows(remote: str, database: str, tables: Iterable[str] | None) -> Snapshot:
    text = run(program("ovsdb-client"), "--format=json", "dump", remote, database)
    dumped = {table["caption"].split()[0]: table for table in map(json.loads, text.splitlines())}
    rows = {
        cells["_uuid"][1]: (table, cells)
        for table in dumped
        if table != "NB_Global" and (tables is None or table in tables)
        for data in dumped[table]["data"]
        for cells in [dict(zip(dumped[table]["headings"], data, strict=True))]
    }
    names = {uuid: _name(cells) for uuid, (_, cells) in rows.items()}
    where = "host's " if database == "Weft" else ""
    return {
        uuid: (f"{where}{table} {names[uuid]}", dict(_values(cells, names))) for uuid, (table, cells) in rows.items()
    }


def _name(cells: Mapping[str, Any]) -> str:
    """What a row is called in others: its name, or what tells it from its like."""
    for columns in _NAMED_BY:
        if words := [str(cells[column]) for column in columns if cells.get(column) not in (None, "", ["set", []])]:
            return " ".join(words)
    return " ".join(str(cells[column]) for column in ("priority", "match") if column in cells)


def _values(cells: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for column, cell in cells.items():
        value = _value(cell, names)
        if isinstance(value, dict):
            value = {key: item for key, item in value.items() if key != OWNER}
        if column not in _NOISE and not column.startswith("_") and value not in ("", (), {}, False, 0):
            yield column, value


def _value(cell: Any, names: Mapping[str, str]) -> Any:
    match cell:
        case ["uuid", str(uuid)]:
            return names.get(uuid, "?")
        case ["set", list(items)]:
            return tuple(sorted(str(_value(item, names)) for item in items))
        case ["map", list(pairs)]:
            return {key: _value(value, names) for key, value in pairs}
    return cell


# -- objects ----------------------------------------------------------------------------------------------------------


def _object(kind: str, item: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if kind in ("Pod", "Namespace"):
        annotations = item["metadata"].get("annotations", {})
        yield from ((name, value) for name, value in annotations.items() if not name.startswith(_GIVEN))
        return
    if kind == "IP":
        yield from ((name, value) for name, value in item["spec"].items() if value)
        return
    for name, value in item.get("status", {}).items():
        if name == "conditions":
            yield from ((f"condition {condition['type']}", _condition(condition)) for condition in value)
        elif value not in ("", [], 0):
            yield name, tuple(map(str, value)) if isinstance(value, list) else value


def _condition(condition: Mapping[str, str]) -> str:
    words = f"{condition['status']} {condition['reason']}"
    return f"{words}: {condition['message']}" if condition.get("message") else words
