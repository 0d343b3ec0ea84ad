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
from weft.net.pool import Pool, PoolError
from weft.topology.allocation import Allocation
from weft.topology.request import AllocationError, Request, reservation
from weft.topology.subnet import gateway_mac


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
        """Take up a stored reservation, or a new version of one: what both have is not given up between them."""
        old = self._reserved.get(ip.name)
        if old is not None and _holdings(old) == _holdings(ip):
            self._reserved[ip.name] = ip
            return
        kept = frozenset(ip.addresses).intersection(old.addresses if old else ())
        self._give_up(ip.name, kept)
        self._reserved[ip.name] = ip
        mac = ip.spec.mac_address.lower()
        self._macs[mac] = (*self._macs.get(mac, ()), ip.name)
        for address in ip.addresses:
            if address not in kept:
                self._claim(ip.name, address)
        self._judge(ip.name)

    def release(self, name: str) -> None:
        """Give a reservation back. Who waits for its addresses gets them."""
        self._give_up(name, frozenset())

    def _give_up(self, name: str, kept: frozenset[Address]) -> None:
        """Let go of a reservation and of its addresses, but for those that are kept."""
        ip = self._reserved.pop(name, None)
        if ip is None:
            return
        self._conflicts.pop(name, None)
        mac = ip.spec.mac_address.lower()
        self._macs[mac] = tuple(other for other in self._macs[mac] if other != name)
        if not self._macs[mac]:
            del self._macs[mac]
        for address in frozenset(ip.addresses) - kept:
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
        """A reservation, in place of the one of this name if there is any. AllocationError: then nothing changed."""
        if self.subnet is None:
            raise AllocationError("SubnetNotFound", f"Subnet/{self.name} does not exist")
        try:
            addresses = Allocation(request, self.pools, self.ippools).addresses()
            mac = self._mac(request, addresses)
        except (AllocationError, PoolError) as error:
            raise AllocationError(error.reason, f"Subnet/{self.name}: {error}") from None
        ip = reservation(request, self.name, addresses, mac)
        self.adopt(ip)
        return ip

    def _mac(self, request: Request, addresses: list[Address]) -> str:
        """The MAC address that is asked for, or one that nobody else in the subnet has."""
        if not request.mac:
            by_name = (mac_of_name(request.name, attempt) for attempt in count())
            derived = chain(map(mac_of, addresses[:1]), by_name)
            return next(mac for mac in derived if self._other_with(mac, request.name) is None)
        mac = request.mac.lower()
        if (holder := self._other_with(mac, request.name)) is not None:
            raise AllocationError("AddressConflict", f"MAC address {mac} is in use by {holder}")
        return mac

    def _other_with(self, mac: str, name: str) -> str | None:
        """Who else than `name` has this MAC address."""
        if self.subnet is not None and self.subnet.networks and mac == gateway_mac(self.subnet):
            return "the gateway"
        return next((other for other in self._macs.get(mac, ()) if other != name), None)


def _holdings(ip: IP) -> tuple[str, str]:
    return ip.spec.ip_address, ip.spec.mac_address


def _refusal(pool: Pool, name: str, address: Address) -> str:
    """Why `name` cannot have the address; nothing when it can."""
    try:
        pool.check(name, address)
    except PoolError as error:
        return str(error)
    return ""
