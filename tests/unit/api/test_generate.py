"""What is generated from the kinds: up to date, whole, and as a structural schema has to be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.examples import OURS
from tests.support.ovn import ROOT
from weft.api.base import EVERYTHING
from weft.api.generate.__main__ import files
from weft.api.generate.crd import crd, object_schema, singular, spec_of
from weft.api.generate.page import page
from weft.api.generate.schema import Schema, structural
from weft.api.kinds import KINDS


def _nodes(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    yield path, schema
    for name, node in schema.get("properties", {}).items():
        yield from _nodes(node, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from _nodes(schema[key], f"{path}[]")


def _rules(schema: Schema) -> list[dict[str, str]]:
    return [rule for _, node in _nodes(schema, "") for rule in node.get("x-kubernetes-validations", ())]


def test_what_is_checked_in_is_what_is_generated() -> None:
    stale = [str(path) for path, text in files().items() if (ROOT / path).read_text() != text]
    assert stale == [], "run: make generate"


def test_generated_files_say_so_at_their_head() -> None:
    for path, text in files().items():
        assert any("make generate" in line for line in text.splitlines()[:5]), path


def test_all_kinds_are_there() -> None:
    assert len(OURS) == 25
    assert len({cls.INFO.plural for cls in KINDS.values()}) == len(KINDS)


@pytest.mark.parametrize("kind", OURS)
def test_a_schema_is_structural(kind: str) -> None:
    for path, node in _nodes(object_schema(KINDS[kind]), kind):
        assert "type" in node or "x-kubernetes-int-or-string" in node, path
        assert not node.keys() & {"$ref", "$defs", "title", "additionalItems", "const", "oneOf"}, path
        assert not any(key.startswith("x-weft") for key in node), path
        assert node.get("type") != "array" or "items" in node, path
        assert not {"properties", "additionalProperties"} <= node.keys(), path


@pytest.mark.parametrize("kind", OURS)
def test_every_field_is_described(kind: str) -> None:
    given = ("apiVersion", "kind", "metadata")
    for path, node in _nodes(object_schema(KINDS[kind]), kind):
        if not path.endswith("[]") and path.partition(".")[2] not in given:
            assert node.get("description", "").endswith((".", "…")), path


@pytest.mark.parametrize("kind", OURS)
def test_unknown_fields_are_kept_only_where_kubernetes_defines_them(kind: str) -> None:
    free = {
        path for path, node in _nodes(object_schema(KINDS[kind]), "") if "x-kubernetes-preserve-unknown-fields" in node
    }
    allowed = ("affinity", "claims[]", "sourcePorts[]", "destinationPorts[]")
    assert all(path.endswith(allowed) for path in free), free


@pytest.mark.parametrize("kind", OURS)
def test_a_rule_blames_a_field_that_is_there(kind: str) -> None:
    for path, node in _nodes(object_schema(KINDS[kind]), kind):
        for rule in node.get("x-kubernetes-validations", ()):
            assert rule["rule"]
            assert rule["message"]
            assert rule.get("fieldPath", "").lstrip(".") in ("", *node.get("properties", {})), path


@pytest.mark.parametrize("kind", OURS)
def test_every_kind_can_say_how_it_is(kind: str) -> None:
    schema = object_schema(KINDS[kind])
    assert "conditions" in schema["properties"]["status"]["properties"]
    assert crd(KINDS[kind])["spec"]["versions"][0]["subresources"]["status"] == {}


@pytest.mark.parametrize("kind", OURS)
def test_fields_without_effect_are_fields(kind: str) -> None:
    pending = KINDS[kind].PENDING
    assert pending == EVERYTHING or pending <= set(_paths(structural(spec_of(KINDS[kind]))))


def _paths(schema: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, node in schema.get("items", schema).get("properties", {}).items():
        yield f"{prefix}{name}"
        yield from _paths(node, f"{prefix}{name}.")


def test_a_page_says_what_within_a_field_has_no_effect() -> None:
    lines = page(KINDS["Vpc"], "").splitlines()
    effects = {line.split("|")[1].strip(" `"): line.split("|")[-2].strip() for line in lines if line.startswith("| `")}
    assert effects["staticRoutes[].bfdId"] == effects["bfdPort.ip"] == "no"
    assert effects["staticRoutes[].cidr"] == effects["staticRoutes[]"] == "yes"


def test_the_scale_subresource() -> None:
    scaled = {kind: crd(KINDS[kind])["spec"]["versions"][0]["subresources"].get("scale") for kind in OURS}
    assert {kind for kind, scale in scaled.items() if scale} == {"VpcEgressGateway"}
    assert scaled["VpcEgressGateway"] == {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.labelSelector",
    }


def test_printer_columns_have_the_type_of_what_they_print() -> None:
    columns: list[dict[str, Any]] = crd(KINDS["VpcEgressGateway"])["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [(column["name"], column["type"], column["jsonPath"]) for column in columns] == [
        ("Vpc", "string", ".spec.vpc"),
        ("Replicas", "integer", ".spec.replicas"),
        ("bfd", "boolean", ".spec.bfd.enabled"),
        ("External Subnet", "string", ".spec.externalSubnet"),
        ("Phase", "string", ".status.phase"),
        ("Ready", "boolean", ".status.ready"),
        ("Internal IPs", "string", ".status.internalIPs"),
        ("External IPs", "string", ".status.externalIPs"),
        ("Working Nodes", "string", ".status.workload.nodes"),
        ("Age", "date", ".metadata.creationTimestamp"),
    ]


def test_only_defaults_that_the_api_server_stores_are_in_a_schema() -> None:
    found = {
        f"{kind}{path}": node["default"]
        for kind in OURS
        for path, node in _nodes(object_schema(KINDS[kind])["properties"]["spec"], "")
        if "default" in node
    }
    bfd = {"bfd.enabled": False, "bfd.minRX": 1000, "bfd.minTX": 1000, "bfd.multiplier": 3}
    assert found == {
        "IPPool.enableAddressSet": False,
        "IptablesDnatRule.type": "exclusive",
        "VpcDns.corefile": "vpc-dns-corefile",
        "Subnet.default": False,
        "Subnet.gatewayType": "distributed",
        "Subnet.natOutgoing": False,
        "Subnet.private": False,
        "Subnet.provider": "ovn",
        "Subnet.vpc": "ovn-cluster",
        "Vpc.bfdPort.enabled": False,
        "VpcEgressGateway.podAntiAffinity": "Required",
        "VpcEgressGateway.policies[].snat": False,
        "VpcEgressGateway.replicas": 1,
        "VpcEgressGateway.trafficPolicy": "Cluster",
        "VpcNatGateway.replicas": 1,
        **{f"{kind}.{name}": value for kind in ("VpcEgressGateway", "VpcNatGateway") for name, value in bfd.items()},
    }


@pytest.mark.parametrize(
    ("plural", "one"),
    [("ips", "ip"), ("qos-policies", "qos-policy"), ("vpc-dnses", "vpc-dns"), ("dnsnameresolvers", "dnsnameresolver")],
)
def test_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_what_cannot_change_is_a_rule_for_the_api_server_too() -> None:
    rules = _rules(object_schema(KINDS["DNSNameResolver"])["properties"]["spec"])
    assert rules == [
        {
            "rule": "!has(oldSelf.name) || (has(self.name) && self.name == oldSelf.name)",
            "message": "cannot be changed",
            "fieldPath": ".name",
        }
    ]
