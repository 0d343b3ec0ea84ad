"""extensions/monitoring asks for metrics and labels that are there, and sends people to commands that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from tests.unit.test_metrics_page import PAGE
from weft.ctl.main import app

FOLDER = Path(__file__).parents[2] / "extensions/monitoring"
WORDS = frozenset({"and", "or", "unless", "bool", "offset"})
ADDED = frozenset({"instance", "job"})
"""Labels that Prometheus adds."""


def known() -> dict[str, frozenset[str]]:
    """Names of time series and their labels, as the page has them (and the page is what is exposed)."""
    found = {"up": frozenset[str]()}
    for line in PAGE.read_text().splitlines():
        if match := re.match(r"\| `(\w+)` \| (gauge|counter|histogram) \| ([^|]*) \|", line):
            name, kind, labels = match.groups()
            has = frozenset(filter(None, labels.strip().split(", ")))
            found[name] = has
            if kind == "histogram":
                found |= {f"{name}_bucket": has | {"le"}, f"{name}_sum": has, f"{name}_count": has}
    return found


KNOWN = known()


def rules() -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def panels(path: Path) -> Iterator[dict[str, Any]]:
    yield from json.loads(path.read_text())["panels"]


RULES = rules()
DASHBOARDS = sorted(FOLDER.glob("*.json"))
EXPRESSIONS = {name: rule["expr"] for name, rule in RULES.items()} | {
    f"{path.name}: {panel['title']} {target['refId']}": target["expr"]
    for path in DASHBOARDS
    for panel in panels(path)
    for target in panel.get("targets", ())
}


def series(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Metrics in an expression of PromQL, with the labels that their selectors name."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    bare = re.sub(r"\b(by|on|ignoring|without|group_left|group_right) \([^)]*\)", "", bare)
    bare = re.sub(r"\[[^]]*]", "", bare)
    for match in re.finditer(r"(?<![\w.])([a-zA-Z_]\w*)\s*(\{[^}]*\})?(\s*\()?", bare):
        name, selector, call = match.groups()
        if call is None and name not in WORDS:
            yield name, set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", selector or ""))


@pytest.mark.parametrize("where", EXPRESSIONS)
def test_metrics_and_labels_exist(where: str) -> None:
    used = list(series(EXPRESSIONS[where]))
    assert used, "an expression without a metric"
    for name, labels in used:
        assert name in KNOWN
        assert labels <= KNOWN[name] | ADDED
    grouped = re.findall(r"\b(?:by|on) \(([^)]*)\)", EXPRESSIONS[where])
    labels = {label.strip() for text in grouped for label in text.split(",")}
    assert labels <= frozenset().union(*(KNOWN[name] for name, _ in used)) | ADDED


def test_a_misspelt_metric_or_label_would_be_found() -> None:
    assert list(series('sum by (le) (rate(no_such{kid="x", a!~"b"}[5m])) > 1e9 and other')) == [
        ("no_such", {"kid", "a"}), ("other", set()),
    ]  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_an_alert_says_what_is_wrong_and_where_to_look(name: str) -> None:
    rule = RULES[name]
    assert rule["labels"]["severity"] in ("critical", "warning")
    texts = rule["annotations"]
    assert texts["summary"]
    assert texts["description"]
    has = frozenset().union(*(KNOWN[metric] for metric, _ in series(rule["expr"]))) | ADDED
    assert set(re.findall(r"\$labels\.(\w+)", " ".join(texts.values()))) <= has
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(re.findall(r"weftctl (\w+)", " ".join(texts.values()))) <= set(commands)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_a_dashboard_can_be_loaded(path: Path) -> None:
    found = list(panels(path))
    assert len({panel["id"] for panel in found}) == len(found)
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in found}
    assert len(places) == len(found), "no panel lies on another one"
    variables = {item["name"] for item in json.loads(path.read_text())["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", path.read_text())) - {"__rate_interval", "__all"}
    assert used <= variables
    legends = {
        (name, label) for panel in found for target in panel.get("targets", ())
        for label in re.findall(r"\{\{(\w+)}}", target["legendFormat"]) for name, _ in series(target["expr"])
    }  # fmt: skip
    assert {(name, label) for name, label in legends if label not in KNOWN[name] | ADDED} == set()
