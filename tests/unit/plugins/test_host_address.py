"""Which of a host's addresses is meant."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from plugins.modules.host_address import matching

CANDIDATES = [
    ("eth0", "192.0.2.1"),
    ("eth0", "2001:db8::1"),
    ("bond0", "198.51.100.1"),
    ("bond1", "198.51.100.129"),
]


@pytest.mark.parametrize(
    ("interfaces", "cidrs", "family", "found"),
    [
        (["bond0"], [], "any", ["198.51.100.1"]),
        (["bond9", "bond0"], [], "any", ["198.51.100.1"]),
        (["bond0", "bond1"], [], "any", ["198.51.100.1"]),
        (["bond."], [], "any", ["198.51.100.1", "198.51.100.129"]),
        (["bon"], [], "any", []),
        (["eth.*"], [], "ipv6", ["2001:db8::1"]),
        ([], ["198.51.100.128/25"], "any", ["198.51.100.129"]),
        (["eth0"], ["198.51.100.0/24"], "any", []),
        (["203.0.113.0/24", "198.51.100.128/25", "bond0"], [], "any", ["198.51.100.129"]),
        ([], [], "ipv4", ["192.0.2.1", "198.51.100.1", "198.51.100.129"]),
    ],
)
def test_matching(interfaces: list[str], cidrs: list[str], family: str, found: list[str]) -> None:
    networks = [ip_network(cidr) for cidr in cidrs]
    assert [address for _name, address in matching(CANDIDATES, interfaces, networks, family)] == found
