"""`node` on a screen: one host with all of it, or a line a host. What is wrong comes first, in red, with what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape

from weft.ctl.host_advice import advice
from weft.ctl.node import Node
from weft.ctl.node_reading import SHOWN
from weft.ctl.printing import duration
from weft.ctl.screen import plain_table

FEW = 3
_SOON = 30 * 86400


def show_nodes(nodes: Sequence[Node], console: Console) -> None:
    """A line a host."""
    grid = plain_table("HOST", "STATE", "SEEN", "TUNNELS", "MTU", "PORTS", "WAITING", "PROBLEMS")
    for node in nodes:
        grid.add_row(
            escape(node.name), f"{_state(node)} {_since(node)}", f"{duration(node.seen)} ago",
            escape(f"{node.encap_type} {node.encap_ip}".strip()) or "none", str(node.mtu or ""),
            str(node.ports), f"[yellow]{len(node.waiting)}[/]" if node.waiting else "none", _problems(node),
        )  # fmt: skip
    console.print(grid)
    for text in dict.fromkeys(text for node in nodes for text in node.away):
        console.print(f"[yellow]not known[/] {escape(text)}", soft_wrap=True)


def _problems(node: Node) -> str:
    """Names of the first few; `weftctl node NAME` has the words."""
    names = [name for name, _ in node.troubles()] + list(node.problems)
    if not names:
        return "none"
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return f"[red]{escape(', '.join(names[:FEW]))}[/]{more}"


def show_node(node: Node, console: Console) -> None:
    """One host."""
    since = _since(node)
    about = f" for {since}" if since else ""
    console.print(f"{escape(node.name)}: {_state(node)}{about}, seen {duration(node.seen)} ago", soft_wrap=True)
    for line in _wrong(node):
        console.print(line, soft_wrap=True)
    for title, text in _facts(node):
        console.print(f"  {title:<11}  {text}", soft_wrap=True)
    for line in _waiting(node):
        console.print(line, soft_wrap=True)


def _state(node: Node) -> str:
    return f"[green]{node.state}[/]" if node.well else f"[red]{node.state}[/]"


def _since(node: Node) -> str:
    """How long it has been ready or not, as far as its agent can know."""
    if node.silent:
        return duration(node.seen) if node.last_seen else ""
    return duration(node.now - node.ready_since) if node.ready_since else ""


def _wrong(node: Node) -> Iterator[str]:
    for name, text in (*node.troubles(), *node.problems.items()):
        yield f"  [red]-[/] {escape(name)}: {escape(text)}"
        if hint := advice(name):
            yield f"    [dim]what to do: {escape(hint)}[/]"
    for text in node.away:
        yield f"  [yellow]- not known:[/] {escape(text)}"


def _facts(node: Node) -> Iterator[tuple[str, str]]:
    yield "versions", escape("  ".join(f"{name} {version}" for name, version in node.versions.items())) or "unknown"
    yield "addresses", escape(" ".join(node.addresses)) or "none"
    yield "tunnels", escape(f"{', '.join(node.tunnels)}, MTU {node.mtu}") if node.tunnels else "none"
    if node.networks:
        yield "networks", escape("  ".join(f"{name} {address}" for name, address in node.networks.items()))
    yield "datapath", node.datapath_type or "none"
    yield "join", escape(" ".join(node.join)) or "none"
    yield "chassis", _chassis(node)
    yield "ports", f"{node.ports}" + (f", [yellow]{len(node.waiting)} waiting[/]" if node.waiting else "")
    yield "gateways", escape("; ".join(node.gateways)) or "none"
    if node.certificate_expires:
        yield "certificate", _certificate(node)


def _chassis(node: Node) -> str:
    if not node.southbound:
        return "not known"
    if node.chassis is None:
        return "[red]not registered[/]"
    text = f"registered, ports bound: {node.chassis.bound}"
    if node.chassis.strangers:
        text += f", of which not Weft's or not of this host: {escape(_some(node.chassis.strangers))}"
    return text


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _certificate(node: Node) -> str:
    left = node.certificate_expires - node.now
    day = datetime.fromtimestamp(node.certificate_expires, UTC).strftime("%Y-%m-%d %H:%M UTC")
    text = f"until {day}, {duration(left)} left" if left > 0 else f"expired on {day}"
    return f"[red]{text}[/]" if left < _SOON else text


def _waiting(node: Node) -> Iterable[str]:
    for name, text in list(node.waiting.items())[:SHOWN]:
        yield f"  [yellow]waiting[/] {escape(name)} {escape(text)}"
    if (more := len(node.waiting) - SHOWN) > 0:
        yield f"  [dim]and {more} more[/]"
