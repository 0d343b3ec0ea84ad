"""What ovn-trace(8) printed, as steps. Pure.

A packet that is not delivered often ends without the word `drop`: what counts is whether it was put out to a port, and
else the last table that it was seen in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SECTION = re.compile(r'^\s*(ingress|egress)\(dp="([^"]*)", inport="([^"]*)"(?:, outport="([^"]*)")?\)')
_FLOW = re.compile(r"^\s*(\d+)\. (\S+) \((\S+?)\): (.*), priority (\d+), uuid ([0-9a-f]{8})$")
_NO_MATCH = re.compile(r"^\s*(\d+)\. (\S+?)(?: \(.*?\))?: no match")
_OUTPUT = re.compile(r'/\* output to "([^"]*)", type "([^"]*)" \*/')
_ASKS = ("arp {", "nd_ns {")
PATCHES = ("patch", "l3gateway", "router")
"""Types of ports by which a packet only goes on."""


@dataclass(slots=True)
class Step:
    """A logical flow that the packet met, and what it did."""

    pipeline: str
    datapath: str
    table: int
    stage: str
    match: str
    priority: int
    uuid: str
    actions: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Visit:
    """A pass through one datapath's ingress or egress."""

    pipeline: str
    datapath: str
    inport: str
    outport: str


@dataclass(slots=True)
class Logical:
    """All of a trace."""

    steps: list[Step] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    outputs: list[tuple[str, str]] = field(default_factory=list)
    """Ports that it was put out to at the end, with their types."""
    asks: bool = False
    """Whether a router had to ask for the MAC address of the next hop."""

    @property
    def last(self) -> Step | None:
        return self.steps[-1] if self.steps else None


def parse_logical(text: str) -> Logical:
    """Read a detailed trace."""
    trace = Logical()
    for line in text.splitlines():
        if trace.asks:
            break  # what follows is about the question, which goes to all, and not about the packet
        if found := _SECTION.match(line):
            trace.visits.append(Visit(found[1], found[2], found[3], found[4] or ""))
        elif found := _FLOW.match(line):
            trace.steps.append(_step(trace, int(found[1]), found[2], found[4], int(found[5]), found[6]))
        elif found := _NO_MATCH.match(line):
            trace.steps.append(_step(trace, int(found[1]), found[2], "no match", 0, ""))
        else:
            _action(trace, line.strip())
    return trace


def _step(trace: Logical, table: int, stage: str, match: str, priority: int, uuid: str) -> Step:
    visit = trace.visits[-1] if trace.visits else Visit("", "", "", "")
    return Step(visit.pipeline, visit.datapath, table, stage, match, priority, uuid)


def _action(trace: Logical, line: str) -> None:
    if found := _OUTPUT.search(line):
        if found[2] not in PATCHES:
            trace.outputs.append((found[1], found[2]))
    elif line and trace.steps and not line.startswith(("---", "#", "ct_next")):
        trace.steps[-1].actions.append(line)
        trace.asks = trace.asks or line.startswith(_ASKS)
