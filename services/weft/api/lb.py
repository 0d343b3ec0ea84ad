"""Load balancers inside a VPC and at its edge (Kube-OVN 1.15 manual, section 5.4)."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from weft.api.base import EVERYTHING, Resource, Strict, kubeovn
from weft.api.common import Status
from weft.api.fields import Address, Addresses, Items, LabelPair, Name, NamespaceName, Port, Text


class LBPort(Strict):
    """A port of a load balancer."""

    name: Text = Field("", description="Name of the port.")
    port: Port | None = Field(None, description="Port of the virtual address.")
    target_port: Port | None = Field(None, description="Port of the servers.")
    protocol: Literal["", "TCP", "UDP", "SCTP"] = Field("", description="Protocol; TCP when empty.")


class LBRuleSpec(Strict):
    """What rules on switches and on routers share."""

    namespace: NamespaceName = Field("", description="Namespace of the servers.")
    selector: Items[LabelPair] = Field((), description="Labels of the servers.")
    endpoints: Items[Address] = Field(
        (), description="Addresses of the servers, instead of `selector`.", max_length=1024
    )
    session_affinity: Literal["", "None", "ClientIP"] = Field("", description="Whether a client stays with its server.")
    ports: Items[LBPort] = Field((), description="Ports.")


class LBRuleStatus(Status):
    """What the controller says of a load balancer."""

    ports: str = Field("", description="Its ports.")
    service: str = Field("", description="Service that was made for it.")


class SwitchLBRuleSpec(LBRuleSpec):
    """Fields as Kube-OVN has them."""

    vip: Addresses = Field("", description="Virtual address, or one of each family.")


class SwitchLBRule(Resource):
    """A virtual address inside a VPC that leads to servers."""

    INFO: ClassVar = kubeovn(
        "SwitchLBRule",
        "switch-lb-rules",
        "slr",
        columns=(
            ("vip", "spec.vip"),
            ("port(s)", "status.ports"),
            ("service", "status.service"),
            ("age", "metadata.creationTimestamp"),
        ),
    )
    STATUS: ClassVar = LBRuleStatus
    PENDING: ClassVar = EVERYTHING
    spec: SwitchLBRuleSpec = Field(default_factory=SwitchLBRuleSpec)


class RouterLBRuleSpec(LBRuleSpec):
    """Fields as Kube-OVN has them."""

    ovn_eip: Name = Field("", description="OvnEip that is the virtual address.")
    vpc: Name = Field("", description="VPC of the servers.")


class RouterLBRule(Resource):
    """An external address of a VPC that leads to servers."""

    INFO: ClassVar = kubeovn(
        "RouterLBRule",
        "router-lb-rules",
        "rlr",
        columns=(
            ("ovnEip", "spec.ovnEip"),
            ("vpc", "spec.vpc"),
            ("port(s)", "status.ports"),
            ("service", "status.service"),
            ("age", "metadata.creationTimestamp"),
        ),
    )
    STATUS: ClassVar = LBRuleStatus
    PENDING: ClassVar = EVERYTHING
    spec: RouterLBRuleSpec = Field(default_factory=RouterLBRuleSpec)
