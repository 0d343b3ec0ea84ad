"""Texts of the API and what they mean."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.net.addresses import (
    Family,
    first_host,
    format_range,
    host_bounds,
    mac_of,
    parse_addresses,
    parse_networks,
    parse_range,
    split_list,
)

_V4 = st.ip_addresses(v=4)
_V6 = st.ip_addresses(v=6)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        (" , ,", []),
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        (" a , b ,", ["a", "b"]),
    ],
)
def test_split_list(text: str, parts: list[str]) -> None:
    assert split_list(text) == parts


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("10.16.0.0/16", ["10.16.0.0/16"], id="IPv4"),
        pytest.param("fd00:10:16::/64", ["fd00:10:16::/64"], id="IPv6"),
        pytest.param("10.16.0.0/16,fd00:10:16::/64", ["10.16.0.0/16", "fd00:10:16::/64"], id="dual"),
        pytest.param("fd00:10:16::/64, 10.16.0.0/16", ["10.16.0.0/16", "fd00:10:16::/64"], id="IPv4 comes first"),
        pytest.param("FD00:0:0::/64", ["fd00::/64"], id="IPv6 is written in one way"),
    ],
)
def test_networks(text: str, networks: list[str]) -> None:
    assert list(map(str, parse_networks(text))) == networks


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10.16.0.5/16", "10.16.0.5/16 has host bits set"),
        ("10.16.0.0/33", "'10.16.0.0/33' does not appear to be an IPv4 or IPv6 network"),
        ("blue", "'blue' does not appear to be an IPv4 or IPv6 network"),
        ("10.16.0.0", "'10.16.0.0' has no prefix length, as 10.16.0.0/24 has"),
        ("10.16.0.0/255.255.0.0", "'10.16.0.0/255.255.0.0' has no prefix length, as 10.16.0.0/24 has"),
        ("10.0.0.0/16,10.1.0.0/16", "at most one of each address family is allowed"),
        ("fd00::/64,10.0.0.0/16,fd01::/64", "at most one of each address family is allowed"),
    ],
)
def test_networks_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_networks(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("", []),
        ("10.16.0.1", ["10.16.0.1"]),
        ("fd00::1", ["fd00::1"]),
        ("fd00:0::0001,10.16.0.1", ["10.16.0.1", "fd00::1"]),
    ],
)
def test_addresses(text: str, addresses: list[str]) -> None:
    assert list(map(str, parse_addresses(text))) == addresses


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10.16.0", "'10.16.0' does not appear to be an IPv4 or IPv6 address"),
        ("10.16.0.1/16", "'10.16.0.1/16' does not appear to be an IPv4 or IPv6 address"),
        ("10.16.0.01", "'10.16.0.01' does not appear to be an IPv4 or IPv6 address"),
        ("10.0.0.1,10.0.0.2", "at most one of each address family is allowed"),
        ("fd00::1,fd00::2", "at most one of each address family is allowed"),
    ],
)
def test_addresses_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_addresses(text)
    assert str(caught.value) == message


@given(_V4, _V6, st.booleans())
def test_two_families_in_any_order_are_read_the_same(v4: IPv4Address, v6: IPv6Address, swap: bool) -> None:
    texts = [str(v6), str(v4)] if swap else [str(v4), str(v6)]
    assert parse_addresses(",".join(texts)) == [v4, v6]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("10.66.0.101..10.66.0.151", "10.66.0.101", "10.66.0.151"),
        ("10.66.0.101 .. 10.66.0.151", "10.66.0.101", "10.66.0.151"),
        ("10.66.0.1", "10.66.0.1", "10.66.0.1"),
        ("10.66.0.1..10.66.0.1", "10.66.0.1", "10.66.0.1"),
        ("fd00::a..fd00::ff", "fd00::a", "fd00::ff"),
    ],
)
def test_range(text: str, low: str, high: str) -> None:
    assert parse_range(text) == (ip_address(low), ip_address(high))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10.0.0.9..10.0.0.1", "'10.0.0.9..10.0.0.1' ends before it begins"),
        ("10.0.0.1..fd00::1", "'10.0.0.1..fd00::1' mixes IPv4 and IPv6"),
        ("10.0.0.1..", "'' does not appear to be an IPv4 or IPv6 address"),
        ("..10.0.0.1", "'' does not appear to be an IPv4 or IPv6 address"),
        ("10.0.0.1...10.0.0.2", "'.10.0.0.2' does not appear to be an IPv4 or IPv6 address"),
        ("10.0.0.1-10.0.0.2", "'10.0.0.1-10.0.0.2' does not appear to be an IPv4 or IPv6 address"),
        ("", "'' does not appear to be an IPv4 or IPv6 address"),
    ],
)
def test_range_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_range(text)
    assert str(caught.value) == message


@given(_V4 | _V6, _V4 | _V6)
def test_a_range_has_one_family_and_a_direction(
    low: IPv4Address | IPv6Address, high: IPv4Address | IPv6Address
) -> None:
    text = f"{low}..{high}"
    if low.version == high.version and int(low) <= int(high):
        assert parse_range(text) == (low, high)
    else:
        with pytest.raises(ValueError):
            parse_range(text)


@pytest.mark.parametrize(
    ("low", "high", "family", "text"),
    [
        ("10.0.0.1", "10.0.0.1", 4, "10.0.0.1"),
        ("10.0.0.1", "10.0.0.9", 4, "10.0.0.1-10.0.0.9"),
        ("::1", "::1", 6, "::1"),
        ("fd00::1", "fd00::ff", 6, "fd00::1-fd00::ff"),
    ],
)
def test_format_range(low: str, high: str, family: Family, text: str) -> None:
    assert format_range(int(ip_address(low)), int(ip_address(high)), family) == text


@pytest.mark.parametrize(
    ("cidr", "gateway", "low", "high"),
    [
        pytest.param("10.0.0.0/24", "10.0.0.1", "10.0.0.1", "10.0.0.254", id="IPv4 without network and broadcast"),
        pytest.param("10.0.0.0/30", "10.0.0.1", "10.0.0.1", "10.0.0.2", id="the smallest IPv4 with both"),
        pytest.param("10.0.0.0/31", "10.0.0.0", "10.0.0.0", "10.0.0.1", id="RFC 3021"),
        pytest.param("10.0.0.7/32", "10.0.0.7", "10.0.0.7", "10.0.0.7", id="one address"),
        pytest.param("fd00::/64", "fd00::1", "fd00::1", "fd00::ffff:ffff:ffff:ffff", id="IPv6 has no broadcast"),
        pytest.param("fd00::/126", "fd00::1", "fd00::1", "fd00::3", id="IPv6 without router anycast"),
        pytest.param("fd00::/127", "fd00::", "fd00::", "fd00::1", id="RFC 6164"),
        pytest.param("fd00::7/128", "fd00::7", "fd00::7", "fd00::7", id="one IPv6 address"),
    ],
)
def test_hosts_of_a_network(cidr: str, gateway: str, low: str, high: str) -> None:
    network = ip_network(cidr)
    assert str(first_host(network)) == gateway
    assert host_bounds(network) == (int(ip_address(low)), int(ip_address(high)))


@pytest.mark.parametrize(
    ("address", "mac"),
    [
        ("10.66.0.11", "0a:58:0a:42:00:0b"),
        ("0.0.0.0", "0a:58:00:00:00:00"),
        ("255.255.255.255", "0a:58:ff:ff:ff:ff"),
        ("fd00:10:16::1", "0a:49:1e:49:9c:02"),
    ],
)
def test_mac_follows_from_the_address(address: str, mac: str) -> None:
    assert mac_of(ip_address(address)) == mac


@given(_V4, _V4)
def test_two_ipv4_addresses_have_two_macs(one: IPv4Address, other: IPv4Address) -> None:
    assert (mac_of(one) == mac_of(other)) == (one == other)


@given(_V4 | _V6)
def test_macs_are_unicast_and_locally_administered(address: IPv4Address | IPv6Address) -> None:
    assert int(mac_of(address)[:2], 16) & 0b11 == 0b10
    assert len(mac_of(address)) == 17
