"""Tables and documents on a terminal or in a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

GAP = "   "


def write(*lines: str) -> None:
    """To standard output, at once."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def complain(*lines: object) -> None:
    """To standard error, each line marked as an error; an indented one goes on where the last one ended."""
    red, plain = ("\033[31m", "\033[0m") if sys.stderr.isatty() else ("", "")
    sys.stdout.flush()
    for line in map(str, lines):
        sys.stderr.write(f"{line}\n" if line.startswith(" ") else f"{red}error:{plain} {line}\n")


def columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows of cells in columns as wide as they need to be; no trailing blanks, fit for grep and awk."""
    rows = list(rows)
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def to_json(value: Any) -> str:
    """For programs; what JSON does not know becomes its text."""
    return json.dumps(value, indent=2, default=str)


def to_yaml(value: Any) -> str:
    """As a user would write it, keys in their order."""
    import yaml  # noqa: PLC0415 - only some outputs need it

    return str(yaml.safe_dump(value, sort_keys=False, default_flow_style=False, allow_unicode=True)).rstrip("\n")


def age(timestamp: str, now: datetime | None = None) -> str:
    """How long ago, in at most two units, as `kubectl` writes it; "" for no time."""
    try:
        then = datetime.fromisoformat(timestamp)
    except ValueError:
        return ""
    return duration(((now or datetime.now(UTC)) - then).total_seconds())


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    left = max(int(seconds), 0)
    if left < 120:
        return f"{left}s"
    if left < 600:
        return f"{left // 60}m{left % 60}s" if left % 60 else f"{left // 60}m"
    if left < 3 * 3600:
        return f"{left // 60}m"
    if left < 48 * 3600:
        return f"{left // 3600}h"
    return f"{left // 86400}d"


def at(document: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    value: Any = document
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def cell(value: Any) -> str:
    """One cell of a table."""
    match value:
        case None | "":
            return ""
        case bool():
            return str(value).lower()
        case list() | tuple():
            return ",".join(str(next(iter(v.values()))) if isinstance(v, Mapping) else str(v) for v in value)
    return str(value)
