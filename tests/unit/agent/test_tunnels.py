"""Which addresses ovn-controller is told, which interfaces are bound to one, and what is warned of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from weft.agent.config import TunnelConfig
from weft.agent.netlink import LinkState, Netlink
from weft.agent.ovs import Interface, LocalOvs
from weft.agent.pitfalls import pitfalls
from weft.agent.tunnels import MARK, Seen, Wish, bindings, resolve
from weft.agent.underlay import Underlay, node_networks
from weft.agent.view import Host, Port, Rows, Subnet, View
from weft.ovsdb.database import RowChange

BASE, OTHER, STORAGE, V6 = "192.0.2.11", "198.51.100.11", "10.10.10.10", "2001:db8::11"
GROUND = {"system-id": "h1", "ovn-encap-ip": BASE, "ovn-encap-type": "geneve"}
IP, DEFAULT = "ovn-encap-ip-h1", "ovn-encap-ip-default-h1"


def link(index: int, name: str, *addresses: str, mtu: int = 1500) -> LinkState:
    return LinkState(index, name, "0a:00:00:00:00:01", mtu, True, "", frozenset(addresses))


LINKS = [
    link(1, "lo", "127.0.0.1/8"),
    link(2, "eth0", f"{BASE}/24"),
    link(3, "eth1", f"{OTHER}/24", f"{V6}/64"),
    link(4, "eth2", f"{STORAGE}/24", mtu=9000),
    link(5, "bond0"),
    link(6, "ovn0", "100.64.0.2/16"),
]


def ours(addresses: str, default: str) -> dict[str, str]:
    return {IP: addresses, DEFAULT: default, MARK: addresses}


def host(interface: str = "", mtu: int = 0, **networks: str) -> Host:
    return Host("h1", "node-h1", "0a:00:00:00:00:09", ("100.64.0.2/16",), ("100.64.0.1",), mtu, interface, networks)


def outcome(
    settings: Mapping[str, str], node: Host | None, config: TunnelConfig, links: list[LinkState] = LINKS,
    patient: bool = False,
) -> tuple[dict[str, str], Mapping[str, str]]:  # fmt: skip
    """The settings afterwards without the ground, and the problems."""
    found = resolve(settings, Wish.of(config, node), Seen.of(links, config), patient)
    after = {**settings, **found.change}
    return {key: value for key, value in after.items() if value and key not in GROUND}, found.problems


@pytest.mark.parametrize(
    ("before", "node", "config", "after"),
    [
        ({}, None, {}, {}),
        ({}, None, {"interfaces": ["eth0"]}, {}),
        ({}, None, {"interfaces": ["eth1"]}, ours(OTHER, OTHER)),
        ({}, None, {"interfaces": ["bond0", "eth1"]}, ours(OTHER, OTHER)),
        ({}, None, {"interfaces": ["eth.*"]}, {}),
        ({}, None, {"interfaces": ["eth[12]"], "family": "ipv6"}, ours(V6, V6)),
        ({}, None, {"interfaces": ["eth[1-9]{1,2}"]}, ours(OTHER, OTHER)),
        ({}, None, {"interfaces": ["eth.*"], "cidrs": ["10.10.0.0/16"]}, ours(STORAGE, STORAGE)),
        ({}, None, {"interfaces": ["198.51.100.0/24"]}, ours(OTHER, OTHER)),
        ({}, host("eth2"), {"interfaces": ["eth1"]}, ours(STORAGE, STORAGE)),
        ({}, host(storage=STORAGE), {}, ours(f"{BASE},{STORAGE}", BASE)),
        ({}, None, {"networks": {"storage": STORAGE}}, ours(f"{BASE},{STORAGE}", BASE)),
        ({}, host(storage=OTHER), {"networks": {"storage": STORAGE}}, ours(f"{BASE},{OTHER}", BASE)),
        ({}, host(storage=BASE), {}, {}),
        ({}, host("eth1", app=BASE, storage=STORAGE), {}, ours(f"{OTHER},{BASE},{STORAGE}", OTHER)),
        (ours(f"{BASE},{STORAGE}", BASE), None, {}, {}),
        (ours(OTHER, OTHER), None, {"interfaces": ["eth0"]}, {}),
        ({IP: OTHER}, None, {}, {IP: OTHER}),
    ],
)
def test_what_ovn_controller_is_told(
    before: dict[str, str], node: Host | None, config: dict[str, Any], after: dict[str, str]
) -> None:
    found, problems = outcome({**GROUND, **before}, node, TunnelConfig(**config))
    assert (found, problems) == (after, {})
    assert outcome({**GROUND, **found}, node, TunnelConfig(**config)) == (after, {})


def test_further_addresses_of_the_inventory_stay() -> None:
    ground = {**GROUND, "ovn-encap-ip": f"{BASE},{OTHER}", "ovn-encap-ip-default": OTHER}
    found, _ = outcome(ground, host(storage=STORAGE), TunnelConfig())
    assert found[IP] == f"{OTHER},{BASE},{STORAGE}"
    assert found[DEFAULT] == OTHER


def test_an_address_that_is_away_for_a_moment_keeps_its_tunnels() -> None:
    away = [item for item in LINKS if item.name != "eth0"]
    config = TunnelConfig(interfaces=["eth0", "eth1"])
    assert outcome(GROUND, None, config, away, patient=True)[0] == {}
    assert outcome(GROUND, None, config, away)[0] == ours(OTHER, OTHER)


def test_an_address_in_use_stays_in_the_list_when_its_link_is_away() -> None:
    away = [item for item in LINKS if item.name != "eth2"]
    used = ours(f"{BASE},{STORAGE}", BASE)
    found, problems = outcome({**GROUND, **used}, host(storage=STORAGE), TunnelConfig(), away)
    assert found == used
    assert f"no link has {STORAGE}, this host's address in network storage" in problems["tunnel/storage"]


@pytest.mark.parametrize(
    ("before", "node", "config", "name", "said"),
    [
        ({}, host("eth7"), {}, "tunnel/interface", "no interface with an address fits 'eth7'; looked at eth0 (192.0."),
        ({}, None, {"interfaces": ["bond0"]}, "tunnel/interface", "eth2 (10.10.10.10), bond0 (no address)"),
        ({}, host(app="203.0.113.1"), {}, "tunnel/app", "no link has 203.0.113.1"),
        ({IP: OTHER}, host(storage=STORAGE), {}, "tunnel/override", f"external_ids:{IP} was set by somebody else"),
        ({IP: OTHER, MARK: BASE}, host("eth0"), {}, "tunnel/override", "somebody else"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_changes_nothing(
    before: dict[str, str], node: Host | None, config: dict[str, Any], name: str, said: str
) -> None:
    found, problems = outcome({**GROUND, **before}, node, TunnelConfig(**config))
    assert found == before
    assert said in problems[name]
    assert "ovn0" not in problems[name]


# --- interfaces, and pitfalls ---


def port(name: str, subnet: str, network: str = "") -> Port:
    return Port(f"{name}.ns1", "ns1", name, "u", "eth0", subnet, "0a:00:00:00:00:05", (), "", node_network=network)


def subnet(name: str, mtu: int = 0, network: str = "") -> Subnet:
    return Subnet(name, ("10.0.0.0/24",), ("10.0.0.1",), mtu, host_routed=True, node_network=network)


def rows(*items: Port | Subnet, node: Host | None = None) -> Rows:
    ports = {item.name: item for item in items if isinstance(item, Port)}
    return Rows(ports, {item.name: item for item in items if isinstance(item, Subnet)}, node)


def test_interfaces_are_bound_as_subnet_and_pod_say() -> None:
    known = rows(subnet("blue"), subnet("store", network="storage"), port("a", "blue"), port("b", "store"),
                 port("c", "store", "app"), port("d", "blue", "app"), port("e", "store"))  # fmt: skip
    wired = [
        Interface(f"w-{name}", {"iface-id": f"{name}.ns1", "vendor": "weft", **({"encap-ip": has} if has else {})})
        for name, has in [("a", STORAGE), ("b", ""), ("c", OTHER), ("d", BASE), ("e", STORAGE), ("gone", STORAGE)]
    ]
    assert bindings(wired, known, {"storage": STORAGE, "app": OTHER}) == {
        "w-a": {"encap-ip": None}, "w-b": {"encap-ip": STORAGE}, "w-d": {"encap-ip": OTHER}
    }  # fmt: skip
    assert bindings(wired[4:5], known, {}) == {"w-e": {"encap-ip": None}}


def warned(known: Rows, links: list[LinkState] = LINKS, types: str = "geneve", **config: str) -> dict[str, str]:
    """What is warned of on a host with the userspace datapath, whose tunnels begin at `br-phys`."""
    ovs, view = LocalOvs("unix:/nonexistent", "br-int"), View("h1", known)
    networks = node_networks(TunnelConfig(), known.host)
    settings = {**GROUND, "ovn-encap-ip": ",".join([BASE, *networks.values()]), "ovn-encap-type": types}
    changes = [("Open_vSwitch", {"external_ids": settings, "other_config": config, "ovs_version": ["3.1.0"]})]
    changes += [("Bridge", {"name": name, "datapath_type": "netdev"}) for name in ("br-int", "br-phys")]
    ovs._apply([RowChange(table, uuid4(), "insert", row) for table, row in changes])
    ovs.connected = True
    underlay = Underlay(TunnelConfig(), view, ovs, Netlink())
    underlay.update(links)
    return pitfalls(ovs, known, links, underlay)


BRIDGED = [link(2, "br-phys", f"{BASE}/24"), link(4, "eth2", f"{STORAGE}/24", mtu=9000)]


@pytest.mark.parametrize(
    ("known", "links", "types", "config", "problems"),
    [
        (rows(subnet("blue", 1442), port("a", "blue"), node=host(mtu=1400)), BRIDGED, "geneve", {}, {}),
        (
            rows(subnet("blue", 1443), port("a", "blue")), BRIDGED, "geneve", {},
            {"mtu/blue": "its mtu is 1443, and geneve tunnels from 192.0.2.11 carry 1442 at most"},
        ),
        (rows(subnet("blue", 1450), port("a", "blue")), BRIDGED, "vxlan", {}, {}),
        (rows(subnet("blue", 9000)), BRIDGED, "geneve", {}, {}),
        (
            rows(subnet("blue", 8900, "storage"), port("a", "blue"), node=host(mtu=1500, storage=STORAGE)), BRIDGED,
            "vxlan,geneve", {}, {"mtu/join": "its mtu is 1500, and vxlan+geneve tunnels from 192.0.2.11 carry 1442"},
        ),
        (
            rows(subnet("blue", 0, "app"), port("a", "blue"), node=host(storage=STORAGE)), BRIDGED, "geneve", {},
            {"tunnel/app": "ports are bound to network app; networks of this host: storage"},
        ),
        (rows(), LINKS, "geneve", {}, {"tunnel/datapath": "192.0.2.11 is on eth0, which is none"}),
        (
            rows(), BRIDGED, "geneve", {"userspace-tso-enable": "true"},
            {"tunnel/offload": "may be lost with Open vSwitch 3.1.0, before 3.5"},
        ),
    ],
)  # fmt: skip
def test_pitfalls(
    known: Rows, links: list[LinkState], types: str, config: dict[str, str], problems: dict[str, str]
) -> None:
    found = warned(known, links, types, **config)
    assert found.keys() == problems.keys()
    assert all(text in found[name] for name, text in problems.items())
