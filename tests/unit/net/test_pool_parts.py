"""Parts of a pool (IPPools): each address is of one, is chosen for nobody else, and who has one keeps it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from weft.net.addresses import Address, host_bounds, parse_block, parse_range
from weft.net.pool import Pool, PoolError, PoolExhaustedError, Usage

NETWORK = ip_network("10.0.0.0/28")


def _pool(cidr: str, *excluded: str, **parts: list[str]) -> Pool:
    set_aside = {name: list(map(parse_block, blocks)) for name, blocks in parts.items()}
    return Pool(ip_network(cidr), ip_network(cidr)[1], map(parse_range, excluded), set_aside)


@pytest.mark.parametrize(
    ("blocks", "usage"),
    [
        pytest.param(["10.0.0.8"], Usage(1, 0, "10.0.0.8"), id="address"),
        pytest.param(["10.0.0.9/30"], Usage(4, 0, "10.0.0.8-10.0.0.11"), id="all of a CIDR, host bits or not"),
        pytest.param(["10.0.0.8..10.0.0.9"], Usage(2, 0, "10.0.0.8-10.0.0.9"), id="range"),
        pytest.param(["10.0.0.9", "10.0.0.8..10.0.0.10"], Usage(3, 0, "10.0.0.8-10.0.0.10"), id="said twice"),
        pytest.param(["10.0.0.0/29"], Usage(3, 1, "10.0.0.2,10.0.0.6-10.0.0.7", "10.0.0.4"), id="excluded, gateway"),
        pytest.param(["10.0.0.14", "10.0.0.15", "192.0.2.0/24"], Usage(1, 0, "10.0.0.14"), id="what is not there"),
        pytest.param(["fd00::/64"], Usage(), id="the other family"),
        pytest.param([], Usage(), id="nothing"),
    ],
)
def test_addresses_of_a_part(blocks: list[str], usage: Usage) -> None:
    pool = _pool("10.0.0.0/28", "10.0.0.3..10.0.0.5", part=blocks)
    pool.reserve("static", ip_address("10.0.0.4"))
    assert pool.usage("part") == usage
    assert pool.available == 10


def test_an_address_that_two_claim_is_of_the_first_by_name() -> None:
    for order in (("a", "b"), ("b", "a")):
        pool = _pool("10.0.0.0/28", **{name: ["10.0.0.8/31"] for name in order})
        assert [pool.usage(name).available for name in "ab"] == [2, 0]


def test_who_has_an_address_keeps_it_when_it_is_set_aside_and_when_it_is_not_any_more() -> None:
    pool = _pool("10.0.0.0/29")
    held, gateway = pool.allocate("a"), ip_address("10.0.0.1")
    pool.shape(gateway, [], {"part": [(held, held)]})
    assert pool.holder(held) == "a"
    assert pool.usage("part") == Usage(0, 1, "", "10.0.0.2")
    with pytest.raises(PoolExhaustedError, match="IPPool/part has no IPv4 addresses left: all 1 addresses"):
        pool.choose("part")
    pool.release(held)
    assert pool.choose("part") == held
    pool.shape(gateway, [], {})
    assert pool.available == 5


def test_what_was_released_rests_across_a_change() -> None:
    pool = _pool("10.0.0.0/29")
    first = pool.allocate("a")
    pool.release(first)
    pool.shape(ip_address("10.0.0.6"), [], {"part": [(first, first)]})
    pool.shape(ip_address("10.0.0.1"), [], {})
    assert [str(pool.allocate(name))[-1] for name in "bcdef"] == ["3", "4", "5", "6", "2"]


class PartsMachine(RuleBasedStateMachine):
    """Any history of wishes and of changes of what may be chosen: a dictionary says who holds what."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = Pool(NETWORK, None, ())
        low, high = host_bounds(NETWORK)
        self.hosts = {ip_address(value) for value in range(low, high + 1)}
        self.gateway: Address | None = None
        self.excluded: set[Address] = set()
        self.parts: dict[str, set[Address]] = {"": self.hosts, "a": set(), "b": set()}
        self.held: dict[Address, str] = {}
        self.count = 0
        self._shape()

    _addresses = st.frozensets(st.integers(0, 15).map(lambda last: NETWORK[last]), max_size=8)

    @rule(gateway=st.none() | st.integers(1, 14).map(lambda last: NETWORK[last]), excluded=_addresses)
    def change(self, gateway: Address | None, excluded: frozenset[Address]) -> None:
        if gateway in self.held:
            return  # whoever calls takes it away first
        self.gateway, self.excluded = gateway, {*excluded} | ({gateway} if gateway else set())
        self._shape()

    @rule(name=st.sampled_from("ab"), wanted=_addresses)
    def set_aside(self, name: str, wanted: frozenset[Address]) -> None:
        other = "a" if name == "b" else "b"
        self.parts[name] = {*wanted} & self.hosts - self.parts[other]
        self.parts[""] = self.hosts - self.parts["a"] - self.parts["b"]
        self._shape()

    def _shape(self) -> None:
        for _ in range(2):  # saying it again changes nothing
            named = {name: [(address, address) for address in self.parts[name]] for name in "ab"}
            self.pool.shape(self.gateway, [(address, address) for address in self.excluded], named)

    def _free(self, part: str) -> set[Address]:
        return self.parts[part] - self.excluded - self.held.keys()

    @rule(part=st.sampled_from(["", "a", "b"]))
    def allocate(self, part: str) -> None:
        self.count += 1
        free = self._free(part)
        if not free:
            with pytest.raises(PoolExhaustedError):
                self.pool.allocate(f"o{self.count}", part)
            return
        address = self.pool.allocate(f"o{self.count}", part)
        assert address in free
        self.held[address] = f"o{self.count}"

    @rule(last=st.integers(0, 15))
    def reserve(self, last: int) -> None:
        self.count += 1
        address = NETWORK[last]
        if address in self.held or address == self.gateway or address not in self.hosts:
            with pytest.raises(PoolError):
                self.pool.reserve(f"o{self.count}", address)
            return
        self.pool.reserve(f"o{self.count}", address)
        self.held[address] = f"o{self.count}"

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        address = data.draw(st.sampled_from(sorted(self.held, key=int)))
        self.pool.release(address)
        del self.held[address]

    @invariant()
    def parts_are_what_they_ought_to_be(self) -> None:
        for part, addresses in self.parts.items():
            usage = self.pool.usage(part)
            assert _members(usage.available_ranges) == self._free(part)
            assert _members(usage.used_ranges) == addresses & self.held.keys()
            assert (usage.available, usage.used) == (len(self._free(part)), len(addresses & self.held.keys()))
            assert self.pool.available_in(part) == usage.available

    @invariant()
    def the_whole_is_the_sum_of_its_parts(self) -> None:
        assert self.pool.available == sum(len(self._free(part)) for part in self.parts)
        assert self.pool.capacity == len(self.hosts - self.excluded)
        assert _members(self.pool.available_ranges()) == set().union(*map(self._free, self.parts))
        assert _members(self.pool.used_ranges()) == self.held.keys()
        assert {address: self.pool.holder(address) for address in self.hosts} == {
            address: self.held.get(address) for address in self.hosts
        }
        assert self.pool.used == len(self.held)


def _members(ranges: str) -> set[Address]:
    members: set[Address] = set()
    for text in filter(None, ranges.split(",")):
        low, high = parse_range(text.replace("-", ".."))
        members |= {low + step for step in range(int(high) - int(low) + 1)}
    return members


TestPartsHistories = PartsMachine.TestCase
TestPartsHistories.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
