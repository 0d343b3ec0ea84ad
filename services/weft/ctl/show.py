"""`get` and `describe`: objects as tables, names, documents."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from weft.api.base import Resource
from weft.ctl.errors import CtlError, UnreachableError
from weft.ctl.printing import age, at, cell, columns, complain, to_json, to_yaml, write
from weft.ctl.session import Session, read_records
from weft.ovsdb.database import RowChange
from weft.store.fabric import Record, to_record


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects. An empty `namespace` means all; so does an empty `names`."""

    cls: type[Resource]
    names: tuple[str, ...] = ()
    namespace: str = ""

    def conditions(self) -> dict[str, list[Any]]:
        """What the server should send: with one name just that, else the kind."""
        if len(self.names) == 1:
            return {"Object": [["name", "==", self.names[0]]]}
        return {"Object": [["kind", "==", self.cls.INFO.kind]]}

    def holds(self, record: Record) -> bool:
        return (
            record.kind == self.cls.INFO.kind
            and (not self.names or record.name in self.names)
            and (not self.namespace or not self.cls.INFO.namespaced or record.namespace == self.namespace)
        )


async def read_selection(session: Session, selection: Selection) -> list[Record]:
    """The objects, by namespace and name. Without a leader any member's word is taken, and said to be so."""
    try:
        return await _read(session, selection, any_member=False)
    except UnreachableError as error:
        try:
            records = await _read(session, selection, any_member=True)
        except UnreachableError:
            raise error from None
        complain("no leader of the Weft database; this is what one of its other members knows, it may be old")
        return records


async def _read(session: Session, selection: Selection, any_member: bool) -> list[Record]:
    async with session.weft(("Object",), conditions=selection.conditions(), any_member=any_member) as weft:
        records = await read_records(weft)
    return sorted(filter(selection.holds, records.values()), key=lambda record: (record.namespace, record.name))


async def get(session: Session, selection: Selection, output: str) -> None:
    """Print the objects; those asked for by name must exist."""
    records = await read_selection(session, selection)
    missing = [name for name in selection.names if all(record.name != name for record in records)]
    if records or not selection.names:
        write(*render(selection, records, output))
    if missing:
        where = f" in namespace {selection.namespace}" if selection.cls.INFO.namespaced and selection.namespace else ""
        raise CtlError(*(f"{selection.cls.INFO.kind}/{name} does not exist{where}" for name in missing))


def render(selection: Selection, records: Sequence[Record], output: str) -> list[str]:
    """The objects in one of the forms that `get` knows."""
    match output:
        case "name":
            return [f"{record.kind.lower()}/{record.name}" for record in records]
        case "json" | "yaml":
            documents = [record.document() for record in records]
            whole: Any = documents[0] if len(selection.names) == 1 and len(documents) == 1 else _list(documents)
            return [to_json(whole) if output == "json" else to_yaml(whole)]
    if not records:
        return [f"no {selection.cls.INFO.plural} found"]
    return columns([heading(selection, output), *(row(selection, record, output) for record in records)])


def _list(documents: list[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": documents}


def heading(selection: Selection, output: str) -> list[str]:
    """The titles of the columns of `row`."""
    info = selection.cls.INFO
    first = ["NAMESPACE"] if info.namespaced and not selection.namespace else []
    last = ["GENERATION", "MESSAGE"] if output == "wide" else []
    titles = [title.upper() for title, _ in _columns(selection.cls, output)]
    return [*first, "NAME", *titles, "AGE", *last]


def _columns(cls: type[Resource], output: str) -> list[tuple[str, str]]:
    """What a kind prints: kubectl's columns without those that few ask for, and conditions in place of a mere flag."""
    shown = [
        (title, path)
        for title, path in cls.INFO.columns
        if title not in ("Age", "age", "Ready") and (output == "wide" or title not in cls.INFO.wide)
    ]
    return [*shown, ("Ready", "status.conditions")] if cls.INFO.shows_state else shown


def row(selection: Selection, record: Record, output: str) -> list[str]:
    """One object as cells."""
    document = record.document()
    info = selection.cls.INFO
    first = [record.namespace] if info.namespaced and not selection.namespace else []
    middle = [
        _condition(document, title) if path.endswith(".conditions") else cell(_value(selection.cls, document, path))
        for title, path in _columns(selection.cls, output)
    ]
    last = [str(record.generation), "; ".join(_messages(document))] if output == "wide" else []
    return [*first, record.name, *middle, age(at(document, "metadata.creationTimestamp") or ""), *last]


def _value(cls: type[Resource], document: Mapping[str, Any], path: str) -> Any:
    """What was given, or for a field of `spec` its default."""
    value = at(document, path)
    if value is not None or not path.startswith("spec."):
        return value
    spec = cls.model_fields["spec"].annotation
    for field in getattr(spec, "model_fields", {}).values():
        if (field.alias or "") == path.removeprefix("spec."):
            return None if field.is_required() else field.get_default(call_default_factory=True)
    return None


def _conditions(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(at(document, "status.conditions") or ())


def _condition(document: Mapping[str, Any], title: str) -> str:
    """`True`, or `False (Reason)`. An object without this condition shows the one that keeps it from having it."""
    found = {str(item["type"]).lower(): item for item in _conditions(document)}
    shown = found.get(title.lower()) or next((item for item in found.values() if item["status"] != "True"), None)
    if shown is None:
        return "Unknown"
    return "True" if shown["status"] == "True" else f"{shown['status']} ({shown['reason']})"


def _messages(document: Mapping[str, Any]) -> Iterable[str]:
    return (item["message"] for item in _conditions(document) if item["status"] != "True" and item.get("message"))


async def watch(session: Session, selection: Selection, output: str) -> None:
    """Print the objects, and each again when it changes, until interrupted."""
    changes: asyncio.Queue[list[RowChange]] = asyncio.Queue()
    printed: dict[str, str] = {}
    widths: list[int] = []
    async with session.weft(("Object",), conditions=selection.conditions(), on_change=changes.put_nowait):
        if output in ("table", "wide"):
            _print_row(heading(selection, output), widths)
        while True:
            for change in await changes.get():
                _print_change(selection, change, output, printed, widths)


def _print_change(
    selection: Selection, change: RowChange, output: str, printed: dict[str, str], widths: list[int]
) -> None:
    if not change.row or not selection.holds(record := to_record(change.uuid, change.row)):
        return
    text = json.dumps(record.document(), sort_keys=True)
    if change.op != "delete" and printed.get(record.ref) == text:
        return
    printed[record.ref] = text
    if output not in ("table", "wide"):
        write(*render(Selection(selection.cls, (record.name,)), [record], output))
        return
    cells = row(selection, record, output)
    if change.op == "delete":
        cells[-1 if output == "table" else -3] = "deleted"
    _print_row(cells, widths)


def _print_row(cells: Sequence[str], widths: list[int]) -> None:
    """Columns grow as wider cells come; what was printed before stays as it is."""
    widths[:] = [max(len(text), width) for text, width in zip(cells, widths or [0] * len(cells), strict=True)]
    write("   ".join(text.ljust(width) for text, width in zip(cells, widths, strict=True)).rstrip())


async def describe(session: Session, selection: Selection) -> None:
    """One object in full: its document, then its conditions with their messages."""
    records = await read_selection(session, selection)
    if not records:
        raise CtlError(f"{selection.cls.INFO.kind}/{'/'.join(selection.names)} does not exist")
    for record in records:
        document = record.document()
        status = document.pop("status", {})
        found = status.pop("conditions", [])
        write(to_yaml(document), *([to_yaml({"status": status})] if status else []), "conditions:")
        rows = [
            (f"  {c['type']}", c["status"], c["reason"], age(c.get("lastTransitionTime", "")), c["message"])
            for c in found
        ]
        write(*(columns(rows) or ["  none yet: the controller has not looked at this object"]))
