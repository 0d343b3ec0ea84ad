"""The addresses and MAC addresses of one subnet: who has which, and who waits for one that another has.

Reservations may be known before their subnet and outlive it, so a space exists as soon as anything is said of its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, count

from weft.api.ip import IP
from weft.api.ippool import IPPool
from weft.api.subnet import Subnet
from weft.net.addresses import Address, Family, mac_of, mac_of_name
from weft.net.pool import OutsideError, Pool, PoolError, PoolExhaustedError
from weft.topology.request import AllocationError, Request, reservation

_SHOWN = 3
"""How many of a long list a message names."""


class Space:
    """See the module's text. `conflicts` is written to: reservation -> why it cannot be used."""

    def __init__(self, name: str, conflicts: dict[str, str]) -> None:
        self.name = name
        self.subnet: Subnet | None = None
        self.pools: dict[Family, Pool] = {}
        self.ippools: dict[str, IPPool] = {}
        self._reserved: dict[str, IP] = {}
        self._claims: dict[Address, dict[str, None]] = {}
        """Addresses that somebody says are its own and does not have: the gateway, another's, outside the CIDR."""
        self._macs: dict[str, tuple[str, ...]] = {}
        self._conflicts = conflicts

    @property
    def unused(self) -> bool:
        """Is there nothing to be known about it any more?"""
        return self.subnet is None and not self.ippools and not self._reserved

    # -- what there is ------------------------------------------------------------------------------------------------

    def put_subnet(self, subnet: Subnet) -> None:
        """New or changed. Reservations are gone through once if a CIDR changed, and not at all otherwise."""
        self.subnet = subnet
        former, self.pools = self.pools, {}
        for network in subnet.networks:
            known = former.get(network.version)
            fits = known is not None and known.network == network
            self.pools[network.version] = known if known and fits else Pool(network, None, ())
        moved = {family for family in (*former, *self.pools) if former.get(family) is not self.pools.get(family)}
        self._claims = {address: names for address, names in self._claims.items() if address.version not in moved}
        self._shape()
        if moved:
            self._claim_anew(moved)

    def remove_subnet(self) -> None:
        self.subnet, self.pools = None, {}
        self._claims.clear()
        for name in self._reserved:
            self._conflicts.pop(name, None)

    def put_pool(self, pool: IPPool) -> None:
        self.ippools[pool.name] = pool
        self._shape()

    def remove_pool(self, name: str) -> None:
        if self.ippools.pop(name, None) is not None:
            self._shape()

    def _shape(self) -> None:
        """Tell the pools what the subnet and its IPPools say now."""
        if self.subnet is None:
            return
        set_aside = {name: pool.ranges for name, pool in self.ippools.items()}
        for family, pool in self.pools.items():
            before, gateway = pool.gateway, self.subnet.gateways[family]
            pool.shape(gateway, self.subnet.excluded, set_aside)
            if before not in (None, pool.gateway):
                self._hand_on(pool.address(before))
            if before != pool.gateway and (holder := pool.holder(gateway)) is not None:
                pool.release(gateway)
                self._wait_for(gateway, holder)

    def _claim_anew(self, moved: set[Family]) -> None:
        """The addresses of these families are others than before."""
        for ip in self._reserved.values():
            for address in ip.addresses:
                if address.version in moved:
                    self._claim(ip.name, address)
            self._judge(ip.name)

    # -- reservations that exist --------------------------------------------------------------------------------------

    def adopt(self, ip: IP) -> None:
        """Take up a stored reservation, or a new version of one."""
        old = self._reserved.get(ip.name)
        if old is not None and _holdings(old) == _holdings(ip):
            self._reserved[ip.name] = ip
            return
        self.release(ip.name)
        self._reserved[ip.name] = ip
        mac = ip.spec.mac_address.lower()
        self._macs[mac] = (*self._macs.get(mac, ()), ip.name)
        for address in ip.addresses:
            self._claim(ip.name, address)

    def release(self, name: str) -> None:
        """Give a reservation back. Who waits for its addresses gets them."""
        ip = self._reserved.pop(name, None)
        if ip is None:
            return
        self._conflicts.pop(name, None)
        mac = ip.spec.mac_address.lower()
        self._macs[mac] = tuple(other for other in self._macs[mac] if other != name)
        if not self._macs[mac]:
            del self._macs[mac]
        for address in ip.addresses:
            pool = self.pools.get(address.version)
            if pool is not None and pool.holder(address) == name:
                pool.release(address)
            elif address in self._claims:
                self._claims[address].pop(name, None)
            self._hand_on(address)

    def _claim(self, name: str, address: Address) -> None:
        pool = self.pools.get(address.version)
        if pool is None:
            return
        try:
            pool.reserve(name, address)
        except PoolError:
            self._wait_for(address, name)

    def _wait_for(self, address: Address, name: str) -> None:
        self._claims.setdefault(address, {})[name] = None
        self._judge_claimants(address)

    def _hand_on(self, address: Address) -> None:
        """Something changed for those who wait for this address: the first of them has it, if it can be had."""
        waiting = self._claims.get(address)
        if waiting is None:
            return
        pool = self.pools[address.version]
        for name in list(waiting):
            if pool.holder(address) is None and not _refusal(pool, name, address):
                pool.reserve(name, address)
                del waiting[name]
        if not waiting:
            del self._claims[address]
        self._judge_claimants(address)

    def _judge_claimants(self, address: Address) -> None:
        holder = self.pools[address.version].holder(address)
        for name in (*self._claims.get(address, ()), *([holder] if holder else ())):
            self._judge(name)

    def _judge(self, name: str) -> None:
        if conflict := next(self._conflicts_of(self._reserved[name]), None):
            self._conflicts[name] = f"Subnet/{self.name}: {conflict}"
        else:
            self._conflicts.pop(name, None)

    def _conflicts_of(self, ip: IP) -> Iterator[str]:
        for address in ip.addresses:
            rivals = self._claims.get(address)
            if rivals is None:
                continue
            if ip.name in rivals:
                yield _refusal(self.pools[address.version], ip.name, address)
            else:
                yield f"{address} is claimed by {next(iter(rivals))} too"

    # -- new reservations ---------------------------------------------------------------------------------------------

    def reserve(self, request: Request) -> IP:
        """A reservation for somebody who has none. Raises AllocationError, and then nothing is taken."""
        if self.subnet is None:
            raise AllocationError("SubnetNotFound", f"Subnet/{self.name} does not exist")
        try:
            addresses = self._addresses(request)
        except PoolError as error:
            raise self._refused(error.reason, str(error)) from None
        ip = reservation(request, self.name, addresses, self._mac(request, addresses))
        self.adopt(ip)
        return ip

    def _addresses(self, request: Request) -> list[Address]:
        """One of each family that is asked for, IPv4 first; all of them free."""
        fixed = self._fixed(request)
        families = [family for family in sorted(self.pools) if self._is_wanted(request, family)]
        if self.pools and not families:
            raise self._refused("AddressNotInSubnet", f"has no IPv{min(request.families)} addresses")
        open_families = [family for family in families if family not in fixed]
        part = self._part(request, open_families) if open_families else ""
        return [fixed[family] if family in fixed else self.pools[family].choose(part) for family in families]

    @staticmethod
    def _is_wanted(request: Request, family: Family) -> bool:
        return not request.families or family in request.families

    def _fixed(self, request: Request) -> dict[Family, Address]:
        """Addresses that are given: those that are asked for, or the first choice that can be had."""
        if request.choices and not request.addresses:
            return self._first_choice(request)
        for address in request.addresses:
            self._check(request, address)
        return {address.version: address for address in request.addresses}

    def _check(self, request: Request, address: Address) -> None:
        """Whether the request can have this address. Raises PoolError."""
        pool = self.pools.get(address.version)
        if pool is None:
            cidr = self.subnet.spec.cidr_block if self.subnet else ""
            raise OutsideError(f"{address} is not in {cidr or 'a subnet without addresses'}")
        if not self._is_wanted(request, address.version):
            raise OutsideError(f"{address} is not of the IP family that is asked for")
        pool.check(request.name, address)

    def _first_choice(self, request: Request) -> dict[Family, Address]:
        refusals: list[PoolError] = []
        for choice in request.choices:
            wanted = [address for address in choice if self._is_wanted(request, address.version)] or choice
            try:
                for address in wanted:
                    self._check(request, address)
            except PoolError as error:
                refusals.append(error)
            else:
                return {address.version: address for address in wanted}
        raise self._no_choice(refusals)

    def _no_choice(self, refusals: list[PoolError]) -> AllocationError:
        outside = all(isinstance(error, OutsideError) for error in refusals)
        more = f", and {len(refusals) - _SHOWN} more" if len(refusals) > _SHOWN else ""
        shown = "; ".join(map(str, refusals[:_SHOWN]))
        message = f"no address of the list of {len(refusals)} is free: {shown}{more}"
        return self._refused("AddressNotInSubnet" if outside else "NoAddressAvailable", message)

    def _part(self, request: Request, families: list[Family]) -> str:
        """Of the IPPools that are asked for the one with most free addresses; "" when none is asked for."""
        if not request.pools:
            return ""
        known = [name for name in request.pools if name in self.ippools]
        if not known:
            raise self._refused("PoolNotFound", f"has no IPPool {' or '.join(request.pools)}")

        def free(name: str) -> int:
            return min(self.pools[family].available_in(name) for family in families)

        best = max(known, key=free)
        if not free(best):
            raise PoolExhaustedError("; ".join(self._fullness(name, families) for name in known))
        return best

    def _fullness(self, part: str, families: list[Family]) -> str:
        """Why a part cannot serve."""
        full = [self.pools[family] for family in families if not self.pools[family].available_in(part)]
        return " and ".join(pool.exhausted(part) for pool in full)

    def _mac(self, request: Request, addresses: list[Address]) -> str:
        """The MAC address that is asked for, or one that nobody else in the subnet has."""
        if not request.mac:
            derived = chain([mac_of(addresses[0])] if addresses else [], self._macs_of_name(request.name))
            return next(mac for mac in derived if self._has_mac(mac, request.name) is None)
        mac = request.mac.lower()
        if (holder := self._has_mac(mac, request.name)) is not None:
            raise self._refused("AddressConflict", f"MAC address {mac} is in use by {holder}")
        return mac

    @staticmethod
    def _macs_of_name(name: str) -> Iterator[str]:
        return (mac_of_name(name, attempt) for attempt in count())

    def _has_mac(self, mac: str, name: str) -> str | None:
        """Who else than `name` has it."""
        return next((other for other in self._macs.get(mac, ()) if other != name), None)

    def _refused(self, reason: str, message: str) -> AllocationError:
        return AllocationError(reason, f"Subnet/{self.name}: {message}")


def _holdings(ip: IP) -> tuple[str, str]:
    return ip.spec.ip_address, ip.spec.mac_address


def _refusal(pool: Pool, name: str, address: Address) -> str:
    """Why `name` cannot have the address; nothing when it can."""
    try:
        pool.check(name, address)
    except PoolError as error:
        return str(error)
    return ""
