"""Where everything is in a picture: boxes in pixels from the upper left corner. Pure, and no word of SVG.

VPCs are one below the other, all of one width; in each are the lines of its router, and then its subnets as cards in
rows, the cards of a row of one height. Peerings run outside, at the right, each in a lane of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from weft.ctl.map import words
from weft.ctl.map.model import Map, Peering, Port, SubnetMap, VpcMap
from weft.ctl.map.palette import GREY, Colour, colour_of

CARD, GAP, PAD, MARGIN = 330, 14, 18, 24
HEADER, LINE, LANE = 40, 19, 16
NAME, USAGE = 34, 24
FEWEST_COLUMNS, MOST_COLUMNS = 2, 3
ABOVE, BELOW = 38, 12
"""Room for the heading; room at the end of a card."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Line:
    """What the router has: a route, a policy, a peering, a gateway. `y` is its middle."""

    y: int
    sort: str
    text: str
    peering: Peering | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """A subnet in its VPC."""

    box: Box
    subnet: SubnetMap


@dataclass(frozen=True, slots=True)
class Group:
    """A VPC, or what is in none."""

    box: Box
    title: str
    about: str
    colour: Colour
    lines: tuple[Line, ...]
    cards: tuple[Card, ...]
    more: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A peering outside the boxes: out at `start`, along `x`, and in again."""

    x: int
    start: int
    top: int
    bottom: int
    complete: bool
    colour: Colour


@dataclass(frozen=True, slots=True)
class Layout:
    """The whole picture, its groups from the top to the bottom."""

    width: int
    height: int
    groups: tuple[Group, ...]
    lanes: tuple[Lane, ...]


def arrange(drawn: Map) -> Layout:
    """Give everything its place."""
    vpcs = drawn.vpcs
    widest = max((len(subnets) for subnets in (*(vpc.subnets for vpc in vpcs), drawn.elsewhere)), default=0)
    columns = min(max(widest, FEWEST_COLUMNS), MOST_COLUMNS)
    groups: list[Group] = []
    y = MARGIN + ABOVE
    for index, vpc in enumerate(vpcs):
        lines = tuple(_lines(vpc, drawn.peerings, y + HEADER + PAD))
        more = words.more(vpc.hidden_subnets, "subnet")
        heading = vpc.name, words.vpc(vpc)
        groups.append(_group(heading, colour_of(index), lines, (vpc.subnets, more), y, columns))
        y = groups[-1].box.bottom + GAP * 2
    if drawn.elsewhere:
        heading = "not OVN's", "only the addresses are ours"
        groups.append(_group(heading, GREY, (), (drawn.elsewhere, ""), y, columns))
        y = groups[-1].box.bottom + GAP * 2
    lanes = tuple(_lanes(drawn.peerings, groups))
    width = 2 * MARGIN + 2 * PAD + columns * (CARD + GAP) - GAP + (len(lanes) + 1) * LANE * bool(lanes)
    return Layout(width, y - GAP * 2 + MARGIN, tuple(groups), lanes)


def _lines(vpc: VpcMap, peerings: Sequence[Peering], top: int) -> Iterator[Line]:
    mine = [peering for peering in peerings if vpc.name in {end.vpc for end in peering.ends}]
    told: list[tuple[str, str, Peering | None]] = [
        *(("route", route, None) for route in vpc.routes),
        *(("policy", policy, None) for policy in vpc.policies),
        *(("gateway", words.gateway(gateway), None) for gateway in vpc.gateways),
        *(("peering", words.peering(peering, vpc.name), peering) for peering in mine),
    ]
    for index, (sort, text, peering) in enumerate(told):
        yield Line(top + index * (LINE + 4) + LINE // 2, sort, text, peering)


def _group(
    heading: tuple[str, str],
    colour: Colour,
    lines: tuple[Line, ...],
    content: tuple[tuple[SubnetMap, ...], str],
    top: int,
    columns: int,
) -> Group:
    subnets, more = content
    y = top + HEADER + PAD + len(lines) * (LINE + 4) + (PAD // 2 if lines else 0)
    cards: list[Card] = []
    for row in (subnets[start : start + columns] for start in range(0, len(subnets), columns)):
        height = max(map(card_height, row))
        for column, subnet in enumerate(row):
            cards.append(Card(Box(MARGIN + PAD + column * (CARD + GAP), y, CARD, height), subnet))
        y += height + GAP
    y += LINE if more else 0
    box = Box(MARGIN, top, 2 * PAD + columns * (CARD + GAP) - GAP, y - top + (PAD - GAP if cards else 0))
    return Group(box, *heading, colour, lines, tuple(cards), more)


def card_height(subnet: SubnetMap) -> int:
    """How much room a subnet needs."""
    plain = max(len(subnet.cidrs), 1) + bool(subnet.namespaces)
    ports = sum(map(port_lines, subnet.ports)) + bool(words.hidden_ports(subnet))
    return NAME + plain * LINE + len(subnet.usage) * USAGE + (ports * LINE + PAD // 2 if ports else 0) + BELOW


def port_lines(port: Port) -> int:
    """How many lines a port needs: one an address."""
    return max(len(port.addresses), 1)


def _lanes(peerings: Sequence[Peering], groups: Sequence[Group]) -> Iterator[Lane]:
    """Lanes beside each other, the short ones inside, so that few cross. One with an end outside the map has none."""
    right = max((group.box.right for group in groups), default=0)
    found: list[tuple[int, int, Colour, bool]] = []
    for peering in peerings:
        ends = [(line.y, group.colour) for group in groups for line in group.lines if line.peering is peering]
        if len(ends) == len(peering.ends):
            (top, colour), (bottom, _) = ends
            found.append((top, bottom, colour, peering.complete))
    for index, (top, bottom, colour, complete) in enumerate(sorted(found, key=lambda lane: lane[1] - lane[0]), 1):
        yield Lane(right + index * LANE, right, top, bottom, complete, colour)
