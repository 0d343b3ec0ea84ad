"""The table `inet weft_counters`: packets that went out of each subnet by this host, and those that came back.

A table of its own, since a counter's life is its table's and that of the packet filter is replaced at each change. This
one is changed instead: a counter stays as long as its network is there, whatever is written around it. Only a table
that others have changed beyond that is made anew.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from weft.agent.gateway.nftables import expected, listing, objects, remove, write
from weft.agent.gateway.plan import Network
from weft.agent.gateway.template import counter, render_counters

TABLE: Final = "weft_counters"
DIRECTIONS: Final = ("egress", "ingress")
_COUNTER: Final = re.compile(r"^\tcounter (\S+) \{", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Counted:
    """What went through this host of a network, out of the fabric (`egress`) or into it (`ingress`)."""

    network: Network
    direction: str
    packets: int
    octets: int


class Counters:
    """Keeps the table for some networks. Its functions block."""

    def __init__(self) -> None:
        self._text = ""
        self._expected: list[str] = []

    def keep(self, networks: Collection[Network]) -> None:
        """Have a counter for each direction of these networks and of no others. Raises NftError."""
        if not networks:
            if listing(TABLE) is not None:
                remove(TABLE)
            return
        text = render_counters(networks)
        if text != self._text:
            self._text, self._expected = text, _lines(expected(text, TABLE))
        present = listing(TABLE) or ""
        if _lines(present) == self._expected:
            return
        wanted = {counter(network, direction) for network in networks for direction in DIRECTIONS}
        gone = set(_COUNTER.findall(present)) - wanted
        write(text + "".join(f"delete counter inet {TABLE} {name}\n" for name in sorted(gone)))
        if _lines(listing(TABLE) or "") != self._expected:
            remove(TABLE)
            write(text)


def read(networks: Collection[Network]) -> Iterator[Counted]:
    """What was counted of these networks. Raises NftError."""
    found = [item["counter"] for item in objects("list", "counters", "table", "inet", TABLE) if "counter" in item]
    values = {item["name"]: item for item in found if item["table"] == TABLE}
    for network in networks:
        for direction in DIRECTIONS:
            if item := values.get(counter(network, direction)):
                yield Counted(network, direction, item["packets"], item["bytes"])


def _lines(text: str) -> list[str]:
    """Counters are listed in the order in which they were made, which says nothing."""
    return sorted(text.splitlines())
