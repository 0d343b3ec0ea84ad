"""CNI requests and results as values."""

from __future__ import annotations

import json
from ipaddress import ip_interface
from typing import Any

import pytest

from weft.agent.cni_types import Attachment, CniError, parse_request

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
    ("environment", "config", "code", "message"),
    [
        ({}, "{", 6, "network configuration on standard input is not JSON"),
        ({}, "[]", 6, "network configuration on standard input is not a JSON object"),
        ({}, '{"cniVersion": "2.0.0"}', 1, "cniVersion: got '2.0.0', allowed are 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0"),
        ({"CNI_COMMAND": ""}, "{}", 4, "CNI_COMMAND: got '', allowed are VERSION, ADD, DEL, CHECK, STATUS, GC"),
        ({"CNI_NETNS": ""}, "{}", 4, "CNI_NETNS: is missing; ADD needs it"),
        ({"CNI_COMMAND": "DEL", "CNI_IFNAME": ""}, "{}", 4, "CNI_IFNAME: is missing; DEL needs it"),
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
    addresses=(ip_interface("10.0.0.2/24"), ip_interface("fd00::2/64")),
    gateways=("10.0.0.1",),
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
