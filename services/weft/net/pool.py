"""The addresses of one subnet in one family: which are free, which are taken and by whom.

A pool holds no state of its own: it is filled from the `IP` objects of the store when a controller begins to lead.
It hands out addresses in ascending order after the last one that it gave, so that an address just released is the last
to be used again (stale neighbour entries and connections elsewhere have time to go).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from weft.net.addresses import Address, Family, Network, format_range, host_bounds
from weft.net.intervals import IntervalSet


class PoolError(Exception):
    """An address cannot be had. The text says which and why, without naming the subnet."""


class PoolExhaustedError(PoolError):
    """No address is free."""


class Pool:
    """`excluded` ranges are never chosen, but may be asked for by address (static addresses)."""

    def __init__(self, network: Network, gateway: Address | None, excluded: Iterable[tuple[Address, Address]]) -> None:
        self.network = network
        self.family: Family = 4 if network.version == 4 else 6
        self.gateway = None if gateway is None else int(gateway)
        self._low, self._high = host_bounds(network)
        self._excluded = IntervalSet((int(low), int(high)) for low, high in excluded if low.version == network.version)
        if self.gateway is not None:
            self._excluded.add(self.gateway, self.gateway)
        self._free = IntervalSet([(self._low, self._high)])
        for low, high in self._excluded:
            self._free.remove(low, high)
        self.capacity = self._free.size
        self._used: dict[int, str] = {}
        self._next = self._low

    def address(self, value: int) -> Address:
        return IPv4Address(value) if self.family == 4 else IPv6Address(value)

    def allocate(self, owner: str) -> Address:
        """The next free address, now taken by `owner`. Raises PoolExhaustedError."""
        value = self._free.first_from(self._next)
        if value is None:
            raise PoolExhaustedError(
                f"IPv{self.family} {self.network} is full: "
                f"all {self.capacity} addresses that may be handed out are in use"
            )
        self._take(value, owner)
        self._next = value + 1
        return self.address(value)

    def reserve(self, owner: str, address: Address) -> None:
        """Take this very address. Taking what `owner` already has is no error. Raises PoolError."""
        value = int(address)
        holder = self._used.get(value)
        if holder == owner:
            return
        if holder is not None:
            raise PoolError(f"{address} is in use by {holder}")
        if value == self.gateway:
            raise PoolError(f"{address} is the gateway")
        if not self._low <= value <= self._high or address.version != self.family:
            raise PoolError(f"{address} is not an address that a workload may have in {self.network}")
        self._take(value, owner)
        if value >= self._next and value not in self._excluded:
            self._next = value + 1

    def release(self, address: Address) -> None:
        value = int(address)
        if self._used.pop(value, None) is not None and value not in self._excluded:
            self._free.add(value, value)

    def holder(self, address: Address) -> str | None:
        return self._used.get(int(address))

    def _take(self, value: int, owner: str) -> None:
        self._used[value] = owner
        self._free.remove(value, value)

    @property
    def available(self) -> int:
        return self._free.size

    @property
    def used(self) -> int:
        return len(self._used)

    def available_ranges(self) -> str:
        return ",".join(format_range(low, high, self.family) for low, high in self._free)

    def used_ranges(self) -> str:
        ranges = IntervalSet()
        for value in self._used:
            ranges.add(value, value)
        return ",".join(format_range(low, high, self.family) for low, high in ranges)
