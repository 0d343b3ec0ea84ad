"""Whom a host's problem concerns, and that advice is for problems that there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft.ctl.host_advice import ADVICE, advice, concerns

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(
    ("problem", "concerned"),
    [
        ("port/web.ns1", True), ("port/db.ns1", False), ("port/web.ns1.net1.ns1.ovn", False), ("shaping/web.ns1", True),
        ("ovn-controller", True), ("link/ovn0", True), ("tunnel/interface", True), ("gateway/blue", False),
        ("netns/vm1", False),
    ],
)  # fmt: skip
def test_what_a_port_may_wait_for(problem: str, concerned: bool) -> None:
    assert concerns(problem, "web.ns1") is concerned


@pytest.mark.parametrize("name", ADVICE)
def test_advice_is_for_documented_problems(name: str) -> None:
    tables = (DOCS / "agent.md").read_text() + (DOCS / "gateways.md").read_text()
    assert f"`{name}`" in tables or f"`{name}/" in tables
    assert advice(f"{name}/anything") == ADVICE[name] == advice(name)


def test_what_says_all_by_itself_has_no_advice() -> None:
    assert not advice("port/web.ns1")
