"""Any history of subnets, IPPools and reservations against a naive model: dictionaries of what is there now.

Never two owners of one address, never the gateway or an excluded address chosen, every released address comes back,
static requests win or fail loudly, counts are exact.
"""

from __future__ import annotations

from collections import defaultdict
from ipaddress import ip_address

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.unit.topology.build import ippool, reservation, subnet
from weft.api.ip import IP
from weft.api.ippool import IPPool
from weft.api.subnet import Subnet
from weft.net.addresses import Address, Family, host_bounds
from weft.topology.addressing import Addressing, AllocationError, Request

SUBNETS = [
    subnet("blue", "10.0.0.0/28"),
    subnet("blue", "10.0.0.0/28", namespaces=["ns1"]),
    subnet("blue", "10.0.0.0/28", gateway="10.0.0.5"),
    subnet("blue", "10.0.0.0/28", excludeIps=["10.0.0.4..10.0.0.6", "10.0.0.9"]),
    subnet("blue", "10.0.0.0/28,fd00::/125"),
    subnet("blue", "10.0.0.0/28,fd00::/125", gateway="10.0.0.9,fd00::4", excludeIps=["fd00::2"]),
    subnet("blue", "fd00::/125"),
    subnet("blue", "10.0.0.0/27"),
    subnet("blue", "10.0.0.8/29"),
    subnet("red", "10.0.0.0/29"),
    subnet("red", "10.0.0.0/29,fd00::/126"),
]
POOLS = [
    ippool("a", "blue", "10.0.0.2..10.0.0.5", "fd00::2/127"),
    ippool("a", "blue", "10.0.0.8/30"),
    ippool("a", "red", "10.0.0.2..10.0.0.3"),
    ippool("b", "blue", "10.0.0.6..10.0.0.7", "fd00::5"),
    ippool("b", "blue", "10.0.0.12/30", "10.0.0.1", "192.0.2.1"),
]
NAMES = [f"o{number}" for number in range(6)]
_V4 = st.sampled_from([1, 2, 5, 9, 17]).map(lambda last: ip_address(f"10.0.0.{last}"))
_V6 = st.sampled_from([1, 2, 4]).map(lambda last: ip_address(f"fd00::{last}"))
_ADDRESSES = st.one_of(
    st.tuples(_V4), st.tuples(_V4), st.tuples(_V6), st.tuples(_V4, _V6), st.just(())
)  # one of a family
_MACS = st.sampled_from(["", "02:00:00:00:00:01", "0a:58:0a:00:00:03"])
_PLAIN = st.builds(Request, name=st.sampled_from(NAMES), subnets=st.sampled_from([("blue",), ("red",)]), mac=_MACS)
_REQUEST = _PLAIN | st.builds(
    Request,
    name=st.sampled_from(NAMES),
    subnets=st.sampled_from([("blue",), ("red",), ("blue", "red"), ("red", "blue"), ("gone", "blue"), ()]),
    addresses=st.just(()) | _ADDRESSES,
    choices=st.just(()) | st.lists(_ADDRESSES.filter(bool), max_size=4).map(tuple),
    pools=st.sampled_from([(), ("a",), ("a", "b")]),
    families=st.sampled_from([frozenset[Family](), frozenset({4}), frozenset({6})]),
    mac=_MACS,
)


class AddressingMachine(RuleBasedStateMachine):
    """See the module's text."""

    def __init__(self) -> None:
        super().__init__()
        self.addressing = Addressing()
        self.subnets: dict[str, Subnet] = {}
        self.pools: dict[str, IPPool] = {}
        self.ips: dict[str, IP] = {}
        for item in (SUBNETS[4], SUBNETS[9]):
            self.put_subnet(item)

    # -- what happens -------------------------------------------------------------------------------------------------

    @rule(item=st.sampled_from(SUBNETS))
    def put_subnet(self, item: Subnet) -> None:
        self.addressing.put_subnet(item)
        self.subnets[item.name] = item

    @rule(name=st.sampled_from(["blue", "red", "gone"]))
    def remove_subnet(self, name: str) -> None:
        self.addressing.remove_subnet(name)
        self.subnets.pop(name, None)

    @rule(item=st.sampled_from(POOLS))
    def put_pool(self, item: IPPool) -> None:
        self.addressing.put_pool(item)
        self.pools[item.name] = item

    @rule(name=st.sampled_from(["a", "b", "gone"]))
    def remove_pool(self, name: str) -> None:
        self.addressing.remove_pool(name)
        self.pools.pop(name, None)

    @rule(name=st.sampled_from(NAMES), home=st.sampled_from(["blue", "red"]), addresses=_ADDRESSES)
    def adopt(self, name: str, home: str, addresses: tuple[Address, ...]) -> None:
        ip = reservation(name, home, ",".join(map(str, addresses)))
        self.addressing.adopt(ip)
        self.ips[name] = ip

    @precondition(lambda self: self.ips)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.ips)))
        self.addressing.release(self.ips.pop(name))

    @rule(request=_REQUEST)
    def reserve(self, request: Request) -> None:
        server = next((name for name in request.subnets if self._can_serve(request, name)), None)
        if server is None:
            with pytest.raises(AllocationError):
                self.addressing.reserve(request)
            return
        ip = self.addressing.reserve(request)
        assert (ip.name, ip.spec.subnet) == (request.name, server)
        self._check_served(request, ip)
        self.ips[ip.name] = ip

    # -- what ought to come of it -------------------------------------------------------------------------------------

    def _hosts(self, name: str, family: int) -> set[Address]:
        networks = [network for network in self.subnets[name].networks if network.version == family]
        return {
            ip_address(value)
            for network in networks
            for value in range(host_bounds(network)[0], host_bounds(network)[1] + 1)
        }

    def _part(self, name: str, family: int, pool: str = "") -> set[Address]:
        """The addresses of an IPPool, or those of none."""
        hosts = self._hosts(name, family)
        parts: dict[str, set[Address]] = {}
        for key, item in sorted(self.pools.items()):
            wanted = {a for a in hosts for low, high in item.ranges if low.version == family and low <= a <= high}  # type: ignore[operator]
            if item.spec.subnet == name:
                parts[key] = hosts & wanted
                hosts -= wanted
        return hosts if not pool else parts.get(pool, set())

    def _unwanted(self, name: str) -> set[Address]:
        item = self.subnets[name]
        ranges = [*item.excluded, *((gateway, gateway) for gateway in item.gateways.values())]
        return {low + step for low, high in ranges for step in range(int(high) - int(low) + 1)}

    def _claimants(self, name: str) -> dict[Address, set[str]]:
        claimants: defaultdict[Address, set[str]] = defaultdict(set)
        for ip in self.ips.values():
            for address in ip.addresses:
                if ip.spec.subnet == name and address.version in self.subnets[name].gateways:
                    claimants[address].add(ip.name)
        return claimants

    def _taken(self, name: str) -> set[Address]:
        """Those that are somebody's; the gateway's address and those outside are nobody's."""
        item = self.subnets[name]
        hosts = self._hosts(name, 4) | self._hosts(name, 6)
        return self._claimants(name).keys() & hosts - set(item.gateways.values())

    def _can_have(self, request: Request, name: str, address: Address) -> bool:
        item, hosts = self.subnets[name], self._hosts(name, address.version)
        if request.families and address.version not in request.families:
            return False
        others = self._claimants(name).get(address, set())
        return (
            address in hosts
            and address not in item.gateways.values()
            and self._is_first(request, name, address, others)
        )

    def _is_first(self, request: Request, name: str, address: Address, others: set[str]) -> bool:
        return others <= {request.name} or self.addressing.pools(name)[address.version].holder(address) == request.name

    def _fixed(self, request: Request, name: str) -> tuple[Address, ...] | None:
        """The given addresses that the request gets; None when it cannot have them."""
        if request.addresses or not request.choices:
            return request.addresses if all(self._can_have(request, name, a) for a in request.addresses) else None
        for choice in request.choices:
            wanted = tuple(a for a in choice if not request.families or a.version in request.families) or choice
            if all(self._can_have(request, name, a) for a in wanted):
                return wanted
        return None

    def _can_serve(self, request: Request, name: str) -> bool:
        if name not in self.subnets or (fixed := self._fixed(request, name)) is None:
            return False
        if any(ip.name != request.name and ip.spec.mac_address == request.mac for ip in self._in(name)):
            return False
        families = {f for f in self.subnets[name].gateways if not request.families or f in request.families}
        left = families - {address.version for address in fixed}
        if left and request.pools:
            known = [p for p in request.pools if p in self.pools and self.pools[p].spec.subnet == name]
            return any(all(self._free(name, family, pool) for family in left) for pool in known)
        return bool(families) and all(self._free(name, family) for family in left)

    def _in(self, name: str) -> list[IP]:
        return [ip for ip in self.ips.values() if ip.spec.subnet == name]

    def _free(self, name: str, family: int, pool: str = "") -> set[Address]:
        return self._part(name, family, pool) - self._unwanted(name) - self._taken(name)

    def _check_served(self, request: Request, ip: IP) -> None:
        name = ip.spec.subnet
        fixed = self._fixed(request, name)
        assert fixed is not None
        assert set(fixed) <= set(ip.addresses)
        families = {f for f in self.subnets[name].gateways if not request.families or f in request.families}
        assert [address.version for address in ip.addresses] == sorted(families)
        for address in set(ip.addresses) - set(fixed):
            assert any(address in self._free(name, address.version, pool) for pool in request.pools or [""])
        assert ip.spec.mac_address == request.mac or not request.mac
        assert ip.spec.mac_address not in {o.spec.mac_address for o in self._in(name) if o.name != ip.name}

    @invariant()
    def each_address_has_one_owner(self) -> None:
        in_conflict = set()
        for name in self.subnets:
            taken = self._taken(name)
            for address, claimants in self._claimants(name).items():
                holder = self.addressing.pools(name)[address.version].holder(address)
                assert (holder in claimants) if address in taken else (holder is None)
                if len(claimants) > 1 or address not in taken:
                    in_conflict |= claimants
        assert self.addressing.conflicts.keys() == in_conflict

    @invariant()
    def counts_are_exact(self) -> None:
        for name, item in self.subnets.items():
            taken, unwanted = self._taken(name), self._unwanted(name)
            pools = self.addressing.pools(name)
            assert pools.keys() == item.gateways.keys()
            for family, pool in pools.items():
                hosts = self._hosts(name, family)
                assert (pool.used, pool.available) == (len(hosts & taken), len(hosts - unwanted - taken))

    @invariant()
    def counts_of_pools_are_exact(self) -> None:
        for name, pool in self.pools.items():
            usage = self.addressing.pool_usage(name)
            home = pool.spec.subnet
            families = self.subnets[home].gateways.keys() if home in self.subnets else set()
            assert usage.keys() == families
            for family in families:
                part = self._part(home, family, name)
                assert usage[family].used == len(part & self._taken(home))
                assert usage[family].available == len(self._free(home, family, name))


TestAddressingHistories = AddressingMachine.TestCase
TestAddressingHistories.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
