"""The map as one page of HTML: the picture, and below it everything as tables, to be searched and copied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from weft.ctl.map import words
from weft.ctl.map.model import Map, SubnetMap, VpcMap
from weft.ctl.map.svg import to_svg

_STYLE = """
body { font: 14px "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif; color: #1f2933; margin: 1.5rem; }
svg { max-width: 100%; height: auto; } summary { font-weight: bold; padding: .4rem 0; cursor: pointer; }
table { border-collapse: collapse; margin: 0 0 1rem; } th, td { text-align: left; padding: .2rem 1.2rem .2rem 0; }
th { border-bottom: 1px solid #cbd2d9; } td { border-bottom: 1px solid #e4e7eb; font-variant-numeric: tabular-nums; }
"""


def to_html(drawn: Map) -> str:
    """The text of a page that needs nothing else."""
    return "\n".join(
        [
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Map of the fabric</title>',
            f"<style>{_STYLE}</style></head><body>",
            to_svg(drawn),
            *(part for vpc in drawn.vpcs for part in _vpc(vpc, drawn)),
            *_details("not OVN's", [_subnets(drawn.elsewhere)] if drawn.elsewhere else []),
            *_details("waiting", [_table(("Who", "Why"), drawn.waiting.items())] if drawn.waiting else []),
            "</body></html>",
        ]
    )


def _vpc(vpc: VpcMap, drawn: Map) -> Iterator[str]:
    told = [
        *(("route", route) for route in vpc.routes),
        *(("policy", policy) for policy in vpc.policies),
        *(("gateway", words.gateway(gateway)) for gateway in vpc.gateways),
    ]
    mine = (peering for peering in drawn.peerings if vpc.name in {end.vpc for end in peering.ends})
    told += [("peering", words.peering(peering, vpc.name)) for peering in mine]
    parts = [_table(("Router", ""), told)] if told else []
    yield from _details(f"VPC {vpc.name}", [*parts, _subnets(vpc.subnets)])


def _details(title: str, parts: Sequence[str]) -> Iterator[str]:
    if parts:
        yield f"<details><summary>{escape(title)}</summary>"
        yield from parts
        yield "</details>"


def _subnets(subnets: Iterable[SubnetMap]) -> str:
    rows = [row for subnet in subnets for row in _rows(subnet)]
    return _table(("Subnet", "CIDR", "Gateway", "In use", "Port", "Addresses", "MAC", "Host"), rows)


def _rows(subnet: SubnetMap) -> Iterator[tuple[str, ...]]:
    usage = "; ".join(map(words.usage, subnet.usage))
    about = (subnet.name, ", ".join(subnet.cidrs), ", ".join(subnet.gateways), usage)
    yield (*about, words.hidden_ports(subnet), "", "", "")
    for port in subnet.ports:
        yield (subnet.name, "", "", "", port.owner, ", ".join(port.addresses), port.mac, port.host)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
