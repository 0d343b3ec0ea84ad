"""`nb|sb|weft|ic status` on a screen."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from weft.ctl.central.status import Seen, Status, server_of
from weft.ctl.screen import plain_table


def show_status(status: Status, console: Console) -> None:
    """A headline, what is wrong, and a line a member."""
    view, leader = status.view, status.leader
    word = "[red]needs attention[/]" if status.findings else "[green]well[/]"
    facts = [f"leader {escape(leader.host or leader.member.remote)}" if leader is not None else "[red]no leader[/]"]
    if view is not None:
        facts += [f"term {view.term}", f"{len(view.servers)} servers", f"election timer {view.election_timer} ms"]
    elif leader is not None and leader.member.model == "standalone":
        facts = ["not clustered: it is lost with its host"]
    console.print(f"{status.database.name}: {word}   {', '.join(facts)}", soft_wrap=True)
    for text in status.findings:
        console.print(f"  [red]-[/] {escape(text)}", soft_wrap=True)
    table = plain_table("HOST", "MEMBER", "SERVER", "ROLE", "INDEX", "HEARD")
    for one in status.seen:
        table.add_row(*_row(status, one))
    console.print(table)
    for one in status.seen:
        if one.unseen and not one.member.problem:
            console.print(f"[yellow]not known[/] {escape(one.unseen)}", soft_wrap=True)


def _row(status: Status, one: Seen) -> list[str]:
    member, server = one.member, server_of(status, one)
    if member.problem:
        role = f"[red]{escape(member.problem)}[/]"
    elif not member.connected:
        role = "[red]no quorum[/]"
    else:
        role = f"[green]{member.role}[/]" if member.role == "leader" else member.role
    behind = f" [yellow]({member.behind} behind)[/]" if member.behind else ""
    heard = "" if server is None or server.own or server.heard is None else f"{server.heard} ms ago"
    sid = one.cluster.sid if one.cluster is not None else ""
    index = f"{member.index}{behind}" if member.model == "clustered" else ""
    return [escape(one.host), escape(member.remote), sid, role, index, heard]
