"""`status` on a screen: what is wrong first and in red, what is well in as few lines as it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from weft.ctl.members import Member
from weft.ctl.printing import duration
from weft.ctl.status import ADVICE, Host, Kind, Report

SHOWN = 8
"""How many objects that are not ready are named, of each kind."""


def console_for(stream: TextIO) -> Console:
    """A console; a pipe gets lines as long as they are."""
    return Console(file=stream, highlight=False, emoji=False, width=None if stream.isatty() else 240)


def show(report: Report, console: Console) -> None:
    """Print the report."""
    for line in _headline(report):
        console.print(line, soft_wrap=True)
    for line in (*_alarms(report), *_objects(report)):
        console.print(line, soft_wrap=True)
    if report.hosts:
        console.print(_hosts(report.hosts))
        for line in _host_problems(report.hosts):
            console.print(line, soft_wrap=True)
    console.print(_databases(report))


def _headline(report: Report) -> Iterator[str]:
    if report.unreachable:
        yield f"[red]{escape(report.unreachable)}[/]"
        return
    fabric = report.fabric
    if not fabric:
        return
    word = "[red]PAUSED[/]" if fabric["paused"] else "[green]well[/]" if report.healthy else "[red]needs attention[/]"
    leader = escape(fabric["leader"]) or "[red]none yet[/]"
    yield f"fabric {fabric['uid']}: {word}   leader {leader}, epoch {fabric['epoch']}"
    if fabric["paused"]:
        yield f"  paused: {escape(fabric['pause_reason'] or 'no reason given')}; go on with: weftctl resume"


def _alarms(report: Report) -> Iterator[str]:
    for key, text in report.alarms.items():
        yield f"[red]alarm[/] {escape(key)}: {escape(text)}"
        if advice := ADVICE.get(key.partition("/")[0]):
            yield f"      [dim]what to do: {escape(advice)}[/]"
    for name, text in report.full.items():
        yield f"[yellow]nearly full[/] {escape(name)}: {escape(text)}"
    if report.uneven:
        why = "large packets from the wide to the narrow are lost, unless subnets choose an MTU for all"
        yield f"[yellow]MTU below tunnels differs[/] {escape(report.uneven)}: {why}"


def _objects(report: Report) -> Iterator[str]:
    if not report.kinds:
        return
    yield "objects " + ", ".join(_count(name, kind) for name, kind in report.kinds.items())
    for kind in report.kinds.values():
        for ref, why in list(kind.not_ready.items())[:SHOWN]:
            yield f"  [red]{escape(ref)}[/] {escape(why)}"
        if (more := len(kind.not_ready) - SHOWN) > 0:
            yield f"  [dim]and {more} more[/]"


def _count(name: str, kind: Kind) -> str:
    text = f"{kind.total} {name}"
    return f"{text} [red]({len(kind.not_ready)} not ready)[/]" if kind.not_ready else text


def plain_table(*headings: str) -> Table:
    """No lines, and only long texts wrapped."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, no_wrap=heading not in ("VERSIONS", "PROBLEMS"), overflow="fold")
    return table


def _hosts(hosts: Iterable[Host]) -> Table:
    table = plain_table("HOST", "READY", "SEEN", "TUNNELS", "VERSIONS", "PROBLEMS")
    for host in hosts:
        table.add_row(
            escape(host.name),
            "[green]yes[/]" if host.ready else "[red]no[/]",
            f"[red]{duration(host.seen)} ago[/]" if host.silent else f"{duration(host.seen)} ago",
            escape(host.encap),
            escape(" ".join(f"{name} {version}" for name, version in sorted(host.versions.items()))),
            f"[red]{len(host.problems)}[/]" if host.problems else "none",
        )
    return table


def _host_problems(hosts: Iterable[Host]) -> Iterator[str]:
    for host in hosts:
        for name, text in sorted(host.problems.items()):
            yield f"  [red]{escape(host.name)}[/] {escape(name)}: {escape(text)}"


def _databases(report: Report) -> Table:
    table = plain_table("DATABASE", "MEMBER", "ROLE", "INDEX")
    for name, members in (*report.databases.items(), *report.relays.items()):
        for member in members:
            table.add_row(name, escape(member.remote), _role(member), _index(member))
    return table


def _role(member: Member) -> str:
    if member.problem:
        return f"[red]{escape(member.problem)}[/]"
    if not member.connected:
        return "[red]no member answers it[/]" if member.model == "relay" else "[red]no quorum[/]"
    return f"[green]{member.role}[/]" if member.role == "leader" else member.role


def _index(member: Member) -> str:
    if member.problem or member.model != "clustered":
        return ""
    return f"{member.index} [yellow]({member.behind} behind)[/]" if member.behind else str(member.index)
