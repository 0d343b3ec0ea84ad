"""The map as SVG: one file that needs nothing else, for docs and tickets. Whatever is cut short is whole on hover."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from weft.ctl.map import words
from weft.ctl.map.layout import HEADER, LINE, MARGIN, NAME, PAD, USAGE, Card, Group, Lane, Layout, Line, arrange
from weft.ctl.map.model import Map, Port, Usage

_STYLE = """
text { font: 12px "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif; fill: #1f2933; }
.mono { font-family: ui-monospace, "Cascadia Mono", Menlo, "DejaVu Sans Mono", monospace; font-size: 11px; }
.title { font-size: 15px; font-weight: bold; fill: #fff; }
.on { fill: #fff; } .end { text-anchor: end; } .middle { text-anchor: middle; }
.name { font-size: 13px; font-weight: bold; } .quiet { fill: #5c6570; } .small { font-size: 10px; }
.card { fill: #fff; stroke: #cbd2d9; } .bar { fill: #e4e7eb; } .full { fill: #c0262d; }
.rule { stroke: #e4e7eb; } .lane { fill: none; stroke-width: 2; } .open { stroke-dasharray: 5 4; }
"""
_SANS, _MONO = 6.9, 6.65
"""Pixels a character of the two fonts, at their usual size; rather too many than too few."""
_NEARLY_FULL = 0.9


def to_svg(drawn: Map) -> str:
    """The text of an SVG document."""
    layout = arrange(drawn)
    size = f'viewBox="0 0 {layout.width} {layout.height}" width="{layout.width}" height="{layout.height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="Map of the fabric">',
        f"<style>{_STYLE}</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        _text(MARGIN, MARGIN + 16, _heading(drawn), "name"),
        *(part for group in layout.groups for part in _group(group, layout)),
        *(part for lane in layout.lanes for part in _lane(lane)),
    ]
    return "\n".join([*parts, "</svg>"])


def _heading(drawn: Map) -> str:
    subnets = [subnet for vpc in drawn.vpcs for subnet in vpc.subnets]
    count = len(subnets) + sum(vpc.hidden_subnets for vpc in drawn.vpcs)
    ports = sum(len(subnet.ports) + subnet.hidden_ports for subnet in subnets)
    where = "ports" if count == len(subnets) else "ports in those shown"
    parts = [
        f"{len(drawn.vpcs)} VPC{'' if len(drawn.vpcs) == 1 else 's'}",
        f"{words.number(count)} subnets",
        f"{words.number(ports)} {where}",
    ]
    return " · ".join([*parts, f"{words.number(len(drawn.waiting))} waiting for addresses"] if drawn.waiting else parts)


def _lane(lane: Lane) -> Iterator[str]:
    path = f"M{lane.start} {lane.top} H{lane.x - 6} q6 0 6 6 V{lane.bottom - 6} q0 6 -6 6 H{lane.start}"
    kind = "lane" if lane.complete else "lane open"
    yield f'<path class="{kind}" stroke="{lane.colour.line}" d="{path}"/>'
    for y in (lane.top, lane.bottom):
        yield f'<circle cx="{lane.start}" cy="{y}" r="4" fill="{lane.colour.line}"/>'


def _group(group: Group, layout: Layout) -> Iterator[str]:
    yield from _frame(group)
    joined = {y for lane in layout.lanes for y in (lane.top, lane.bottom)}
    for line in group.lines:
        yield from _line(line, group, joined=line.y in joined)
    for card in group.cards:
        yield from _card(card, group.colour.line)
    if group.more:
        yield _text(group.box.x + PAD, group.box.bottom - PAD // 2, group.more, "quiet")


def _frame(group: Group) -> Iterator[str]:
    box, colour = group.box, group.colour
    yield (
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="10" '
        f'fill="{colour.tint}" stroke="{colour.line}" stroke-width="1.5"/>'
    )
    yield (
        f'<path fill="{colour.line}" d="M{box.x} {box.y + HEADER} v{10 - HEADER} q0 -10 10 -10 h{box.width - 20} '
        f'q10 0 10 10 v{HEADER - 10} z"/>'
    )
    title = _cut(group.title, 40)
    yield _text(box.x + PAD, box.y + 25, title, "title", group.title)
    room = int((box.width - 2 * PAD - len(title) * 10) / _SANS)
    yield _text(box.right - PAD, box.y + 25, _cut(group.about, room), "on end", group.about)


def _line(line: Line, group: Group, *, joined: bool) -> Iterator[str]:
    """One line of the router; a peering that is `joined` goes on to the edge, where its lane begins."""
    left, right, colour = group.box.x + PAD, group.box.right - PAD, group.colour.line
    yield f'<rect x="{left}" y="{line.y - 9}" width="62" height="18" rx="9" fill="#fff" stroke="{colour}"/>'
    yield _text(left + 31, line.y + 4, line.sort, "middle small")
    text = _cut(line.text, int((right - left - 74) / _MONO))
    yield _text(left + 74, line.y + 4, text, "mono", line.text)
    start = left + 84 + len(text) * _MONO
    if joined and start < right:
        path = f"M{start:.0f} {line.y} H{group.box.right}"
        yield f'<path class="lane" stroke="{colour}" stroke-opacity=".35" d="{path}"/>'


def _card(card: Card, colour: str) -> Iterator[str]:
    box, subnet = card.box, card.subnet
    left, right = box.x + 14, box.right - 14
    yield f'<rect class="card" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="7"/>'
    traits = " · ".join(subnet.traits)
    room = int((right - left) / 8.2 - len(traits))
    yield _text(left, box.y + 23, _cut(subnet.name, room), "name", subnet.name)
    if traits:
        yield _text(right, box.y + 23, traits, "quiet small end")
    y = box.y + NAME + LINE - 5
    for index, cidr in enumerate(subnet.cidrs or ("no addresses",)):
        yield _text(left, y, cidr, "mono")
        if index < len(subnet.gateways):
            yield _text(right, y, f"gw {subnet.gateways[index]}", "mono quiet end")
        y += LINE
    if subnet.namespaces:
        names = "for " + ", ".join(subnet.namespaces)
        yield _text(left, y, _cut(names, int((right - left) / _SANS)), "quiet", names)
        y += LINE
    for usage in subnet.usage:
        yield from _bar(usage, left, right, y, colour)
        y += USAGE
    if subnet.ports or subnet.hidden_ports:
        yield f'<path class="rule" d="M{left} {y - 9} H{right}"/>'
        yield from _ports(card, y + PAD // 2, colour)


def _bar(usage: Usage, left: int, right: int, y: int, colour: str) -> Iterator[str]:
    width = right - left
    share = max(usage.share * width, 2 if usage.used else 0)
    fill = 'class="full"' if usage.share >= _NEARLY_FULL else f'fill="{colour}"'
    yield _text(left, y, f"IPv{usage.family}", "quiet small")
    yield _text(right, y, f"{words.number(usage.used)} used, {words.number(usage.available)} free", "small end")
    yield f'<rect class="bar" x="{left}" y="{y + 4}" width="{width}" height="4" rx="2"/>'
    yield f'<rect {fill} x="{left}" y="{y + 4}" width="{share:.1f}" height="4" rx="2"/>'


def _ports(card: Card, y: int, colour: str) -> Iterator[str]:
    left = card.box.x + 14
    for port in card.subnet.ports:
        yield f'<circle cx="{left + 3}" cy="{y - 4}" r="3" fill="{colour}"/>'
        yield from _port(port, left + 12, card.box.right - 14, y)
        y += LINE * max(len(port.addresses), 1)
    if text := words.hidden_ports(card.subnet):
        yield _text(left, y, text, "quiet")


def _port(port: Port, left: int, right: int, y: int) -> Iterator[str]:
    """Its name and host at the left, its addresses at the right, one below the other."""
    name, _, host = words.port(port)
    addresses = port.addresses or (port.mac,)
    room = int((right - left - len(addresses[0]) * _MONO - 8) / _SANS)
    beside = bool(host) and len(addresses) == 1 and len(name) + len(host) + 2 <= room
    whole = " ".join([port.owner, *addresses, port.mac if port.addresses else "", host]).strip()
    yield _text(left, y, _cut(name, room), "", whole)
    if host and (beside or len(addresses) > 1):
        x, below = (left + len(name) * _SANS + 8, 0) if beside else (left, LINE - 2)
        yield _text(x, y + below, host, "quiet small")
    for index, address in enumerate(addresses):
        yield _text(right, y + index * LINE, address, "mono end")


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(room - 1, 1)] + "…"


def _text(x: float, y: float, text: str, kind: str = "", whole: str = "") -> str:
    """Text at a place; `whole` is shown on hover."""
    title = f"<title>{escape(whole)}</title>" if whole and whole != text else ""
    mark = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{mark}>{title}{escape(text)}</text>'
