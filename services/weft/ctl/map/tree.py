"""The map on a terminal: a tree."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from weft.ctl.map import words
from weft.ctl.map.model import Map, Peering, SubnetMap, VpcMap

_FULL = 0.9
"""Share of addresses in use from which on a subnet is marked."""


def show(drawn: Map, console: Console) -> None:
    """Print a tree for each VPC, and what is in none."""
    for vpc in drawn.vpcs:
        console.print(_vpc(vpc, drawn.peerings), soft_wrap=True)
    if drawn.elsewhere:
        tree = Tree("[bold]not OVN's[/] [dim]only the addresses are ours[/]")
        _add_subnets(tree, drawn.elsewhere, 0)
        console.print(tree, soft_wrap=True)
    for owner, why in drawn.waiting.items():
        console.print(f"[red]waits[/] {escape(owner)}: {escape(why)}", soft_wrap=True)


def _vpc(vpc: VpcMap, peerings: tuple[Peering, ...]) -> Tree:
    tree = Tree(f"[bold cyan]{escape(vpc.name)}[/] [dim]{escape(words.vpc(vpc))}[/]")
    for line in _router(vpc, peerings):
        tree.add(line)
    _add_subnets(tree, vpc.subnets, vpc.hidden_subnets)
    return tree


def _router(vpc: VpcMap, peerings: tuple[Peering, ...]) -> Iterator[str]:
    yield from (f"[magenta]route[/] {escape(route)}" for route in vpc.routes)
    yield from (f"[magenta]policy[/] {escape(policy)}" for policy in vpc.policies)
    for peering in peerings:
        if vpc.name in {end.vpc for end in peering.ends}:
            colour = "magenta" if peering.complete else "red"
            yield f"[{colour}]peering[/] {escape(words.peering(peering, vpc.name))}"
    yield from (f"[magenta]gateway[/] {escape(words.gateway(gateway))}" for gateway in vpc.gateways)


def _add_subnets(tree: Tree, subnets: tuple[SubnetMap, ...], hidden: int) -> None:
    for subnet in subnets:
        branch = tree.add(_subnet(subnet))
        for name, addresses, host in map(words.port, subnet.ports):
            at = f" [dim]on[/] {escape(host)}" if host else ""
            branch.add(f"{escape(name)} [green]{escape(addresses)}[/]{at}")
        if text := words.hidden_ports(subnet):
            branch.add(f"[dim]{text}[/]")
    if hidden:
        tree.add(f"[dim]{words.more(hidden, 'subnet')}[/]")


def _subnet(subnet: SubnetMap) -> str:
    parts = [f"[bold]{escape(subnet.name)}[/]", f"[green]{', '.join(subnet.cidrs) or 'no addresses'}[/]"]
    if subnet.gateways:
        parts.append(f"[dim]gateway {', '.join(subnet.gateways)}[/]")
    parts += [f"[yellow]{escape(trait)}[/]" for trait in subnet.traits]
    if subnet.namespaces:
        parts.append(f"[dim]for {escape(', '.join(subnet.namespaces))}[/]")
    parts += [f"[{'red' if item.share >= _FULL else 'dim'}]{words.usage(item)}[/]" for item in subnet.usage]
    return "  ".join(parts)
