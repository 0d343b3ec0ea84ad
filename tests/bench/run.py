"""`make bench`: run the benchmarks, print a table, write build/bench.json.

    python -m tests.bench.run [NAME …]      # names or beginnings of names, like `planner`; all when none is given

A benchmark is a module with `NAMES` and `async def run(names) -> list[Record]`. Machines differ and are noisy, so what
counts is the ratio to a ceiling that was measured in the same run; nothing here asserts a time.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.record import Record

ROOT = Path(__file__).resolve().parents[2]
MODULES = (
    "bench_allocation",
    "bench_planner",
    "bench_admission",
    "bench_change",
    "bench_kill",
    "bench_cni",
    "bench_outage",
    "bench_gateway",
    "bench_relay",
    "bench_site",
    "bench_webhook",
    "bench_module",
)


def main(wanted: list[str]) -> int:
    records: list[Record] = []
    for module_name in MODULES:
        module = importlib.import_module(f"tests.bench.{module_name}")
        names = [name for name in module.NAMES if not wanted or any(name.startswith(word) for word in wanted)]
        if names:
            print(f"{module_name}: {', '.join(names)} …", file=sys.stderr, flush=True)
            records.extend(asyncio.run(module.run(names)))
    if not records:
        print(f"no benchmark is called {' or '.join(wanted)}", file=sys.stderr)
        return 2
    _show(records)
    target = ROOT / "build/bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps([asdict(record) for record in records], indent=2) + "\n")
    return 0


def _show(records: Iterable[Record]) -> None:
    table = Table("name", "value", "unit", "ceiling", "ratio", "parts", title="Weft benchmarks")
    for record in records:
        parts = ", ".join(f"{name} {value:.4g}" for name, value in record.parts.items())
        table.add_row(
            record.name, f"{record.value:.4g}", record.unit, _number(record.ceiling), _number(record.ratio), parts
        )
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
