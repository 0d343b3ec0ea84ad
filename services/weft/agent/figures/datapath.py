"""Datapaths, as `dpctl/show` of ovs-vswitchd tells (ovs-dpctl(8)); masks only the kernel's has."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from weft.agent.figures.family import Figure, Sample

_ONE = ("datapath",)
TOTAL = Figure("kube_ovn_dp_total", "Datapaths of the host")
DATAPATH = Figure("kube_ovn_datapath", "Always 1: a datapath", ("datapath", "type"))
PORT = Figure("kube_ovn_dp_if", "Always 1: a port of a datapath", ("datapath", "port", "type", "ofPort"))
PORTS = Figure("kube_ovn_dp_if_total", "Ports of a datapath", _ONE)
FLOWS = Figure("kube_ovn_dp_flows_total", "Flows in a datapath", _ONE)
HIT = Figure("kube_ovn_dp_flows_lookup_hit", "Packets that matched a flow of the datapath", _ONE)
MISSED = Figure("kube_ovn_dp_flows_lookup_missed", "Packets that matched none and went to ovs-vswitchd", _ONE)
LOST = Figure("kube_ovn_dp_flows_lookup_lost", "Packets lost on the way to ovs-vswitchd", _ONE)
MASKS_HIT = Figure("kube_ovn_dp_masks_hit", "Masks looked at for all packets", _ONE)
MASKS = Figure("kube_ovn_dp_masks_total", "Masks of a datapath", _ONE)
RATIO = Figure("kube_ovn_dp_masks_hit_ratio", "Masks looked at for a packet, on average", _ONE)
FIGURES: Final = (TOTAL, DATAPATH, PORT, PORTS, FLOWS, HIT, MISSED, LOST, MASKS_HIT, MASKS, RATIO)

_COUNTS: Final = {
    ("lookups", "hit"): HIT, ("lookups", "missed"): MISSED, ("lookups", "lost"): LOST,
    ("masks", "hit"): MASKS_HIT, ("masks", "total"): MASKS, ("masks", "hit/pkt"): RATIO,
}  # fmt: skip
_PORT: Final = re.compile(r"port (\d+): (\S+)(?: \((\w+))?")


def datapaths(ask: Callable[..., str]) -> Iterator[Sample]:
    """All of them; `ask` puts a command to ovs-vswitchd."""
    names = ask("dpctl/dump-dps").split()
    yield Sample(TOTAL, len(names))
    for full in names:
        kind, _, name = full.rpartition("@")
        yield Sample(DATAPATH, 1, (name, kind))
        yield from parse(name, ask("dpctl/show", full))


def parse(name: str, text: str) -> Iterator[Sample]:
    """The figures of one datapath in what `dpctl/show` printed."""
    ports = 0
    for line in map(str.strip, text.splitlines()):
        word, _, rest = line.partition(":")
        if match := _PORT.match(line):
            ports += 1
            yield Sample(PORT, 1, (name, match[2], match[3] or "system", match[1]))
        elif word == "flows":
            yield Sample(FLOWS, float(rest), (name,))
        elif word in ("lookups", "masks"):
            yield from _counts(name, word, rest)
    yield Sample(PORTS, ports, (name,))


def _counts(name: str, word: str, text: str) -> Iterator[Sample]:
    for item in text.split():
        key, _, value = item.rpartition(":")
        if figure := _COUNTS.get((word, key)):
            yield Sample(figure, float(value), (name,))
