"""docs/metrics.md names every metric as it is, and none that is not."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric

from weft.agent import metrics as agent
from weft.agent.config import OvsConfig
from weft.agent.figures.collector import HostFigures
from weft.controller import metrics as controller
from weft.ovsdb import metrics as ovsdb
from weft.store import metrics as store
from weft.webhook import metrics as webhook

PAGE = Path(__file__).parents[2] / "docs/metrics.md"
MODULES = {"agent": agent, "controller": controller, "ovsdb": ovsdb, "store": store, "webhook": webhook}


def _rows(module: ModuleType) -> list[str]:
    metrics = [value for value in vars(module).values() if isinstance(value, MetricWrapperBase)]
    return [
        f"| `{metric._name}{'_total' if isinstance(metric, Counter) else ''}` | {metric._type} "
        f"| {', '.join(metric._labelnames)} | {metric._documentation.rstrip('.')} |"
        for metric in metrics
    ]


def _figures() -> list[str]:
    """Those that are sampled when somebody asks."""
    return [_row(family) for family in HostFigures("h1", OvsConfig()).describe()]


def _row(family: Metric) -> str:
    labels = ", ".join(family._labelnames)  # type: ignore[attr-defined]
    return f"| `{family.name}` | {family.type} | {labels} | {family.documentation} |"


ROWS = {**{name: _rows(module) for name, module in MODULES.items()}, "figures": _figures()}


@pytest.mark.parametrize("name", ROWS)
def test_every_metric_is_on_the_page(name: str) -> None:
    page = PAGE.read_text().splitlines()
    assert [row for row in ROWS[name] if row not in page] == []


def test_the_page_has_no_other() -> None:
    known = {row for rows in ROWS.values() for row in rows}
    named = [line for line in PAGE.read_text().splitlines() if line.startswith("| `") and not line.startswith("| `/")]
    assert [line for line in named if line not in known] == []
