"""What a pod's owner writes: each form that Kube-OVN's manual has, and what is said of the wrong ones."""

from __future__ import annotations

import re
from ipaddress import ip_address as ip

import pytest

from weft.api.annotations import parse_families, parse_ip_pool, parse_routes, wishes, written, wrong
from weft.api.attachment import NetworkAttachmentDefinition, NetworkRequest, parse_requests

LONG = """[{"name": "a", "namespace": "default", "interface": "x", "ips": ["10.1.0.5/24", "fd00::5"],
            "mac": "0A:00:00:00:00:01", "default-route": ["10.1.0.1"]}]"""


@pytest.mark.parametrize(
    ("text", "offers"),
    [
        ("10.16.0.15", ["10.16.0.15"]),
        ("10.16.0.15,10.16.0.16, 10.16.0.17", ["10.16.0.15", "10.16.0.16", "10.16.0.17"]),
        ("10.16.0.15,fd00:10:16::15", ["10.16.0.15 fd00:10:16::15"]),
        ("fd00:10:16::15,10.16.0.15", ["10.16.0.15 fd00:10:16::15"]),
        (
            "10.16.0.15,fd00:10:16::000E;10.16.0.16,fd00:10:16::000F;10.16.0.17,fd00:10:16::0010",
            ["10.16.0.15 fd00:10:16::e", "10.16.0.16 fd00:10:16::f", "10.16.0.17 fd00:10:16::10"],
        ),
        ("pool-1", []),
        ("pool-1,pool-2", []),
        ("", []),
    ],
)
def test_ip_pool_offers_addresses_or_names_pools(text: str, offers: list[str]) -> None:
    assert [" ".join(map(str, offer)) for offer in parse_ip_pool(text)] == offers


@pytest.mark.parametrize(
    ("text", "routes"),
    [
        ('[{"dst": "192.168.0.101/24", "gw": "10.16.0.254"}]', [("192.168.0.0/24", "10.16.0.254")]),
        ('[{"gw": "10.16.0.254"}]', [("0.0.0.0/0", "10.16.0.254")]),
        ('[{"dst": "", "gw": "fd00::1"}]', [("::/0", "fd00::1")]),
        ("[]", []),
    ],
)
def test_routes(text: str, routes: list[tuple[str, str]]) -> None:
    assert parse_routes(text) == routes


def test_families_are_read_in_any_case() -> None:
    assert [sorted(parse_families(text)) for text in ("IPv4", "ipv6", "Dual")] == [[4], [6], [4, 6]]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("ip_address", "10.16.0", "'10.16.0' does not appear to be an IPv4 or IPv6 address"),
        ("ip_address", "10.16.0.1,10.16.0.2", "at most one of each address family is allowed"),
        ("mac_address", "01:00:00:53:6B:B6", "is not a unicast MAC address"),
        ("ip_pool", "10.16.0.15,pool-1", "'pool-1' does not appear to be"),
        ("ip_family", "IPv5", "allowed: IPv4, IPv6, Dual"),
        ("routes", "10.0.0.0/8", "is not JSON"),
        ("routes", '{"dst": "10.0.0.0/8"}', "is not a list like"),
        ("routes", '[{"dst": "10.0.0.0/8", "gw": "fd00::1"}]', "of two address families"),
        ("routes", '[{"dst": "10.0.0.0/8", "via": "10.0.0.1"}]', "'via': no such field; allowed: dst, gw"),
        ("default_route", "yes", "'yes': allowed: true, false"),
        ("port_security", "True", "'True': allowed: true, false"),
        ("logical_switch", "blue,red", "'blue,red': one subnet is allowed"),
        ("north_gateway", "gw", "'gw' does not appear to be"),
        ("ingress_rate", "fast", "'fast': allowed: a number of Mbit/s from 0 to 400000"),
        ("egress_rate", "-3", "'-3': allowed: a number of Mbit/s from 0 to 400000"),
        ("egress_rate", "1e3", "'1e3': allowed: a number of Mbit/s"),
        ("latency", "60001", "'60001': allowed: a number of ms from 0 to 60000"),
        ("loss", "100.5", "'100.5': allowed: a number of percent from 0 to 100"),
        ("limit", "0.5", "'0.5': allowed: a whole number of packets from 0 to 1000000"),
        ("mirror", "mirror0", "'mirror0': allowed: true, false"),
        ("mirror_collector", "vxlan:192.0.2.9/1", "allowed: gre:ADDRESS/KEY, erspan:ADDRESS/SESSION"),
        ("mirror_collector", "gre:192.0.2/1", "'192.0.2' does not appear to be"),
        ("mirror_collector", "gre:224.0.0.1/1", "is not the address of one collector"),
        ("mirror_collector", "gre:192.0.2.9/4294967296", "allowed for gre: a key from 0 to 4294967295"),
        ("mirror_collector", "erspan:192.0.2.9/1024", "allowed for erspan: a key from 0 to 1023"),
    ],
)
@pytest.mark.parametrize("provider", ["ovn", "net1.default.ovn", "macvlan.default"])
def test_what_is_wrong_is_said_for_each_network(provider: str, name: str, text: str, message: str) -> None:
    found = list(wrong({f"{provider}.kubernetes.io/{name}": text}))
    assert [annotation for annotation, _ in found] == [f"{provider}.kubernetes.io/{name}"]
    assert message in found[0][1]


def test_annotations_of_others_are_nobodys_wishes() -> None:
    given = {
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "ovn.kubernetes.io/ip_address": "10.16.0.15",
        "net1.default.ovn.kubernetes.io/ip_address.net2": "10.17.0.15",
        "ovn.kubernetes.io/allocated": "true",
        "ovn.kubernetes.io/routes": "[]",
        "k8s.v1.cni.cncf.io/networks": "default/net1",
        "k8s.v1.cni.cncf.io/network-status": "[]",
    }
    assert wishes(given).keys() == {
        "net1.default.ovn.kubernetes.io/ip_address.net2",
        "ovn.kubernetes.io/routes",
        "k8s.v1.cni.cncf.io/networks",
    }, "what the controller answered is no wish any more"
    assert written(given).keys() == {
        "ovn.kubernetes.io/ip_address",
        "ovn.kubernetes.io/allocated",
        "net1.default.ovn.kubernetes.io/ip_address.net2",
    }


@pytest.mark.parametrize(
    ("text", "requests"),
    [
        ("", []),
        ("macvlan", [NetworkRequest("ns1", "macvlan")]),
        ("default/macvlan", [NetworkRequest("default", "macvlan")]),
        ("default/a@net7, b", [NetworkRequest("default", "a", "net7"), NetworkRequest("ns1", "b")]),
        (
            LONG,
            [
                NetworkRequest(
                    "default", "a", "x", (ip("10.1.0.5"), ip("fd00::5")), "0a:00:00:00:00:01", (ip("10.1.0.1"),)
                )
            ],
        ),
    ],
)
def test_networks_that_a_pod_asks_for(text: str, requests: list[NetworkRequest]) -> None:
    assert parse_requests(text, "ns1") == requests


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/macvlan", "is not [namespace/]name[@interface]"),
        ('{"name": "a"}', "is not a list like"),
        ('[{"namespace": "a"}]', "an item has no name"),
        ('[{"name": "a", "ips": "10.1.0.5"}]', "a: ips is not a list of addresses"),
        ('[{"name": "a", "ips": ["here"]}]', "'here' does not appear to be"),
        ("[", "is not JSON"),
    ],
)
def test_networks_that_nobody_can_read(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_requests(text, "ns1")


@pytest.mark.parametrize(
    ("config", "provider", "overlay", "ours"),
    [
        ('{"type": "kube-ovn", "provider": "net1.default.ovn"}', "net1.default.ovn", True, True),
        ('{"type": "macvlan", "ipam": {"type": "kube-ovn"}}', "net1.default", False, True),
        ('{"plugins": [{"type": "kube-ovn"}, {"type": "tuning"}]}', "net1.default.ovn", True, True),
        ('{"plugins": [{"type": "bridge", "ipam": {"type": "kube-ovn"}}]}', "net1.default", False, True),
        ('{"type": "bridge", "ipam": {"type": "host-local"}}', "net1.default", False, False),
        ('["kube-ovn"]', "net1.default", False, False),
        ("no json", "net1.default", False, False),
        ("", "net1.default", False, False),
    ],
)
def test_a_definition_says_whose_the_interface_is(config: str, provider: str, overlay: bool, ours: bool) -> None:
    metadata = {"name": "net1", "namespace": "default"}
    found = NetworkAttachmentDefinition.parse({"metadata": metadata, "spec": {"config": config}})
    assert (found.provider, found.is_overlay, found.wants_addresses) == (provider, overlay, ours)
