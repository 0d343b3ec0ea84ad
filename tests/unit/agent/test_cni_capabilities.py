"""What a runtime may ask for beside the network configuration."""

from __future__ import annotations

import json
from typing import Any

import pytest

from weft.agent.cni_capabilities import device_id, dns, refuse_foreign
from weft.agent.cni_types import CniError, Request, parse_request

MAC, ADDRESSES = "0a:00:00:00:00:01", ("10.0.0.2", "fd00::2")


def request(**config: Any) -> Request:
    environment = {"CNI_COMMAND": "ADD", "CNI_CONTAINERID": "c", "CNI_NETNS": "/n", "CNI_IFNAME": "eth0"}
    return parse_request(environment, json.dumps({"cniVersion": "1.1.0", "name": "weft", "type": "weft", **config}))


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"portMappings": [{"hostPort": 80, "containerPort": 80, "protocol": "tcp"}]},
        {"mac": MAC.upper(), "ips": ["10.0.0.2/24", "fd00::2"]},
        {"ips": ["10.0.0.2"]},
        {"bandwidth": {}, "ipRanges": []},
    ],
)
def test_asked_for_what_is(asked: dict[str, Any]) -> None:
    refuse_foreign(request(runtimeConfig=asked), MAC, ADDRESSES)


@pytest.mark.parametrize(
    ("asked", "code", "message", "details"),
    [
        ({"mac": "0a:00:00:00:00:99"}, 2, f"mac: got 0a:00:00:00:00:99, but the port has {MAC}", "mac_address"),
        ({"ips": ["10.0.0.9/24"]}, 2, "ips: got 10.0.0.9, but the port has 10.0.0.2 and fd00::2", "ip_address"),
        ({"ips": ["nine"]}, 7, "ips: got 'nine', allowed is an address", ""),
        ({"bandwidth": {"ingressRate": 1}}, 2, "bandwidth: got {'ingressRate': 1}, which this", "ingress_rate"),
        ({"ipRanges": [[{"subnet": "10.0.0.0/8"}]]}, 2, "ipRanges: got ", "Subnet.spec.cidrBlock"),
    ],
)
def test_asked_for_what_cannot_be_had(asked: dict[str, Any], code: int, message: str, details: str) -> None:
    with pytest.raises(CniError) as caught:
        refuse_foreign(request(runtimeConfig=asked), MAC, ADDRESSES)
    assert caught.value.code == code
    assert caught.value.message.startswith(f"runtimeConfig.{message}")
    assert details in caught.value.details


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({}, ""),
        ({"runtimeConfig": {"deviceID": "0000:03:00.2"}}, "0000:03:00.2"),
        ({"deviceID": "0000:AF:00.2"}, "0000:af:00.2"),
        ({"pciBusID": "0000:03:00.2"}, "0000:03:00.2"),
    ],
)
def test_device_of_the_pod(config: dict[str, Any], found: str) -> None:
    assert device_id(request(**config)) == found


@pytest.mark.parametrize("given", ["../../etc", "0000:03:00.2/../..", 5, "mlx5_core.sf.4"])
def test_device_that_is_no_pci_address(given: Any) -> None:
    with pytest.raises(CniError, match="allowed is a PCI address") as caught:
        device_id(request(deviceID=given))
    assert caught.value.code == 7


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({}, {}),
        ({"dns": {"nameservers": ["10.0.0.53"]}}, {"nameservers": ["10.0.0.53"]}),
        (
            {"dns": {"nameservers": ["10.0.0.53"]},
             "runtimeConfig": {"dns": {"servers": ["10.0.0.1"], "searches": ["a.b"], "options": []}}},
            {"nameservers": ["10.0.0.1"], "search": ["a.b"]},
        ),
    ],
)  # fmt: skip
def test_dns_of_the_result(config: dict[str, Any], found: dict[str, Any]) -> None:
    assert dns(request(**config)) == found
