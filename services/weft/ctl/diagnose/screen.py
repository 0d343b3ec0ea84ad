"""Findings on a screen: a table, what is wrong first, each with why and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from weft.ctl.diagnose.finding import Finding, State
from weft.ctl.screen import plain_table

_COLOURS = {State.ok: "green", State.warning: "yellow", State.failed: "red", State.unknown: "yellow"}
_ORDER = (State.failed, State.unknown, State.warning, State.ok)


def show_findings(findings: Sequence[Finding], console: Console, *, all_of_them: bool = True) -> None:
    """Print the table; without `all_of_them` what is well is only counted."""
    table = plain_table("STATE", "SUBJECT", "CHECK", "FINDING")
    ordered = sorted(findings, key=lambda finding: _ORDER.index(finding.state))
    for finding in ordered:
        if finding.state is not State.ok or all_of_them:
            state = f"[{_COLOURS[finding.state]}]{finding.state}[/]"
            table.add_row(state, escape(finding.subject), escape(finding.check), escape(finding.found))
    if table.row_count:
        console.print(table)
    for finding in ordered:
        if finding.state is not State.ok:
            console.print(f"[{_COLOURS[finding.state]}]-[/] {escape(finding.subject)} {escape(finding.check)}: "
                          f"{escape(finding.reason or finding.found)}", soft_wrap=True)  # fmt: skip
            if finding.advice:
                console.print(f"    [dim]what to do: {escape(finding.advice)}[/]", soft_wrap=True)
    counts = ", ".join(f"{sum(f.state is state for f in findings)} {state}" for state in _ORDER)
    console.print(f"{len(findings)} checks: {counts}")
