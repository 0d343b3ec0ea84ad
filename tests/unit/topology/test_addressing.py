"""Who has which address: reservations in, reservations out."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tests.unit.topology.build import reservation, subnet
from weft.api.ip import IP
from weft.topology.addressing import Addressing, AllocationError, Request


def _addressing(cidr: str = "10.66.0.0/29") -> Addressing:
    addressing = Addressing()
    addressing.put_subnet(subnet("blue", cidr))
    return addressing


def _ask(name: str, *addresses: str, **more: str) -> Request:
    return Request(name, ("blue",), tuple(map(ip_address, addresses)), **more)


def _state(addressing: Addressing) -> list[tuple[int, int]]:
    return [(pool.used, pool.available) for pool in addressing.pools("blue").values()]


@pytest.mark.parametrize(
    ("cidr", "wishes", "address", "mac"),
    [
        pytest.param("10.66.0.0/24", (), "10.66.0.2", "0a:58:0a:42:00:02", id="IPv4"),
        pytest.param("fd00:66::/64", (), "fd00:66::2", "0a:5c:94:3e:ba:f9", id="IPv6"),
        pytest.param("10.66.0.0/24,fd00:66::/64", (), "10.66.0.2,fd00:66::2", "0a:58:0a:42:00:02", id="dual"),
        pytest.param("10.66.0.0/24", ("10.66.0.77",), "10.66.0.77", "0a:58:0a:42:00:4d", id="wish"),
        pytest.param(
            "10.66.0.0/24,fd00:66::/64", ("fd00:66::9",), "10.66.0.2,fd00:66::9", "0a:58:0a:42:00:02", id="half a wish"
        ),
    ],
)
def test_a_reservation_is_an_object(cidr: str, wishes: tuple[str, ...], address: str, mac: str) -> None:
    ip = _addressing(cidr).reserve(_ask("web.ns1", *wishes, pod_name="web", namespace="ns1", node="lab1"))
    assert ip.spec.ip_address == address
    assert [a for a in (ip.spec.v4_ip_address, ip.spec.v6_ip_address) if a] == address.split(",")
    assert (ip.name, ip.spec.pod_name, ip.spec.namespace, ip.spec.node_name, ip.spec.subnet) == (
        "web.ns1",
        "web",
        "ns1",
        "lab1",
        "blue",
    )
    assert ip.metadata.labels == {"ovn.kubernetes.io/subnet": "blue", "ovn.kubernetes.io/node-name": "lab1"}
    assert ip.spec.mac_address == mac


def test_a_mac_may_be_wished() -> None:
    assert _addressing().reserve(_ask("a", mac="02:00:00:00:00:01")).spec.mac_address == "02:00:00:00:00:01"


@pytest.mark.parametrize(
    ("request_", "reason", "message"),
    [
        pytest.param(Request("a", ("red",)), "SubnetNotFound", "Subnet/red does not exist", id="no subnet"),
        pytest.param(
            _ask("a", "fd00::1"),
            "AddressNotInSubnet",
            "Subnet/blue: fd00::1: there are no IPv6 addresses",
            id="a family that the subnet has not",
        ),
        pytest.param(
            _ask("a", "10.66.0.2"),
            "AddressConflict",
            "Subnet/blue: 10.66.0.2 is in use by web.ns1",
            id="taken",
        ),
        pytest.param(_ask("a", "10.66.0.1"), "AddressConflict", "Subnet/blue: 10.66.0.1 is the gateway", id="gateway"),
        pytest.param(
            _ask("a", "10.67.0.1"),
            "AddressNotInSubnet",
            "Subnet/blue: 10.67.0.1 is not an address that a workload may have in 10.66.0.0/29",
            id="outside",
        ),
    ],
)
def test_refusals_take_nothing(request_: Request, reason: str, message: str) -> None:
    addressing = _addressing()
    addressing.reserve(_ask("web.ns1"))
    before = _state(addressing)
    with pytest.raises(AllocationError) as caught:
        addressing.reserve(request_)
    assert (caught.value.reason, str(caught.value)) == (reason, message)
    assert _state(addressing) == before


def test_when_one_family_is_full_the_other_is_given_back() -> None:
    addressing = _addressing("10.66.0.0/24,fd00:66::/127")
    addressing.reserve(_ask("a"))
    before = _state(addressing)
    with pytest.raises(AllocationError, match="IPv6 fd00:66::/127 is full") as caught:
        addressing.reserve(_ask("b"))
    assert caught.value.reason == "NoAddressAvailable"
    assert _state(addressing) == before


def test_reservations_may_come_before_their_subnet() -> None:
    addressing = Addressing()
    addressing.adopt(reservation("a", "blue", "10.66.0.5"))
    addressing.put_subnet(subnet("blue", "10.66.0.0/29"))
    assert addressing.pools("blue")[4].holder(ip_address("10.66.0.5")) == "a"
    assert not addressing.conflicts


def test_a_changed_subnet_keeps_its_reservations() -> None:
    addressing = _addressing()
    ip = addressing.reserve(_ask("a"))
    addressing.put_subnet(subnet("blue", "10.66.0.0/24", excludeIps=["10.66.0.2..10.66.0.9"]))
    assert addressing.pools("blue")[4].holder(ip.addresses[0]) == "a"
    assert str(addressing.reserve(_ask("b")).addresses[0]) == "10.66.0.10"


def test_a_subnet_that_comes_back_finds_its_reservations() -> None:
    addressing = _addressing()
    addressing.reserve(_ask("a"))
    addressing.remove_subnet("blue")
    assert addressing.pools("blue") == {}
    addressing.put_subnet(subnet("blue", "10.66.0.0/29"))
    assert _state(addressing) == [(1, 4)]


A, B, C = (reservation(name, "blue", "10.66.0.5") for name in "abc")


def test_a_conflict_quarantines_both() -> None:
    addressing = _addressing()
    addressing.adopt(A)
    addressing.adopt(B)
    assert addressing.conflicts == {
        "a": "Subnet/blue: 10.66.0.5 is claimed by b too",
        "b": "Subnet/blue: 10.66.0.5 is in use by a",
    }


@pytest.mark.parametrize(("gone", "left"), [(A, "b"), (B, "a")])
def test_who_is_left_alone_with_a_claim_has_the_address(gone: IP, left: str) -> None:
    addressing = _addressing()
    addressing.adopt(A)
    addressing.adopt(B)
    addressing.release(gone)
    assert addressing.conflicts == {}
    assert addressing.pools("blue")[4].holder(ip_address("10.66.0.5")) == left


@pytest.mark.parametrize("gone", [A, B, C], ids="abc")
def test_of_three_two_go_on_to_quarrel(gone: IP) -> None:
    addressing = _addressing()
    for ip in (A, B, C):
        addressing.adopt(ip)
    assert set(addressing.conflicts) == {"a", "b", "c"}
    addressing.release(gone)
    assert set(addressing.conflicts) == {"a", "b", "c"} - {gone.name}


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("10.66.0.1", "Subnet/blue: 10.66.0.1 is the gateway"),
        ("10.99.0.1", "Subnet/blue: 10.99.0.1 is not an address that a workload may have in 10.66.0.0/29"),
    ],
)
def test_a_reservation_that_no_pool_has_is_quarantined(address: str, message: str) -> None:
    addressing = _addressing()
    addressing.adopt(reservation("a", "blue", address))
    assert addressing.conflicts == {"a": message}
    addressing.release(reservation("a", "blue", address))
    assert addressing.conflicts == {}


def test_releasing_what_is_not_reserved_changes_nothing() -> None:
    addressing = _addressing()
    addressing.adopt(A)
    addressing.release(reservation("x", "blue", "10.66.0.5"))
    addressing.release(reservation("x", "nope", "10.66.0.5"))
    assert _state(addressing) == [(1, 4)]


def test_who_was_first_stays_first_when_its_reservation_changes() -> None:
    addressing = Addressing()
    addressing.put_subnet(subnet("blue", "10.0.0.0/28"))
    addressing.adopt(reservation("first", "blue", "10.0.0.5"))
    addressing.adopt(reservation("second", "blue", "10.0.0.5"))
    mac = "02:00:00:00:00:01"
    again = addressing.reserve(Request("first", ("blue",), choices=((ip_address("10.0.0.5"),),), mac=mac))
    assert (again.addresses, again.spec.mac_address) == ([ip_address("10.0.0.5")], mac)
    assert addressing.pools("blue")[4].holder(ip_address("10.0.0.5")) == "first"
    assert addressing.conflicts.keys() == {"first", "second"}
