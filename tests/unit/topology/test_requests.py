"""What may be asked for: which subnet serves, with which addresses and MAC address, and what is said when none does."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from tests.unit.topology.build import ippool, reservation, subnet
from weft.net.addresses import mac_of_name
from weft.topology.addressing import Addressing, AllocationError, Request


def _addressing() -> Addressing:
    """`blue` is full but for an IPPool, `red` has two families and two IPPools, `frames` has no addresses."""
    addressing = Addressing()
    addressing.put_pool(ippool("kept", "blue", "10.66.0.4..10.66.0.5"))
    addressing.put_subnet(subnet("blue", "10.66.0.0/29"))
    addressing.put_subnet(subnet("red", "10.67.0.0/24,fd00:67::/64", excludeIps=["10.67.0.17"]))
    addressing.put_subnet(subnet("frames", "", vlan="v1"))
    addressing.put_pool(ippool("small", "red", "10.67.0.16/30", "fd00:67::10..fd00:67::12"))
    addressing.put_pool(ippool("large", "red", "10.67.0.32/28", "fd00:67::20/123", "192.0.2.0/24"))
    for last in (2, 3, 6):
        addressing.adopt(reservation(f"b{last}", "blue", f"10.66.0.{last}"))
    return addressing


def _request(*subnets: str, **more: Any) -> Request:
    given: dict[str, Any] = {"name": "web.ns1", **more}
    if "addresses" in given:
        given["addresses"] = tuple(map(ip_address, given["addresses"]))
    if "choices" in given:
        given["choices"] = tuple(tuple(map(ip_address, choice.split(","))) for choice in given["choices"])
    return Request(subnets=subnets, **given)


@pytest.mark.parametrize(
    ("request_", "served_by", "addresses"),
    [
        pytest.param(_request("red"), "red", "10.67.0.2,fd00:67::2", id="any"),
        pytest.param(_request("gone", "blue", "red"), "red", "10.67.0.2,fd00:67::2", id="the first that can"),
        pytest.param(_request("red", families=frozenset({4})), "red", "10.67.0.2", id="IPv4 only"),
        pytest.param(_request("red", families=frozenset({6})), "red", "fd00:67::2", id="IPv6 only"),
        pytest.param(_request("blue", "red", families=frozenset({6})), "red", "fd00:67::2", id="the first with IPv6"),
        pytest.param(_request("red", addresses=["10.67.0.9"]), "red", "10.67.0.9,fd00:67::2", id="half static"),
        pytest.param(_request("blue", "red", addresses=["10.67.0.9"]), "red", "10.67.0.9,fd00:67::2", id="where it is"),
        pytest.param(_request("red", addresses=["10.67.0.33"]), "red", "10.67.0.33,fd00:67::2", id="static of a pool"),
        pytest.param(_request("red", addresses=["10.67.0.17"]), "red", "10.67.0.17,fd00:67::2", id="static, excluded"),
        pytest.param(_request("red", pools=("small",)), "red", "10.67.0.16,fd00:67::10", id="of a pool, whole CIDR"),
        pytest.param(
            _request("red", pools=("small", "large")), "red", "10.67.0.32,fd00:67::20", id="the emptiest pool"
        ),
        pytest.param(_request("red", pools=("gone", "small")), "red", "10.67.0.16,fd00:67::10", id="the pool there is"),
        pytest.param(_request("blue", pools=("kept",)), "blue", "10.66.0.4", id="a pool of a full subnet"),
        pytest.param(
            _request("red", pools=("small",), addresses=["fd00:67::12"]),
            "red",
            "10.67.0.16,fd00:67::12",
            id="half static, the rest of the pool",
        ),
        pytest.param(
            _request("blue", choices=["10.66.0.2", "10.66.0.1", "10.67.0.2", "10.66.0.5", "10.66.0.4"]),
            "blue",
            "10.66.0.5",
            id="the first choice that is free",
        ),
        pytest.param(
            _request("red", choices=["10.67.0.1,fd00:67::9", "10.67.0.8,fd00:67::8"]),
            "red",
            "10.67.0.8,fd00:67::8",
            id="a choice of both families",
        ),
        pytest.param(
            _request("red", choices=["10.67.0.8,fd00:67::8"], families=frozenset({6})),
            "red",
            "fd00:67::8",
            id="a choice, of which one family is wanted",
        ),
        pytest.param(
            _request("red", choices=["10.67.0.8"], addresses=["10.67.0.9"]),
            "red",
            "10.67.0.9,fd00:67::2",
            id="an address goes before choices",
        ),
        pytest.param(_request("frames"), "frames", "", id="no addresses"),
    ],
)
def test_what_a_request_gets(request_: Request, served_by: str, addresses: str) -> None:
    ip = _addressing().reserve(request_)
    assert (ip.spec.subnet, ip.spec.ip_address) == (served_by, addresses)
    assert ip.metadata.labels["ovn.kubernetes.io/subnet"] == served_by


FULL = "Subnet/blue: IPv4 10.66.0.0/29 is full: all 3 addresses that may be handed out are in use"
FULL += ", 2 more are free and set aside for IPPools"


@pytest.mark.parametrize(
    ("request_", "reason", "message"),
    [
        pytest.param(
            _request(), "SubnetNotFound", "no subnet is named, bound to the namespace, or the default", id="no subnet"
        ),
        pytest.param(_request("blue"), "NoAddressAvailable", FULL, id="full"),
        pytest.param(
            _request("gone", "blue"), "NoAddressAvailable", f"Subnet/gone does not exist; {FULL}", id="all are named"
        ),
        pytest.param(
            _request("gone", "red", pools=("other",)),
            "PoolNotFound",
            "Subnet/gone does not exist; Subnet/red: there is no IPPool other",
            id="no such pool",
        ),
        pytest.param(
            _request("blue", families=frozenset({6})),
            "AddressNotInSubnet",
            "Subnet/blue: there are no IPv6 addresses",
            id="no such family",
        ),
        pytest.param(
            _request("red", families=frozenset({4}), addresses=["fd00:67::9"]),
            "AddressNotInSubnet",
            "Subnet/red: fd00:67::9 is not of the IP family that is asked for",
            id="an address of the other family",
        ),
        pytest.param(
            _request("blue", "red", addresses=["10.66.0.2"]),
            "AddressConflict",
            "Subnet/blue: 10.66.0.2 is in use by b2; "
            "Subnet/red: 10.66.0.2 is not an address that a workload may have in 10.67.0.0/24",
            id="static and taken",
        ),
        pytest.param(
            _request("frames", addresses=["10.66.0.2"]),
            "AddressNotInSubnet",
            "Subnet/frames: 10.66.0.2: there are no IPv4 addresses",
            id="an address where there are none",
        ),
        pytest.param(
            _request("blue", choices=["10.66.0.2", "10.66.0.1", "10.67.0.2", "10.66.0.3", "10.66.0.6"]),
            "NoAddressAvailable",
            "Subnet/blue: no address of the list of 5 is free: 10.66.0.2 is in use by b2; "
            "10.66.0.1 is the gateway; "
            "10.67.0.2 is not an address that a workload may have in 10.66.0.0/29, and 2 more",
            id="no choice is free",
        ),
        pytest.param(
            _request("blue", choices=["10.67.0.2"]),
            "AddressNotInSubnet",
            "Subnet/blue: no address of the list of 1 is free: "
            "10.67.0.2 is not an address that a workload may have in 10.66.0.0/29",
            id="no choice is of the subnet",
        ),
        pytest.param(
            _request("blue", "red", mac="0A:58:00:00:00:09", addresses=["10.66.0.4"]),
            "AddressConflict",
            "Subnet/blue: MAC address 0a:58:00:00:00:09 is in use by b2; "
            "Subnet/red: 10.66.0.4 is not an address that a workload may have in 10.67.0.0/24",
            id="MAC in use",
        ),
        pytest.param(
            _request("red", mac="0a:58:0a:43:00:01"),
            "AddressConflict",
            "Subnet/red: MAC address 0a:58:0a:43:00:01 is in use by the gateway",
            id="MAC of the gateway",
        ),
    ],
)
def test_what_is_said_when_a_request_cannot_be_served(request_: Request, reason: str, message: str) -> None:
    addressing = _addressing()
    before = _counts(addressing)
    with pytest.raises(AllocationError) as caught:
        addressing.reserve(request_)
    assert (caught.value.reason, str(caught.value)) == (reason, message)
    assert _counts(addressing) == before


def _counts(addressing: Addressing) -> list[tuple[int, int]]:
    return [(pool.used, pool.available) for name in ("blue", "red") for pool in addressing.pools(name).values()]


def test_a_full_pool_says_which_one_and_how_full() -> None:
    addressing = _addressing()
    for number in range(2):
        addressing.reserve(_request("blue", name=f"k{number}", pools=("kept",)))
    with pytest.raises(AllocationError) as caught:
        addressing.reserve(_request("blue", pools=("kept",)))
    assert str(caught.value) == (
        "Subnet/blue: IPPool/kept has no IPv4 addresses left: all 2 addresses that may be handed out are in use"
    )


def test_pools_of_one_namespace_fill_evenly() -> None:
    addressing = _addressing()
    made = [addressing.reserve(_request("red", name=f"p{n}", pools=("small", "large"))) for n in range(19)]
    small = {ip_address(f"10.67.0.{last}") for last in (16, 18, 19)}
    assert [ip.addresses[0] in small for ip in made].index(True) == 13, "three are left in either"
    assert {ip.addresses[0] for ip in made} >= small


def test_labels_and_kind_of_the_workload_are_on_the_object() -> None:
    ip = _addressing().reserve(_request("red", labels=(("app", "x"),), pod_type="StatefulSet", node="lab1"))
    assert ip.spec.pod_type == "StatefulSet"
    assert ip.metadata.labels == {
        "ovn.kubernetes.io/subnet": "red",
        "ovn.kubernetes.io/node-name": "lab1",
        "app": "x",
    }


def test_a_mac_without_an_address_follows_from_the_name_and_avoids_others() -> None:
    addressing = _addressing()
    first = mac_of_name("web.ns1")
    addressing.reserve(_request("frames", name="thief", mac=first))
    assert addressing.reserve(_request("frames")).spec.mac_address == mac_of_name("web.ns1", 1)
    assert addressing.reserve(_request("red", mac=first)).spec.mac_address == first, "another subnet"


def test_a_mac_that_follows_from_the_address_avoids_others() -> None:
    addressing = _addressing()
    addressing.reserve(_request("red", name="thief", mac="0a:58:0a:43:00:03"))
    assert addressing.reserve(_request("red")).spec.mac_address == mac_of_name("web.ns1")
