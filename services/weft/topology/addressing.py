"""Who has which address: the spaces of all subnets, filled from the `IP` objects.

The objects are the truth. `reserve` answers with the `IP` object that must be stored before anything else may know the
address; `release` gives one back whose object is gone.
"""

from __future__ import annotations

from weft.api.ip import IP
from weft.api.ippool import IPPool
from weft.api.subnet import Subnet
from weft.net.addresses import Family
from weft.net.pool import Pool, Usage
from weft.topology.request import AllocationError, Request
from weft.topology.space import Space

__all__ = ["Addressing", "AllocationError", "Request"]

_TELLING = ("AddressConflict", "NoAddressAvailable", "PoolNotFound", "AddressNotInSubnet", "SubnetNotFound")
"""Reasons, the one that tells most first: it stands for all where several subnets refuse."""


class Addressing:
    """All spaces. Subnets and IPPools come and go; reservations are adopted, made and released."""

    def __init__(self) -> None:
        self._spaces: dict[str, Space] = {}
        self._subnet_of_ip: dict[str, str] = {}
        self._subnet_of_pool: dict[str, str] = {}
        self.conflicts: dict[str, str] = {}
        """`IP` objects that could not be adopted, and why: quarantined, never handed out, reported."""

    def _space(self, subnet: str) -> Space:
        if subnet not in self._spaces:
            self._spaces[subnet] = Space(subnet, self.conflicts)
        return self._spaces[subnet]

    def _tidy(self, subnet: str) -> None:
        if self._spaces[subnet].unused:
            del self._spaces[subnet]

    def put_subnet(self, subnet: Subnet) -> None:
        """A new or changed subnet. Who has an address in it keeps it, or is in conflict."""
        self._space(subnet.name).put_subnet(subnet)

    def remove_subnet(self, name: str) -> None:
        """Its reservations stay known: should it come back, they are adopted again."""
        if name in self._spaces:
            self._spaces[name].remove_subnet()
            self._tidy(name)

    def has_subnet(self, name: str) -> bool:
        return name in self._spaces and self._spaces[name].subnet is not None

    def pools(self, subnet: str) -> dict[Family, Pool]:
        """The pools of a subnet by family; none of a subnet that does not exist."""
        return self._spaces[subnet].pools if subnet in self._spaces else {}

    def put_pool(self, pool: IPPool) -> None:
        """A new or changed IPPool, before or after its subnet: its addresses are set aside from now on."""
        if self._subnet_of_pool.get(pool.name, pool.spec.subnet) != pool.spec.subnet:
            self.remove_pool(pool.name)
        self._subnet_of_pool[pool.name] = pool.spec.subnet
        self._space(pool.spec.subnet).put_pool(pool)

    def remove_pool(self, name: str) -> None:
        """Its addresses are the subnet's again; who has one keeps it."""
        if (subnet := self._subnet_of_pool.pop(name, None)) is not None:
            self._spaces[subnet].remove_pool(name)
            self._tidy(subnet)

    def pool_usage(self, name: str) -> dict[Family, Usage]:
        """Of an IPPool, by family of its subnet; nothing when either does not exist."""
        pools = self.pools(self._subnet_of_pool.get(name, ""))
        return {family: pool.usage(name) for family, pool in pools.items()}

    def adopt(self, ip: IP) -> None:
        """Take up a stored reservation or a new version of one, before or after its subnet."""
        if self._subnet_of_ip.get(ip.name, ip.spec.subnet) != ip.spec.subnet:
            self.release(ip)
        self._subnet_of_ip[ip.name] = ip.spec.subnet
        self._space(ip.spec.subnet).adopt(ip)

    def reserve(self, request: Request) -> IP:
        """A reservation, in place of the one of this name if there is any. AllocationError: then nothing changed."""
        refusals: list[AllocationError] = []
        for subnet in request.subnets:
            try:
                ip = self._spaces[subnet].reserve(request) if subnet in self._spaces else _nowhere(subnet)
            except AllocationError as error:
                refusals.append(error)
                continue
            if self._subnet_of_ip.get(ip.name, subnet) != subnet:
                self.release(ip)
            self._subnet_of_ip[ip.name] = subnet
            return ip
        raise _all_in_one(refusals)

    def release(self, ip: IP) -> None:
        """Give a reservation back. Releasing what is not reserved is no error."""
        if (subnet := self._subnet_of_ip.pop(ip.name, None)) is not None:
            self._spaces[subnet].release(ip.name)
            self._tidy(subnet)


def _nowhere(subnet: str) -> IP:
    raise AllocationError("SubnetNotFound", f"Subnet/{subnet} does not exist")


def _all_in_one(refusals: list[AllocationError]) -> AllocationError:
    if not refusals:
        return AllocationError("SubnetNotFound", "no subnet is named, bound to the namespace, or the default")
    reason = min((refusal.reason for refusal in refusals), key=_TELLING.index)
    return AllocationError(reason, "; ".join(dict.fromkeys(map(str, refusals))))
