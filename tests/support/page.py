"""The agent's page of metrics, as Prometheus reads it."""

from __future__ import annotations

import sys

from prometheus_client.parser import text_string_to_metric_families

from tests.support.agent import AgentHost
from tests.support.ovn import namespace_command, run

WHERE = "127.0.0.1:10665"
"""In the host's own namespace."""
FETCH = f"import urllib.request as r; print(r.urlopen('http://{WHERE}/metrics', timeout=20).read().decode())"
Page = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(agent: AgentHost) -> Page:
    """All samples of the page, by name and labels."""
    text = run(*namespace_command(agent.host.ns), sys.executable, "-c", FETCH)
    families = text_string_to_metric_families(text + "\n")
    return {(item.name, frozenset(item.labels.items())): item.value for family in families for item in family.samples}


def value(page: Page, name: str, **labels: str) -> float | None:
    """The value of the one sample of that name that has these labels."""
    found = [item for (key, have), item in page.items() if key == name and labels.items() <= dict(have).items()]
    assert len(found) <= 1, found
    return found[0] if found else None


def labels(page: Page, name: str) -> list[dict[str, str]]:
    return [dict(have) for key, have in page if key == name]
