"""CNI requests and results as values."""

from __future__ import annotations

import json
from ipaddress import ip_interface
from typing import Any

import pytest

from weft.agent.attachment import Addressing, Attachment, Route, after
from weft.agent.cni_types import CniError, parse_request

ENVIRONMENT = {
    "CNI_COMMAND": "ADD",
    "CNI_CONTAINERID": "c1",
    "CNI_NETNS": "/run/netns/x",
    "CNI_IFNAME": "eth0",
    "CNI_ARGS": "IgnoreUnknown=1;K8S_POD_NAMESPACE=ns1;K8S_POD_NAME=web;K8S_POD_UID=u-1;X=a=b",
}
CONFIG = json.dumps({"cniVersion": "0.4.0", "name": "weft", "type": "weft"})


def test_request_of_a_kubelet() -> None:
    request = parse_request(ENVIRONMENT, CONFIG)
    assert (request.command, request.container, request.netns, request.ifname) == ("ADD", "c1", "/run/netns/x", "eth0")
    assert (request.namespace, request.pod, request.uid, request.version) == ("ns1", "web", "u-1", "0.4.0")
    assert request.pod_name == "ns1/web"


def test_del_needs_no_namespace_and_no_pod() -> None:
    request = parse_request({"CNI_COMMAND": "DEL", "CNI_CONTAINERID": "c" * 64, "CNI_IFNAME": "eth0"}, "{}")
    assert (request.netns, request.pod, request.version) == ("", "", "0.3.1")
    assert request.pod_name == "container cccccccccccc"


@pytest.mark.parametrize(
    ("config", "provider", "ipam", "port"),
    [
        ({"type": "weft"}, "ovn", False, "web.ns1"),
        ({"type": "kube-ovn", "provider": "net1.default.ovn"}, "net1.default.ovn", False, "web.ns1.net1.default.ovn"),
        ({"type": "kube-ovn", "provider": ""}, "ovn", False, "web.ns1"),
        ({"provider": "x.y.ovn", "ipam": {"type": "kube-ovn"}}, "ovn", True, "web.ns1"),
        (
            {"type": "macvlan", "provider": "no", "ipam": {"type": "kube-ovn", "provider": "m.d"}},
            "m.d", True, "web.ns1.m.d",
        ),
        ({"type": "weft", "provider": "a.b.ovn", "ipam": {"type": "host-local"}}, "a.b.ovn", False, "web.ns1.a.b.ovn"),
    ],
)  # fmt: skip
def test_network_that_is_meant(config: dict[str, Any], provider: str, ipam: bool, port: str) -> None:
    request = parse_request(ENVIRONMENT, json.dumps(config))
    assert (request.provider, request.ipam, request.port) == (provider, ipam, port)


@pytest.mark.parametrize(
    ("environment", "config", "code", "message"),
    [
        ({}, "{", 6, "network configuration on standard input is not JSON"),
        ({}, "[]", 6, "network configuration on standard input is not a JSON object"),
        ({}, '{"cniVersion": "2.0.0"}', 1, "cniVersion: got '2.0.0', allowed are 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0"),
        ({}, '{"provider": 3}', 7, "provider: got 3, allowed is a text like 'net1.default.ovn'"),
        ({}, '{"type": "ipvlan", "ipam": {"type": "weft", "provider": [1]}}', 7, "ipam.provider: got [1], allowed is"),
        ({"CNI_COMMAND": ""}, "{}", 4, "CNI_COMMAND: got '', allowed are VERSION, ADD, DEL, CHECK, STATUS, GC"),
        ({"CNI_NETNS": ""}, "{}", 4, "CNI_NETNS: is missing; ADD needs it"),
        ({"CNI_COMMAND": "DEL", "CNI_IFNAME": ""}, "{}", 4, "CNI_IFNAME: is missing; DEL needs it"),
        ({"CNI_IFNAME": "../../kernel"}, "{}", 4, "CNI_IFNAME: got '../../kernel', allowed are 1 to 15"),
        ({"CNI_IFNAME": ".."}, "{}", 4, "CNI_IFNAME: got '..'"),
        ({"CNI_IFNAME": "eth0123456789012"}, "{}", 4, "CNI_IFNAME: got 'eth0123456789012'"),
        ({"CNI_CONTAINERID": "$(reboot)"}, "{}", 4, "CNI_CONTAINERID: got '$(reboot)', allowed are letters"),
        ({"CNI_COMMAND": "CHECK"}, '{"cniVersion": "0.3.1"}', 1, "cniVersion: got '0.3.1', but CHECK is there since"),
        ({"CNI_COMMAND": "STATUS"}, '{"cniVersion": "1.0.0"}', 1, "cniVersion: got '1.0.0', but STATUS is there since"),
        ({"CNI_COMMAND": "GC"}, '{"cniVersion": "1.0.0"}', 1, "cniVersion: got '1.0.0', but GC is there since 1.1.0"),
    ],
)
def test_mistakes_are_named(environment: dict[str, str], config: str, code: int, message: str) -> None:
    with pytest.raises(CniError) as caught:
        parse_request({**ENVIRONMENT, **environment}, config)
    assert caught.value.code == code
    assert caught.value.message.startswith(message)


ATTACHMENT = Attachment(
    host_interface="w1",
    host_mac="02:00:00:00:00:01",
    ifname="eth0",
    mac="0a:00:00:00:00:01",
    netns="/run/netns/x",
    mtu=1400,
    addressing=Addressing(
        (ip_interface("10.0.0.2/24"), ip_interface("fd00::2/64")), ("10.0.0.1",), (Route("0.0.0.0/0", "10.0.0.1"),)
    ),
)


@pytest.mark.parametrize(
    ("version", "ip", "interface"),
    [
        ("0.3.1", {"version": "4"}, {}),
        ("0.4.0", {"version": "4"}, {}),
        ("1.0.0", {}, {}),
        ("1.1.0", {}, {"mtu": 1400}),
    ],
)
def test_result_in_each_shape(version: str, ip: dict[str, Any], interface: dict[str, Any]) -> None:
    document = ATTACHMENT.result(version)
    assert document["cniVersion"] == version
    assert document["ips"][0] == {"interface": 1, "address": "10.0.0.2/24", "gateway": "10.0.0.1", **ip}
    assert "gateway" not in document["ips"][1], "the subnet has no IPv6 gateway"
    assert document["routes"] == [{"dst": "0.0.0.0/0", "gw": "10.0.0.1"}]
    assert document["interfaces"] == [
        {"name": "w1", "mac": "02:00:00:00:00:01", **interface},
        {"name": "eth0", "mac": "0a:00:00:00:00:01", "sandbox": "/run/netns/x", **interface},
    ]


def test_result_for_another_plugin_has_no_interface() -> None:
    assert ATTACHMENT.addressing.result("0.3.1") == {
        "cniVersion": "0.3.1",
        "ips": [
            {"address": "10.0.0.2/24", "gateway": "10.0.0.1", "version": "4"},
            {"address": "fd00::2/64", "version": "6"},
        ],
        "routes": [{"dst": "0.0.0.0/0", "gw": "10.0.0.1"}],
        "dns": {},
    }


def test_result_after_that_of_another_plugin() -> None:
    own = ATTACHMENT.result("1.0.0")
    assert after(None, own) == own
    before = {
        "interfaces": [{"name": "x"}],
        "ips": [{"address": "192.0.2.1/24", "interface": 0}],
        "dns": {"domain": "a"},
    }
    both = after(before, own)
    assert [ip["interface"] for ip in both["ips"]] == [0, 2, 2]
    assert [interface["name"] for interface in both["interfaces"]] == ["x", "w1", "eth0"]
    assert (both["routes"], both["dns"]) == (own["routes"], {"domain": "a"})
