"""The addresses of one subnet in one family: which are free, which are taken and by whom.

A pool holds no state of its own: it is filled from the `IP` objects of the store when a controller begins to lead.

It may have parts: named sets of its addresses that are set aside (IPPools). Each address is of one part, the unnamed
one if nobody set it aside, and who asks for no part by name gets an address of that one. Which addresses there are,
which may be chosen and which are set aside can be said anew at any time (`shape`): who has an address keeps it.

Time and memory follow the addresses in use, the ranges and the parts, never the size of the network.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from itertools import islice
from typing import ClassVar

from weft.net.addresses import Address, Family, Network, format_range, host_bounds
from weft.net.intervals import IntervalSet
from weft.net.rotation import Rotation

MAX_RANGES = 1000
"""How many ranges a text names at most: a fragmented /8 would not fit into an object."""


class PoolError(Exception):
    """An address cannot be had. The text says which and why, without naming the subnet; `reason` is one word."""

    reason: ClassVar = "AddressConflict"


class PoolExhaustedError(PoolError):
    """No address is free."""

    reason: ClassVar = "NoAddressAvailable"


class OutsideError(PoolError):
    """Not an address of this network that somebody could have."""

    reason: ClassVar = "AddressNotInSubnet"


@dataclass(frozen=True, slots=True)
class Usage:
    """How many addresses are free and taken, and which ones."""

    available: int = 0
    used: int = 0
    available_ranges: str = ""
    used_ranges: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    ranges: IntervalSet
    """All its addresses, excluded ones too."""
    rotation: Rotation
    capacity: int


class Pool:
    """`excluded` ranges are never chosen, but may be asked for by address (static addresses)."""

    def __init__(
        self,
        network: Network,
        gateway: Address | None,
        excluded: Iterable[tuple[Address, Address]],
        set_aside: Mapping[str, Iterable[tuple[Address, Address]]] | None = None,
    ) -> None:
        self.network = network
        self.family: Family = 4 if network.version == 4 else 6
        self.gateway: int | None = None
        low, high = host_bounds(network)
        self._hosts = IntervalSet([(low, high)])
        self._excluded = IntervalSet()
        self._set_aside: dict[str, IntervalSet] = {}
        self._parts: dict[str, _Part] = {}
        self._places: list[tuple[int, int, _Part]] = []
        self._used: dict[int, str] = {}
        self._taken = IntervalSet()
        self.shape(gateway, excluded, set_aside or {})

    def shape(
        self,
        gateway: Address | None,
        excluded: Iterable[tuple[Address, Address]],
        set_aside: Mapping[str, Iterable[tuple[Address, Address]]],
    ) -> None:
        """What is not to be chosen, and which parts there are. An address that two parts claim is of the first by name.

        Saying the same again costs nothing, something else what the ranges and those in use cost.
        """
        unwanted = self._intervals(excluded)
        if gateway is not None:
            unwanted.add(int(gateway), int(gateway))
        parts = {name: self._intervals(ranges) for name, ranges in sorted(set_aside.items())}
        if self._parts and (unwanted, parts) == (self._excluded, self._set_aside):
            self.gateway = None if gateway is None else int(gateway)
            return
        self.gateway = None if gateway is None else int(gateway)
        self._excluded, self._set_aside = unwanted, parts
        self._divide()

    def _intervals(self, ranges: Iterable[tuple[Address, Address]]) -> IntervalSet:
        return IntervalSet((int(low), int(high)) for low, high in ranges if low.version == self.family)

    def _divide(self) -> None:
        former, left = self._parts, self._hosts
        resting = [value for part in former.values() for value in part.rotation.resting]
        self._parts = {}
        for name, wanted in [*self._set_aside.items(), ("", self._hosts)]:
            ranges, left = left & wanted, left - wanted
            chosen = ranges - self._excluded
            start = former[name].rotation.start if name in former else 0
            self._parts[name] = _Part(ranges, Rotation(chosen - self._taken, resting, start), chosen.size)
        named = (part for name, part in self._parts.items() if name)
        self._places = sorted(
            ((low, high, part) for part in named for low, high in part.ranges), key=lambda place: place[0]
        )

    def _part_of(self, value: int) -> _Part:
        at = bisect_right(self._places, value, key=lambda place: place[0]) - 1
        return self._places[at][2] if at >= 0 and value <= self._places[at][1] else self._parts[""]

    # -- taking and giving back ---------------------------------------------------------------------------------------

    def address(self, value: int) -> Address:
        return IPv4Address(value) if self.family == 4 else IPv6Address(value)

    def choose(self, part: str = "") -> Address:
        """The address of a part whose turn it is; it stays free until somebody reserves it. PoolExhaustedError."""
        value = self._parts[part].rotation.choose()
        if value is None:
            raise PoolExhaustedError(self.exhausted(part))
        return self.address(value)

    def allocate(self, owner: str, part: str = "") -> Address:
        """The next free address, now taken by `owner`. Raises PoolExhaustedError."""
        address = self.choose(part)
        self._take(int(address), owner)
        return address

    def check(self, owner: str, address: Address) -> None:
        """Whether `owner` could have this very address, or has it already. Raises PoolError."""
        value = int(address)
        if address.version != self.family or value not in self._hosts:
            raise OutsideError(f"{address} is not an address that a workload may have in {self.network}")
        if (holder := self._used.get(value, owner)) != owner:
            raise PoolError(f"{address} is in use by {holder}")
        if value == self.gateway:
            raise PoolError(f"{address} is the gateway")

    def reserve(self, owner: str, address: Address) -> None:
        """Take this very address. Taking what `owner` already has is no error. Raises PoolError."""
        self.check(owner, address)
        if int(address) not in self._used:
            self._take(int(address), owner)

    def release(self, address: Address) -> None:
        value = int(address)
        if address.version != self.family or self._used.pop(value, None) is None:
            return
        self._taken.remove(value, value)
        if value not in self._excluded:
            self._part_of(value).rotation.put_back(value)

    def holder(self, address: Address) -> str | None:
        return self._used.get(int(address)) if address.version == self.family else None

    def _take(self, value: int, owner: str) -> None:
        self._used[value] = owner
        self._taken.add(value, value)
        if value not in self._excluded:
            self._part_of(value).rotation.take(value)

    # -- counts -------------------------------------------------------------------------------------------------------

    @property
    def capacity(self) -> int:
        """Addresses that may be handed out, whether they are free or not."""
        return sum(part.capacity for part in self._parts.values())

    @property
    def available(self) -> int:
        """Free addresses; those that are set aside count too."""
        return sum(part.rotation.size for part in self._parts.values())

    def available_in(self, part: str) -> int:
        """Free addresses of a part; none when there is no such part."""
        found = self._parts.get(part)
        return 0 if found is None else found.rotation.size

    @property
    def used(self) -> int:
        return len(self._used)

    def available_ranges(self) -> str:
        return self._text(self._free(self._hosts))

    def used_ranges(self) -> str:
        return self._text(self._taken)

    def usage(self, part: str) -> Usage:
        """Of one part. Addresses that are excluded are not available, and count as used when somebody has them."""
        found = self._parts[part]
        used = found.ranges & self._taken
        return Usage(found.rotation.size, used.size, self._text(self._free(found.ranges)), self._text(used))

    def _free(self, ranges: IntervalSet) -> Iterator[tuple[int, int]]:
        chosen = ranges - self._excluded
        return (gap for low, high in chosen for gap in self._taken.gaps(low, high))

    def _text(self, ranges: Iterable[tuple[int, int]]) -> str:
        shown = [format_range(low, high, self.family) for low, high in islice(ranges, MAX_RANGES + 1)]
        if len(shown) > MAX_RANGES:
            shown[-1] = "..."
        return ",".join(shown)

    def exhausted(self, part: str) -> str:
        """Why a part has no free address."""
        capacity = self._parts[part].capacity
        full = f"all {capacity} addresses that may be handed out are in use"
        if part:
            return f"IPPool/{part} has no IPv{self.family} addresses{'' if not capacity else f' left: {full}'}"
        aside = self.available - self.available_in("")
        more = f", {aside} more are free and set aside for IPPools" if aside else ""
        return f"IPv{self.family} {self.network} is full: {full}{more}"
