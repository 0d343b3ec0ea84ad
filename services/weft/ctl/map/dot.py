"""The map for Graphviz: a cluster for each VPC, its router in the middle, peerings as edges."""

from __future__ import annotations

import json
from collections.abc import Iterator

from weft.ctl.map import words
from weft.ctl.map.model import Map, SubnetMap, VpcMap
from weft.ctl.map.palette import colour_of


def to_dot(drawn: Map) -> str:
    """The text of a graph."""
    lines = ["graph fabric {", '  graph [fontname="sans-serif", compound=true, rankdir=TB];']
    lines.append('  node [fontname="sans-serif", shape=box, style="rounded,filled", fillcolor=white];')
    lines.append('  edge [fontname="sans-serif"];')
    for index, vpc in enumerate(drawn.vpcs):
        lines += _vpc(vpc, index)
    for subnet in drawn.elsewhere:
        lines += _subnet(subnet, "elsewhere", "#6b7280")
    shown = {vpc.name for vpc in drawn.vpcs}
    for peering in drawn.peerings:
        one, other = peering.ends
        lines += [f"  {_id('vpc', end.vpc)} [label={_text(end.vpc)}];" for end in peering.ends if end.vpc not in shown]
        style = "bold" if peering.complete else "dashed"
        ends = f"taillabel={_text(one.address)}, headlabel={_text(other.address)}"
        lines.append(f"  {_id('vpc', one.vpc)} -- {_id('vpc', other.vpc)} [style={style}, {ends}];")
    return "\n".join([*lines, "}"])


def _vpc(vpc: VpcMap, index: int) -> Iterator[str]:
    colour = colour_of(index)
    router = _id("vpc", vpc.name)
    yield f"  subgraph {_id('cluster', vpc.name)} {{"
    yield f'    label={_text(vpc.name)}; color="{colour.line}"; bgcolor="{colour.tint}";'
    about = [vpc.name, *vpc.routes, *vpc.policies, *map(words.gateway, vpc.gateways)]
    yield f'    {router} [label={_text(*about)}, color="{colour.line}"];'
    for subnet in vpc.subnets:
        yield from _subnet(subnet, vpc.name, colour.line)
        yield f"    {router} -- {_id('subnet', subnet.name)};"
    if vpc.hidden_subnets:
        yield f"    {_id('more', vpc.name)} [label={_text(words.more(vpc.hidden_subnets, 'subnet'))}, shape=plaintext];"
    yield "  }"


def _subnet(subnet: SubnetMap, vpc: str, colour: str) -> Iterator[str]:
    about = [subnet.name, *subnet.cidrs, *subnet.traits, *map(words.usage, subnet.usage)]
    about += ["  ".join(part for part in words.port(port) if part) for port in subnet.ports]
    about.append(words.hidden_ports(subnet))
    yield f'    {_id("subnet", subnet.name)} [label={_text(*about)}, color="{colour}", tooltip={_text(vpc)}];'


def _id(kind: str, name: str) -> str:
    return _text(f"{kind}_{name}")


def _text(*lines: str) -> str:
    r"""A quoted string; in Graphviz's, as in JSON's, `\n` begins a new line."""
    return json.dumps("\n".join(line for line in lines if line), ensure_ascii=False)
