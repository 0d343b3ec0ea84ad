"""What tunnels take of a packet, and which address they end on."""

from __future__ import annotations

import re

import pytest

from weft.net.tunnels import (
    Held,
    choose,
    is_underlay,
    largest_mtu,
    parse_interfaces,
    parse_node_networks,
    usual_mtu,
)

HOST = [
    Held("bond0", "192.0.2.11"),
    Held("eth1", "198.51.100.11"),
    Held("eth1", "198.51.100.200"),
    Held("eth2", "2001:db8::11"),
]


@pytest.mark.parametrize(
    ("types", "address", "usual", "largest"),
    [
        (["geneve"], "192.0.2.1", 1400, 1442),
        (["geneve"], "2001:db8::1", 1400, 1422),
        (["vxlan"], "192.0.2.1", 1450, 1450),
        (["vxlan"], "2001:db8::1", 1430, 1430),
        (["vxlan", "geneve"], "192.0.2.1", 1400, 1442),
        ([], "192.0.2.1", 1400, 1442),
    ],
)
def test_what_an_underlay_of_1500_carries(types: list[str], address: str, usual: int, largest: int) -> None:
    assert usual_mtu(1500, types, address) == usual
    assert largest_mtu(1500, types, address) == largest


@pytest.mark.parametrize(
    ("wanted", "current", "found"),
    [
        ("eth1", "", Held("eth1", "198.51.100.11")),
        ("eth1", "198.51.100.200", Held("eth1", "198.51.100.200")),
        ("eth9,bond0", "", Held("bond0", "192.0.2.11")),
        ("bond0,eth1", "198.51.100.11", Held("bond0", "192.0.2.11")),
        ("eth.*", "", Held("eth1", "198.51.100.11")),
        ("et", "", None),
        ("198.51.100.128/25", "", Held("eth1", "198.51.100.200")),
        ("2001:db8::/64", "", Held("eth2", "2001:db8::11")),
        ("203.0.113.0/24,eth2", "", Held("eth2", "2001:db8::11")),
        ("", "192.0.2.11", None),
    ],
)
def test_the_first_wish_that_fits_decides(wanted: str, current: str, found: Held | None) -> None:
    assert choose(HOST, parse_interfaces(wanted), current) == found


@pytest.mark.parametrize(
    ("text", "said"), [("eth[", "'eth[' is neither"), ("192.0.2.0/33", "192.0.2.0/33"), ("*", "is neither")]
)
def test_a_wish_that_means_nothing(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_interfaces(text)


@pytest.mark.parametrize("name", ["lo", "ovn0", "br-int", "genev_sys_6081", "docker0", "w0123456789abcd"])
def test_no_tunnel_ends_on_what_the_fabric_makes(name: str) -> None:
    assert not is_underlay(name)


@pytest.mark.parametrize("name", ["bond0", "br-phys", "local0", "wlan0", "ovn01"])
def test_others_may_carry_tunnels(name: str) -> None:
    assert is_underlay(name)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("{}", {}),
        ('{"storage": "192.168.100.10", "app": " 2001:DB8::0:1"}', {"storage": "192.168.100.10", "app": "2001:db8::1"}),
    ],
)
def test_networks_of_a_node(text: str, found: dict[str, str]) -> None:
    assert parse_node_networks(text) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("storage=1", "is not JSON"),
        ('["192.0.2.1"]', "is no object like"),
        ('{"storage": "192.0.2"}', "'192.0.2' does not appear"),
        ('{"storage": 5}', "storage: 5 is no address"),
        ('{"": "192.0.2.1"}', "without a name"),
    ],
)
def test_networks_that_mean_nothing(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_node_networks(text)
