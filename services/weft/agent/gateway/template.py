"""A plan in nftables' language.

The template can print numbers, addresses, networks and words that stand in it, and nothing else: a text that came from
elsewhere is an error here, before nft could see it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from jinja2 import Environment, StrictUndefined, Template

from weft.agent.gateway.plan import Network, Plan, of_version

FILTER: Final = "packet_filter.nft.j2"
COUNTERS: Final = "counters.nft.j2"


class _Checked(str):
    """A text that may be printed."""

    __slots__ = ()


_WORDS: Final = {4: _Checked("ip"), 6: _Checked("ip6")}


@dataclass(frozen=True, slots=True)
class Family:
    """What the template needs of one family; `translated` has each network with the number of its subnet's chain."""

    version: int
    fabric: tuple[Network, ...]
    hosts: tuple[Network, ...]
    centralized: tuple[Network, ...]
    translated: tuple[tuple[Network, int], ...]


def render(plan: Plan) -> str:
    """The input of `nft -f`: removes the table, if it is there, and makes it."""
    return _template(FILTER).render(families=tuple(_families(plan)), subnets=plan.nat, words=_WORDS)


def render_counters(networks: Iterable[Network]) -> str:
    """The input of `nft -f`: has a counter for each of these, and keeps those that it has."""
    return _template(COUNTERS).render(networks=tuple(networks), words=_WORDS)


def counter(network: Network, direction: str) -> str:
    """A counter's name. Those of nft have no colons."""
    return _Checked(f"{direction}_{_printable(network)}".replace(":", "_"))


def _families(plan: Plan) -> Iterator[Family]:
    for version in (4, 6):
        translated = tuple(
            (network, number)
            for number, subnet in enumerate(plan.nat, 1)
            for network in of_version(subnet.networks, version)
        )
        fabric, hosts, centralized = (of_version(n, version) for n in (plan.fabric, plan.hosts, plan.centralized))
        yield Family(version, fabric, hosts, centralized, translated)


@cache
def _template(name: str) -> Template:
    environment = Environment(  # noqa: S701 - no markup, and what it prints is checked
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"elements": _elements, "counter": counter}
    return environment.from_string((files(__package__) / name).read_text(encoding="utf-8"))


def _printable(value: object) -> object:
    if isinstance(value, int | IPv4Address | IPv6Address | IPv4Network | IPv6Network | _Checked):
        return value
    raise TypeError(f"{value!r} is neither a number nor an address")


def _elements(networks: Sequence[Network]) -> str:
    return _Checked(", ".join(str(_printable(network)) for network in networks))
