"""What the agent decides, as pure functions: pod interfaces, host link, namespaces, status."""

from __future__ import annotations

from dataclasses import replace

import pytest

from weft.agent import host, namespaces, wiring
from weft.agent.attachment import Route
from weft.agent.cni_types import CniError
from weft.agent.device import base
from weft.agent.namespaces import Note
from weft.agent.netlink import LinkState
from weft.agent.ovn import OvnController
from weft.agent.ovs import Interface, LocalOvs
from weft.agent.status import host_addresses, host_problems
from weft.agent.underlay import Encapsulation, encapsulation, holder
from weft.agent.view import Host, Port, Rows, Subnet, View
from weft.agent.vitals import Vitals

SUBNET = Subnet("blue", ("10.0.0.0/24", "fd00::/64"), ("10.0.0.1", "fd00::1"), 0, host_routed=True)
PORT = Port("web.ns1", "ns1", "web", "u1", "eth0", "blue", "0A:00:00:00:00:01", ("10.0.0.5", "fd00::5"), "")

WELL = Vitals("", OvnController("25.03.0", True))
DEFAULTS = (Route("0.0.0.0/0", "10.0.0.1"), Route("::/0", "fd00::1"))


def link(name: str, *addresses: str, mtu: int = 1500, alias: str = "", mac: str = "0a:00:00:00:00:01") -> LinkState:
    return LinkState(7, name, mac, mtu, True, alias, frozenset(addresses))


# --- pods ---


def test_interface_takes_lengths_and_gateways_from_the_subnet() -> None:
    wanted = wiring.plan(PORT, SUBNET, 1500)
    assert wanted.addressing.texts == ("10.0.0.5/24", "fd00::5/64")
    assert wanted.addressing.gateways == ("10.0.0.1", "fd00::1")
    assert wanted.addressing.routes == DEFAULTS
    assert wanted.mtu == 1500
    assert wiring.plan(PORT, replace(SUBNET, mtu=1300), None).mtu == 1300


def test_gateway_of_a_family_without_address_is_no_route() -> None:
    own = wiring.plan(replace(PORT, addresses=("fd00::5",)), SUBNET, 1600).addressing
    assert (own.gateways, own.routes) == (("fd00::1",), (Route("::/0", "fd00::1"),))


@pytest.mark.parametrize(
    ("port", "routes"),
    [
        (replace(PORT, default_route=False), ()),
        (
            replace(PORT, routes=("0.0.0.0/0 via 10.0.0.254",)),
            (Route("::/0", "fd00::1"), Route("0.0.0.0/0", "10.0.0.254")),
        ),
        (replace(PORT, addresses=()), ()),
        (
            replace(PORT, default_route=False, routes=("192.168.0.101/24 via 10.0.0.254", "::/0 via fd00::9")),
            (Route("192.168.0.0/24", "10.0.0.254"), Route("::/0", "fd00::9")),
        ),
        (replace(PORT, routes=("10.9.9.9 via 10.0.0.7",)), (*DEFAULTS, Route("10.9.9.9/32", "10.0.0.7"))),
    ],
    ids=[
        "another network has it",
        "by a gateway of its own in one family",
        "no addresses",
        "by other gateways",
        "one host",
    ],
)
def test_routes_are_what_the_port_says(port: Port, routes: tuple[Route, ...]) -> None:
    assert wiring.plan(port, SUBNET, 1600).addressing.routes == routes


def test_route_that_is_none_is_named() -> None:
    with pytest.raises(CniError) as caught:
        wiring.plan(replace(PORT, routes=("10.0.0.0/8",)), SUBNET, 1600)
    assert str(caught.value).startswith("Port/web.ns1: routes: got '10.0.0.0/8', allowed is `DESTINATION via GATEWAY`")


def test_address_outside_its_subnet_is_named() -> None:
    with pytest.raises(CniError) as caught:
        wiring.plan(replace(PORT, addresses=("10.9.9.9",)), SUBNET, 1600)
    assert str(caught.value) == (
        "Port/web.ns1: addresses: got 10.9.9.9, which is in none of Subnet/blue's CIDRs 10.0.0.0/24, fd00::/64"
    )


def test_unknown_underlay_is_to_be_tried_again() -> None:
    with pytest.raises(CniError) as caught:
        wiring.plan(PORT, SUBNET, None)
    assert caught.value.code == 11


@pytest.mark.parametrize("port", ["a.b", "x" * 253, "web-0.team-1"])
def test_host_interface_names_fit_the_kernel(port: str) -> None:
    name = base.host_interface(port)
    assert name.startswith("w")
    assert len(name) == 15
    assert name == base.host_interface(port) != base.host_interface(port + "x")


def test_faults_are_all_named() -> None:
    wanted = wiring.plan(PORT, SUBNET, 1500)
    good = link("eth0", "10.0.0.5/24", "fd00::5/64", "192.0.2.1/32")
    assert base.faults(wanted, good, {*DEFAULTS, Route("10.0.0.0/24", "")}) == []
    assert base.faults(wanted, None, set()) == ["the interface is not there"]
    bad = replace(link("eth0", "10.0.0.5/24", mac="0a:00:00:00:00:09", mtu=1400), up=False)
    assert base.faults(wanted, bad, {DEFAULTS[0]}) == [
        "MAC is 0a:00:00:00:00:09, expected 0A:00:00:00:00:01",
        "MTU is 1400, expected 1500",
        "it is down",
        "addresses missing: fd00::5/64",
        "routes missing: ::/0 via fd00::1",
    ]


def test_leftovers_on_either_side() -> None:
    recorded = [Interface("w1", {}), Interface("w2", {}), Interface("w4", {"device": "vhostuser"})]
    assert wiring.stale_interfaces(recorded, {"w1", "eth0"}) == ["w2"], "a socket has no link"
    known, lost = base.host_interface("a.b"), base.host_interface("c.d")
    links = [link(known, alias="weft:c1/eth0"), link(lost, alias="weft:c3/eth0"), link("eth0")]
    assert wiring.stale_links([*links, link("eth4", alias="weft:c4/eth0")], {known}) == [lost], "a representor stays"


def test_wired_ports_without_a_row() -> None:
    recorded = [
        Interface(name, {"iface-id": port}) for name, port in (("w1", "web.ns1"), ("w2", "x.y"), ("o", "node-h1"))
    ]
    assert wiring.unclaimed(recorded, Rows({"web.ns1": PORT}, {}, HOST)) == {"x.y"}


# --- host link ---

HOST = Host("h1", "node-h1", "0A:00:00:00:00:02", ("100.64.0.2/16",), ("100.64.0.1",), 0)
JOIN = Subnet("join", ("100.64.0.0/16",), ("100.64.0.1",), 0, host_routed=True)


def test_host_routes_lead_to_routed_subnets_of_a_family_that_has_a_gateway() -> None:
    subnets = {s.name: s for s in (JOIN, SUBNET, replace(SUBNET, name="x", cidrs=("10.7.0.0/16",), host_routed=False))}
    wanted = host.plan(HOST, subnets, 1500)
    assert wanted.routes == {Route("10.0.0.0/24", "100.64.0.1")}, "not to join itself, nor IPv6, nor an unrouted subnet"
    assert wanted.mac == "0a:00:00:00:00:02"


def test_host_link_that_is_right_needs_nothing() -> None:
    wanted = host.plan(HOST, {"blue": SUBNET}, 1500)
    state = link("ovn0", "100.64.0.2/16", mac="0a:00:00:00:00:02")
    assert not host.compare(wanted, state, wanted.routes).needed


def test_host_link_repairs_name_each_difference() -> None:
    wanted = host.plan(HOST, {"blue": SUBNET}, 1400)
    state = replace(link("ovn0", "192.0.2.1/24"), up=False)
    repair = host.compare(wanted, state, {Route("10.8.0.0/16", "100.64.0.1")})
    assert repair == host.Repair(
        mac="0a:00:00:00:00:02",
        mtu=1400,
        raise_link=True,
        add_addresses=("100.64.0.2/16",),
        remove_addresses=("192.0.2.1/24",),
        add_routes=(Route("10.0.0.0/24", "100.64.0.1"),),
        remove_routes=(Route("10.8.0.0/16", "100.64.0.1"),),
    )


# --- kept namespaces ---


def note(name: str, uid: str = "u1") -> Note:
    return Note(name, "fabric", name, uid, "eth0")


def test_namespaces_follow_the_ports() -> None:
    wanted = {"same": note("same"), "new": note("new"), "other": note("other", "u2")}
    noted = {"same": note("same"), "gone": note("gone"), "other": note("other", "u1")}
    assert namespaces.plan(wanted, noted) == [
        ("remove", note("gone"), None),
        ("keep", note("same"), None),
        ("keep", note("new"), None),
        ("replace", note("other", "u2"), note("other", "u1")),
    ]


# --- status ---


def test_tunnel_address_as_ovn_controller_takes_it() -> None:
    settings = {"system-id": "h1", "ovn-encap-ip": "192.0.2.1,192.0.2.2", "ovn-encap-type": "geneve,vxlan"}
    both, types = ("192.0.2.1", "192.0.2.2"), ("geneve", "vxlan")
    assert encapsulation(settings) == Encapsulation(both, "192.0.2.1", types)
    assert encapsulation({**settings, "ovn-encap-ip-default": "192.0.2.2"}).default == "192.0.2.2"
    assert encapsulation({**settings, "ovn-encap-ip-default": "192.0.2.3"}).default == "192.0.2.1"
    assert encapsulation({**settings, "ovn-encap-ip-h1": "192.0.2.9"}) == Encapsulation(
        ("192.0.2.9",), "192.0.2.9", types
    )
    assert encapsulation({}) == Encapsulation()


def test_host_addresses_without_those_of_the_fabric() -> None:
    links = [link("mgmt0", "fd00::3/64", "192.0.2.3/24"), link("ovn0", "100.64.0.2/16"), link("lo", "192.0.2.9/32")]
    assert host_addresses(links) == ("192.0.2.3", "fd00::3")
    assert holder(links, "192.0.2.3") == links[0]
    assert holder(links, "192.0.2.4") is None


@pytest.mark.parametrize(
    ("address", "mtu", "connected", "daemons", "problem"),
    [
        ("192.0.2.1", 1500, True, WELL, None),
        ("", None, True, WELL, "encap"),
        ("192.0.2.1", None, True, WELL, "encap"),
        ("", None, False, WELL, "open-vswitch"),
        ("192.0.2.1", 1500, True, Vitals("", OvnController(error="it does not run")), "ovn-controller"),
        ("192.0.2.1", 1500, True, Vitals("it does not run", OvnController("25.03.0", True)), "ovs-vswitchd"),
    ],
)
def test_problems_of_a_host(
    address: str, mtu: int | None, connected: bool, daemons: Vitals, problem: str | None
) -> None:
    ovs = LocalOvs("unix:/nonexistent", "br-int")
    ovs.connected, ovs.datapath_type = connected, "netdev" if connected else None
    found = {name for name, text in host_problems(address, mtu, ovs, daemons, View("h1")).items() if text}
    assert found == ({problem} if problem else set())
