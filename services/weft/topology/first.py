"""What a fabric is born with: the default VPC and the subnets `ovn-default` and `join` (Kube-OVN 1.15 manual, 3.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from weft.api.base import Resource
from weft.api.documents import parse_document
from weft.topology.view import DEFAULT_VPC, JOIN_SUBNET

DEFAULT_SUBNET = "ovn-default"
DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True)
class SubnetDefaults:
    """A subnet made when the fabric is first brought up. `cidr` is one CIDR, or one of each family."""

    cidr: str
    gateway: str = ""
    exclude_ips: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Defaults:
    """What a new fabric is born with; afterwards these subnets are objects like any other."""

    default_subnet: SubnetDefaults = field(default_factory=lambda: SubnetDefaults("10.16.0.0/16"))
    join_subnet: SubnetDefaults = field(default_factory=lambda: SubnetDefaults("100.64.0.0/16"))


def first_objects(defaults: Defaults) -> list[Resource]:
    """Raises InvalidError when the configuration asks for what cannot be."""
    return [
        parse_document(document, "controller.toml")
        for document in (
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": DEFAULT_NAMESPACE}},
            {"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": DEFAULT_VPC}, "spec": {}},
            _subnet(DEFAULT_SUBNET, defaults.default_subnet, default=True),
            _subnet(JOIN_SUBNET, defaults.join_subnet, default=False),
        )
    ]


def _subnet(name: str, wish: SubnetDefaults, *, default: bool) -> dict[str, Any]:
    spec: dict[str, Any] = {"cidrBlock": wish.cidr, "vpc": DEFAULT_VPC, "default": default}
    if wish.gateway:
        spec["gateway"] = wish.gateway
    if wish.exclude_ips:
        spec["excludeIps"] = list(wish.exclude_ips)
    return {"apiVersion": "kubeovn.io/v1", "kind": "Subnet", "metadata": {"name": name}, "spec": spec}
