"""A pool gives each address to one owner at a time, never one that it was told not to choose."""

from __future__ import annotations

import sys
import tracemalloc
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.net.addresses import parse_range
from weft.net.pool import MAX_RANGES, Pool, PoolError, PoolExhaustedError


def _pool(cidr: str, gateway: str = "", *excluded: str) -> Pool:
    return Pool(ip_network(cidr), ip_address(gateway) if gateway else None, map(parse_range, excluded))


def _take_all(pool: Pool) -> list[str]:
    taken: list[str] = []
    while pool.available:
        taken.append(str(pool.allocate(f"o{len(taken)}")))
    return taken


@pytest.mark.parametrize(
    ("cidr", "gateway", "excluded", "given_out"),
    [
        pytest.param(
            "10.0.0.0/29", "10.0.0.1", [], ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"], id="gateway"
        ),
        pytest.param("10.0.0.0/30", "", [], ["10.0.0.1", "10.0.0.2"], id="no gateway"),
        pytest.param("10.0.0.0/29", "10.0.0.6", ["10.0.0.2..10.0.0.4"], ["10.0.0.1", "10.0.0.5"], id="range excluded"),
        pytest.param("10.0.0.0/30", "10.0.0.1", ["10.0.0.1"], ["10.0.0.2"], id="gateway excluded twice"),
        pytest.param("10.0.0.0/30", "10.0.0.1", ["fd00::2"], ["10.0.0.2"], id="the other family's ranges mean nothing"),
        pytest.param("10.0.0.0/30", "10.0.0.1", ["10.0.0.0..10.0.0.3"], [], id="all excluded"),
        pytest.param("10.0.0.0/31", "10.0.0.0", [], ["10.0.0.1"], id="RFC 3021"),
        pytest.param("10.0.0.0/32", "10.0.0.0", [], [], id="one address, the gateway"),
        pytest.param("fd00::/126", "fd00::1", [], ["fd00::2", "fd00::3"], id="IPv6"),
        pytest.param("fd00::/125", "fd00::1", ["fd00::3..fd00::6"], ["fd00::2", "fd00::7"], id="IPv6 range excluded"),
    ],
)
def test_what_is_handed_out(cidr: str, gateway: str, excluded: list[str], given_out: list[str]) -> None:
    pool = _pool(cidr, gateway, *excluded)
    assert pool.capacity == len(given_out)
    assert _take_all(pool) == given_out


def test_a_released_address_is_the_last_to_be_used_again() -> None:
    pool = _pool("10.0.0.0/29", "10.0.0.1")
    first, second = pool.allocate("a"), pool.allocate("b")
    pool.release(first)
    assert [str(pool.allocate(name)) for name in "cde"] == ["10.0.0.4", "10.0.0.5", "10.0.0.6"]
    assert pool.allocate("f") == first
    assert pool.holder(first) == "f"
    assert pool.holder(second) == "b"


@pytest.mark.parametrize(
    ("cidr", "gateway", "message"),
    [
        ("10.0.0.0/30", "10.0.0.1", "IPv4 10.0.0.0/30 is full: all 1 addresses that may be handed out are in use"),
        ("fd00::/126", "fd00::1", "IPv6 fd00::/126 is full: all 2 addresses that may be handed out are in use"),
        ("10.0.0.9/32", "10.0.0.9", "IPv4 10.0.0.9/32 is full: all 0 addresses that may be handed out are in use"),
    ],
)
def test_a_full_pool_says_so(cidr: str, gateway: str, message: str) -> None:
    pool = _pool(cidr, gateway)
    _take_all(pool)
    with pytest.raises(PoolExhaustedError) as caught:
        pool.allocate("late")
    assert str(caught.value) == message
    assert pool.used == pool.capacity


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("10.0.0.1", "10.0.0.1 is the gateway"),
        ("10.0.0.2", "10.0.0.2 is in use by somebody"),
        ("10.0.0.0", "10.0.0.0 is not an address that a workload may have in 10.0.0.0/28"),
        ("10.0.0.15", "10.0.0.15 is not an address that a workload may have in 10.0.0.0/28"),
        ("10.0.1.3", "10.0.1.3 is not an address that a workload may have in 10.0.0.0/28"),
        ("fd00::3", "fd00::3 is not an address that a workload may have in 10.0.0.0/28"),
        ("::a00:3", "::a00:3 is not an address that a workload may have in 10.0.0.0/28"),
    ],
)
def test_an_address_that_cannot_be_had(address: str, message: str) -> None:
    pool = _pool("10.0.0.0/28", "10.0.0.1")
    pool.allocate("somebody")
    before = pool.available, pool.used
    with pytest.raises(PoolError) as caught:
        pool.reserve("me", ip_address(address))
    assert str(caught.value) == message
    assert (pool.available, pool.used) == before


def test_an_excluded_address_may_be_asked_for_and_never_becomes_free() -> None:
    pool = _pool("10.0.0.0/29", "10.0.0.1", "10.0.0.2..10.0.0.4")
    pool.reserve("static", ip_address("10.0.0.3"))
    assert (pool.used, pool.available) == (1, 2)
    assert _take_all(pool) == ["10.0.0.5", "10.0.0.6"]
    pool.release(ip_address("10.0.0.3"))
    assert pool.available == 0
    pool.reserve("next", ip_address("10.0.0.3"))


def test_asking_again_for_what_one_has_changes_nothing() -> None:
    pool = _pool("10.0.0.0/29", "10.0.0.1")
    address = pool.allocate("a")
    pool.reserve("a", address)
    assert (pool.used, pool.available) == (1, 4)


def test_releasing_what_nobody_has_changes_nothing() -> None:
    pool = _pool("10.0.0.0/29", "10.0.0.1")
    for address in ("10.0.0.1", "10.0.0.4", "192.0.2.1", "fd00::1"):
        pool.release(ip_address(address))
    assert (pool.used, pool.available) == (0, 5)


def test_ranges_are_written_as_status_has_them() -> None:
    pool = _pool("10.0.0.0/28", "10.0.0.1", "10.0.0.10..10.0.0.12")
    for name in "abc":
        pool.allocate(name)
    pool.release(ip_address("10.0.0.3"))
    assert pool.used_ranges() == "10.0.0.2,10.0.0.4"
    assert pool.available_ranges() == "10.0.0.3,10.0.0.5-10.0.0.9,10.0.0.13-10.0.0.14"


def test_an_ipv6_prefix_is_a_pool_like_any_other() -> None:
    pool = _pool("fd00::/64", "fd00::1", "fd00::2..fd00::ffff")
    assert pool.capacity == 2**64 - 2**16
    assert str(pool.allocate("a")) == "fd00::1:0"
    assert pool.available_ranges() == "fd00::1:1-fd00::ffff:ffff:ffff:ffff"


@pytest.mark.parametrize(("large", "small"), [("10.0.0.0/8", "10.0.0.0/24"), ("fd00::/64", "fd00::/120")])
def test_what_a_pool_needs_does_not_grow_with_its_network(large: str, small: str) -> None:
    def needed(cidr: str) -> tuple[int, int]:
        """Bytes, and calls of functions, of a pool that 100 addresses of were used."""
        calls = 0

        def count(*_: object) -> None:
            nonlocal calls
            calls += 1

        network = ip_network(cidr)
        tracemalloc.start()
        sys.setprofile(count)
        pool = _pool(cidr, str(network[1]), f"{network[2]}..{network[9]}")
        for number in range(100):
            pool.allocate(f"o{number}")
        for number in range(10, 90, 2):
            pool.release(network[number])
        pool.used_ranges(), pool.available_ranges()
        sys.setprofile(None)
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return size, calls

    needed(small)  # what Python keeps for good
    (size, calls), (size_of_small, calls_of_small) = needed(large), needed(small)
    assert size < 1.5 * size_of_small
    assert calls < 1.5 * calls_of_small


def test_a_text_names_so_many_ranges_and_no_more() -> None:
    pool = _pool("10.0.0.0/8", "10.0.0.1")
    for number in range(MAX_RANGES + 1):
        pool.reserve("static", pool.network[2 * number + 2])
    for text in (pool.used_ranges(), pool.available_ranges()):
        assert text.endswith(",...")
        assert text.count(",") == MAX_RANGES
    assert (pool.used, pool.available) == (MAX_RANGES + 1, 2**24 - 3 - MAX_RANGES - 1)


@given(st.lists(st.integers(1, 30), unique=True, max_size=30), st.integers(1, 30))
def test_nobody_gets_an_address_twice_in_a_row_while_others_are_free(released: list[int], count: int) -> None:
    pool = _pool("10.0.0.0/27", "")
    given_out = [pool.allocate(f"a{number}") for number in range(15)]
    for index in released:
        if index < len(given_out):
            pool.release(given_out[index])
    fresh = [pool.allocate(f"b{number}") for number in range(min(count, 15))]
    assert not set(fresh) & set(given_out)
