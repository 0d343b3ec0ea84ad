"""Rules within one object: what a document may say of a subnet, a VPC, a pod, a reservation."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from weft.api.core import Pod
from weft.api.documents import parse_document
from weft.api.ip import IP
from weft.api.problem import InvalidError
from weft.api.subnet import Subnet
from weft.api.vpc import Vpc


def _subnet(spec: str) -> Subnet:
    return Subnet.parse({"metadata": {"name": "blue"}, "spec": yaml.safe_load(spec)}, source="net.yml:7")


def _problems(cls: type, document: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidError) as caught:
        cls.parse(document, source="net.yml:7")  # type: ignore[attr-defined]
    return [str(problem) for problem in caught.value.problems]


CIDR_4 = "cidrBlock: 10.66.0.0/16"
CIDR_6 = "cidrBlock: 'fd00:66::/64'"
DUAL = "cidrBlock: '10.66.0.0/16,fd00:66::/64'"


@pytest.mark.parametrize(
    ("spec", "networks", "gateways", "protocol"),
    [
        pytest.param(CIDR_4, ["10.66.0.0/16"], ["10.66.0.1"], "IPv4", id="IPv4, first host"),
        pytest.param(CIDR_6, ["fd00:66::/64"], ["fd00:66::1"], "IPv6", id="IPv6, first host"),
        pytest.param(DUAL, ["10.66.0.0/16", "fd00:66::/64"], ["10.66.0.1", "fd00:66::1"], "Dual", id="dual"),
        pytest.param(
            "cidrBlock: 'fd00:66::/64,10.66.0.0/16'",
            ["10.66.0.0/16", "fd00:66::/64"],
            ["10.66.0.1", "fd00:66::1"],
            "Dual",
            id="dual, IPv6 written first",
        ),
        pytest.param(CIDR_4 + "\ngateway: 10.66.255.254", ["10.66.0.0/16"], ["10.66.255.254"], "IPv4", id="last host"),
        pytest.param(
            DUAL + "\ngateway: 'fd00:66::ffff,10.66.0.9'",
            ["10.66.0.0/16", "fd00:66::/64"],
            ["10.66.0.9", "fd00:66::ffff"],
            "Dual",
            id="both given, in any order",
        ),
        pytest.param(
            DUAL + "\ngateway: 'fd00:66::ffff'",
            ["10.66.0.0/16", "fd00:66::/64"],
            ["10.66.0.1", "fd00:66::ffff"],
            "Dual",
            id="one given, the other computed",
        ),
        pytest.param("cidrBlock: 10.0.0.4/31", ["10.0.0.4/31"], ["10.0.0.4"], "IPv4", id="RFC 3021"),
        pytest.param("cidrBlock: 10.0.0.4/32", ["10.0.0.4/32"], ["10.0.0.4"], "IPv4", id="a single address"),
    ],
)
def test_what_follows_from_a_cidr(spec: str, networks: list[str], gateways: list[str], protocol: str) -> None:
    subnet = _subnet(spec)
    assert list(map(str, subnet.networks)) == networks
    assert [str(subnet.gateways[network.version]) for network in subnet.networks] == gateways
    assert subnet.protocol == protocol


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        pytest.param("{}", ["spec.cidrBlock: is empty; allowed: one CIDR, or one of each family"], id="no CIDR"),
        pytest.param(
            "cidrBlock: ''", ["spec.cidrBlock: is empty; allowed: one CIDR, or one of each family"], id="empty CIDR"
        ),
        pytest.param(
            "cidrBlock: blue",
            ["spec.cidrBlock: 'blue' does not appear to be an IPv4 or IPv6 network"],
            id="no CIDR at all",
        ),
        pytest.param("cidrBlock: 10.66.0.1/16", ["spec.cidrBlock: 10.66.0.1/16 has host bits set"], id="host bits"),
        pytest.param(
            "cidrBlock: '10.0.0.0/24,10.0.1.0/24'",
            ["spec.cidrBlock: at most one of each address family is allowed"],
            id="one family twice",
        ),
        pytest.param(
            "cidrBlock: blue\ngateway: red",
            [
                "spec.cidrBlock: 'blue' does not appear to be an IPv4 or IPv6 network",
                "spec.gateway: 'red' does not appear to be an IPv4 or IPv6 address",
            ],
            id="neither can be read",
        ),
        pytest.param(
            CIDR_4 + "\ngateway: 10.67.0.1",
            ["spec.gateway: 10.67.0.1 is not inside spec.cidrBlock 10.66.0.0/16"],
            id="gateway outside",
        ),
        pytest.param(
            CIDR_4 + "\ngateway: 10.66.0.0",
            ["spec.gateway: 10.66.0.0 is the network or broadcast address of 10.66.0.0/16"],
            id="gateway is the network",
        ),
        pytest.param(
            CIDR_4 + "\ngateway: 10.66.255.255",
            ["spec.gateway: 10.66.255.255 is the network or broadcast address of 10.66.0.0/16"],
            id="gateway is the broadcast",
        ),
        pytest.param(
            CIDR_4 + "\ngateway: 'fd00::1'",
            ["spec.gateway: fd00::1 has no CIDR of its family in spec.cidrBlock 10.66.0.0/16"],
            id="gateway of the other family",
        ),
        pytest.param(
            CIDR_4 + "\ngateway: first",
            ["spec.gateway: 'first' does not appear to be an IPv4 or IPv6 address"],
            id="gateway unreadable",
        ),
        pytest.param(
            CIDR_6 + "\ngateway: 'fd00:66::1%eth0'",
            ["spec.gateway: 'fd00:66::1%eth0' has a zone, which means something on one host only"],
            id="gateway with a zone",
        ),
        pytest.param(
            CIDR_4 + "\nexcludeIps: [10.66.0.9..10.66.0.1]",
            ["spec.excludeIps.0: '10.66.0.9..10.66.0.1' ends before it begins"],
            id="range backwards",
        ),
        pytest.param(
            CIDR_4 + "\nexcludeIps: [10.66.0.2, 10.66.255.250..10.67.0.5, 'fd00::1']",
            [
                "spec.excludeIps: '10.66.255.250..10.67.0.5' is not inside spec.cidrBlock 10.66.0.0/16",
                "spec.excludeIps: 'fd00::1' is not inside spec.cidrBlock 10.66.0.0/16",
            ],
            id="ranges outside, each is named",
        ),
        pytest.param(
            CIDR_4 + "\nexcludeIps: 10.66.0.5",
            ["spec.excludeIps: '10.66.0.5': Input should be a valid list"],
            id="a text for a list",
        ),
        pytest.param(
            CIDR_4 + "\nprotocol: Dual",
            ["spec.protocol: 'Dual' does not fit spec.cidrBlock 10.66.0.0/16 (IPv4)"],
            id="protocol does not fit",
        ),
        pytest.param(
            CIDR_4 + "\nprotocol: ipv4",
            ["spec.protocol: 'ipv4': Input should be '', 'IPv4', 'IPv6', 'Dual' or 'Mac'"],
            id="protocol unknown",
        ),
        pytest.param(
            CIDR_4 + "\nmtu: 1279",
            ["spec.mtu: 1279 is too small; allowed: 0 (computed) or 1280 and more"],
            id="mtu below IPv6's least",
        ),
        pytest.param(
            CIDR_4 + "\nmtu: -1", ["spec.mtu: -1: Input should be greater than or equal to 0"], id="mtu negative"
        ),
        pytest.param(
            CIDR_4 + "\nacls: [{action: allow, direction: up, priority: 40000}]",
            [
                "spec.acls.0.direction: 'up': Input should be 'from-lport' or 'to-lport'",
                "spec.acls.0.priority: 40000: Input should be less than or equal to 32767",
            ],
            id="within a list",
        ),
        pytest.param(
            CIDR_4 + "\ngateway: 10.67.0.1\nexcludeIps: [10.67.0.2]\nprotocol: IPv6\nmtu: 5",
            [
                "spec.mtu: 5 is too small; allowed: 0 (computed) or 1280 and more",
                "spec.gateway: 10.67.0.1 is not inside spec.cidrBlock 10.66.0.0/16",
                "spec.excludeIps: '10.67.0.2' is not inside spec.cidrBlock 10.66.0.0/16",
                "spec.protocol: 'IPv6' does not fit spec.cidrBlock 10.66.0.0/16 (IPv4)",
            ],
            id="four at once",
        ),
    ],
)
def test_subnet_refused(spec: str, problems: list[str]) -> None:
    document = {"metadata": {"name": "blue"}, "spec": yaml.safe_load(spec)}
    assert _problems(Subnet, document) == [f"net.yml:7: Subnet/blue: {problem}" for problem in problems]


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(CIDR_4 + "\nmtu: 1280", id="least mtu"),
        pytest.param(CIDR_4 + "\nmtu: 0", id="computed mtu"),
        pytest.param(CIDR_4 + "\nexcludeIps: [10.66.0.101..10.66.0.151, 10.66.0.1]", id="manual, section 3.1.4"),
        pytest.param(DUAL + "\nexcludeIps: [10.66.0.2, 'fd00:66::a..fd00:66::ff']", id="ranges of both families"),
        pytest.param(DUAL + "\nprotocol: Dual\nnamespaces: [ns1]\ndefault: false", id="manual, section 3.7"),
        pytest.param(CIDR_4 + "\nenableLb: null\nu2oFeatures: {overlayOnlyRouting: true}", id="nested"),
    ],
)
def test_subnet_accepted(spec: str) -> None:
    assert _subnet(spec).ref == "Subnet/blue"


def test_a_spec_is_stored_as_it_was_given() -> None:
    given = {"cidrBlock": "10.66.0.0/16", "excludeIps": ["10.66.0.2"], "enableIPv6RA": False}
    assert Subnet.parse({"metadata": {"name": "blue"}, "spec": given}).spec_document() == given


def test_reading_computed_fields_changes_no_equality() -> None:
    one, other = _subnet(DUAL), _subnet(DUAL)
    assert one.gateways
    assert one == other


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"namespaces": "ns1"}, "spec.namespaces: 'ns1': Input should be a valid list"),
        ({"namespace": ["ns1"]}, "spec.namespace: no such field"),
        ({"staticRoutes": [{"nextHop": "10.0.0.1"}]}, "spec.staticRoutes.0.nextHop: no such field"),
    ],
)
def test_vpc_refused(spec: dict[str, Any], problem: str) -> None:
    assert _problems(Vpc, {"metadata": {"name": "red"}, "spec": spec}) == [f"net.yml:7: Vpc/red: {problem}"]


def test_a_vpc_needs_no_spec() -> None:
    assert Vpc.parse({"metadata": {"name": "red"}}).spec_document() == {}


def _pod(annotations: dict[str, str], node: str = "") -> dict[str, Any]:
    return {"metadata": {"name": "web", "namespace": "ns1", "annotations": annotations}, "spec": {"nodeName": node}}


MAC = "ovn.kubernetes.io/mac_address"
ADDRESS = "ovn.kubernetes.io/ip_address"
SWITCH = "ovn.kubernetes.io/logical_switch"
NETNS = "weft.ovn/netns"


@pytest.mark.parametrize(
    ("annotations", "node", "problems"),
    [
        (
            {ADDRESS: "10.0.0.300"},
            "",
            [f"metadata.annotations[{ADDRESS}]: '10.0.0.300' does not appear to be an IPv4 or IPv6 address"],
        ),
        (
            {ADDRESS: "10.0.0.3,10.0.0.4"},
            "",
            [f"metadata.annotations[{ADDRESS}]: at most one of each address family is allowed"],
        ),
        *(
            (
                {MAC: mac},
                "",
                [f"metadata.annotations[{MAC}]: {mac!r} is not a unicast MAC address like 0a:58:0a:42:00:0b"],
            )
            for mac in ("0a:58:0a:42:00", "01:58:0a:42:00:0b", "0a-58-0a-42-00-0b", "0a:58: a:42:00:+b", "ff" * 6)
        ),
        ({SWITCH: "a,b"}, "", [f"metadata.annotations[{SWITCH}]: 'a,b': one subnet is allowed"]),
        *(
            ({NETNS: name}, "lab1", [f"metadata.annotations[{NETNS}]: {name!r} is not a file name"])
            for name in ("a/b", ".", "..", "x" * 256)
        ),
        (
            {NETNS: "web"},
            "",
            [f"spec.nodeName: is required with the annotation {NETNS}: which host keeps the namespace?"],
        ),
        (
            {MAC: "nope", SWITCH: "a,b"},
            "",
            [
                f"metadata.annotations[{MAC}]: 'nope' is not a unicast MAC address like 0a:58:0a:42:00:0b",
                f"metadata.annotations[{SWITCH}]: 'a,b': one subnet is allowed",
            ],
        ),
    ],
)
def test_pod_refused(annotations: dict[str, str], node: str, problems: list[str]) -> None:
    assert _problems(Pod, _pod(annotations, node)) == [f"net.yml:7: Pod/ns1/web: {problem}" for problem in problems]


@pytest.mark.parametrize(
    ("annotations", "node"),
    [
        ({}, ""),
        ({ADDRESS: "", MAC: "", SWITCH: ""}, ""),
        ({ADDRESS: "10.0.0.3"}, ""),
        ({ADDRESS: "fd00::3,10.0.0.3", MAC: "0A:58:0a:00:00:03", SWITCH: "blue"}, "lab1"),
        ({NETNS: "web"}, "lab1"),
        ({"of.somebody/else": "anything"}, ""),
    ],
)
def test_pod_accepted(annotations: dict[str, str], node: str) -> None:
    pod = Pod.parse(_pod(annotations, node))
    assert (pod.ref, pod.port_name) == ("Pod/ns1/web", "web.ns1")


def test_of_a_pod_only_what_the_network_needs_is_kept() -> None:
    document = _pod({}, "lab1")
    document["spec"] |= {"containers": [{"image": "x"}], "hostNetwork": True}
    document["metadata"] |= {"ownerReferences": [{"kind": "Job"}]}
    pod = Pod.parse(document)
    assert pod.spec_document() == {"nodeName": "lab1", "hostNetwork": True}


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({}, "spec.ipAddress: is empty; allowed: one address, or one of each family; or none with a macAddress"),
        ({"ipAddress": "x"}, "spec.ipAddress: 'x' does not appear to be an IPv4 or IPv6 address"),
        ({"ipAddress": "10.0.0.3", "v4IPAddress": ""}, "spec.v4IPAddress: no such field"),
    ],
)
def test_ip_refused(spec: dict[str, Any], problem: str) -> None:
    assert _problems(IP, {"metadata": {"name": "web.ns1"}, "spec": spec}) == [f"net.yml:7: IP/web.ns1: {problem}"]


def test_addresses_of_a_reservation_are_in_order() -> None:
    document = {
        "apiVersion": "kubeovn.io/v1",
        "kind": "IP",
        "metadata": {"name": "a"},
        "spec": {"ipAddress": "fd00::3,10.0.0.3"},
    }
    ip = parse_document(document)
    assert isinstance(ip, IP)
    assert list(map(str, ip.addresses)) == ["10.0.0.3", "fd00::3"]
