"""Which addresses of one subnet serve a request. Nothing is taken here: a refusal leaves nothing behind.

A refusal is a PoolError or an AllocationError without the subnet's name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from weft.net.addresses import Address, Family
from weft.net.pool import OutsideError, Pool, PoolError, PoolExhaustedError
from weft.topology.request import AllocationError, Request

_SHOWN = 3
"""How many of a long list a message names."""


class Allocation:
    """One request to a subnet with these pools and IPPools."""

    def __init__(self, request: Request, pools: Mapping[Family, Pool], ippools: Collection[str]) -> None:
        self._request = request
        self._pools = pools
        self._ippools = ippools

    def addresses(self) -> list[Address]:
        """One of each family that is asked for, IPv4 first; all of them free. None in a subnet without addresses."""
        fixed = self._fixed()
        families = sorted(filter(self._is_wanted, self._pools))
        if self._pools and not families:
            raise AllocationError("AddressNotInSubnet", f"there are no IPv{min(self._request.families)} addresses")
        left = [family for family in families if family not in fixed]
        part = self._part(left) if left else ""
        return [fixed[family] if family in fixed else self._pools[family].choose(part) for family in families]

    def _is_wanted(self, family: Family) -> bool:
        return not self._request.families or family in self._request.families

    # -- addresses that are given -------------------------------------------------------------------------------------

    def _fixed(self) -> dict[Family, Address]:
        """Those that are asked for, or the first choice that can be had."""
        if self._request.choices and not self._request.addresses:
            return self._first_choice()
        for address in self._request.addresses:
            self._check(address)
        return {address.version: address for address in self._request.addresses}

    def _check(self, address: Address) -> None:
        """Whether the request can have this address. Raises PoolError."""
        if not self._is_wanted(address.version):
            raise OutsideError(f"{address} is not of the IP family that is asked for")
        if (pool := self._pools.get(address.version)) is None:
            raise OutsideError(f"{address}: there are no IPv{address.version} addresses")
        pool.check(self._request.name, address)

    def _first_choice(self) -> dict[Family, Address]:
        refusals: list[PoolError] = []
        for choice in self._request.choices:
            wanted = [address for address in choice if self._is_wanted(address.version)] or choice
            try:
                for address in wanted:
                    self._check(address)
            except PoolError as error:
                refusals.append(error)
            else:
                return {address.version: address for address in wanted}
        raise _none_free(refusals)

    # -- addresses that are chosen ------------------------------------------------------------------------------------

    def _part(self, families: Collection[Family]) -> str:
        """Of the IPPools that are asked for the one with most free addresses; "" when none is asked for."""
        asked = self._request.pools
        if not asked:
            return ""
        known = [name for name in asked if name in self._ippools]
        if not known:
            raise AllocationError("PoolNotFound", f"there is no IPPool {' or '.join(asked)}")
        free = {name: min(self._pools[family].available_in(name) for family in families) for name in known}
        best = max(known, key=lambda name: free[name])
        if not free[best]:
            raise PoolExhaustedError("; ".join(self._fullness(name, families) for name in known))
        return best

    def _fullness(self, part: str, families: Collection[Family]) -> str:
        """Why a part cannot serve."""
        pools = (self._pools[family] for family in families)
        return " and ".join(pool.exhausted(part) for pool in pools if not pool.available_in(part))


def _none_free(refusals: list[PoolError]) -> AllocationError:
    outside = all(isinstance(error, OutsideError) for error in refusals)
    shown = "; ".join(map(str, refusals[:_SHOWN]))
    more = f", and {len(refusals) - _SHOWN} more" if len(refusals) > _SHOWN else ""
    message = f"no address of the list of {len(refusals)} is free: {shown}{more}"
    return AllocationError("AddressNotInSubnet" if outside else "NoAddressAvailable", message)
