"""`VpcEgressGateway`: where a VPC's traffic leaves the fabric (Kube-OVN 1.15 manual, section 5.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from weft.api.base import EVERYTHING, STORED, Resource, Strict, kubeovn
from weft.api.common import Bfd, GivenLabelSelector, NodeSelector, Resources, Status, Toleration, Workload
from weft.api.egress_observability import Observability
from weft.api.fields import BANDWIDTH_PATTERN, PREFIX_PATTERN, Addresses, Destination, IntOrText, Items, Name, Text
from weft.api.rule import FIXED, Check, Rule

_MOST_BITS = 9223372036854


def _bandwidth(value: int | str) -> None:
    if isinstance(value, int) and not 0 <= value <= _MOST_BITS:
        raise ValueError(f"{value} is not a bandwidth; allowed: 0 to {_MOST_BITS}, or a text like 100M")
    if isinstance(value, str) and not BANDWIDTH_PATTERN.fullmatch(value):
        raise ValueError(f"{value!r} is not a bandwidth like 100, 100M, 1.5G or 10Mi")


Rate = Annotated[
    IntOrText,
    Check(
        _bandwidth,
        "a number of Mbit/s, or a text like 100M or 1.5Gi",
        f"type(self) == int ? self >= 0 && self <= {_MOST_BITS} : true",
    ),
    Field(json_schema_extra={"x-kubernetes-int-or-string": True, "pattern": f"^{BANDWIDTH_PATTERN.pattern}$"}),
]


class Bandwidth(Strict):
    """The most that passes each gateway."""

    egress: Rate | None = Field(None, description="What leaves the fabric.")
    ingress: Rate | None = Field(None, description="What comes back.")


class EgressPolicy(Strict):
    """Traffic that leaves by the gateway, by addresses."""

    snat: bool = Field(False, description="Whether it gets the gateway's address.", json_schema_extra=STORED)
    subnets: Items[Name] = Field((), description="Subnets that it comes from.")
    ip_blocks: Items[Destination] = Field((), description="CIDRs that it comes from.", max_length=256)


class EgressSelector(Strict):
    """Traffic that leaves by the gateway, by pods."""

    namespace_selector: GivenLabelSelector | None = Field(None, description="Namespaces of the pods.")
    pod_selector: GivenLabelSelector | None = Field(None, description="The pods.")


def _enough(field: str) -> Callable[[Any], bool]:
    return lambda spec: not getattr(spec, field) or len(getattr(spec, field)) >= spec.replicas


def _one_of(list_field: str, pool_field: str) -> Callable[[Any], bool]:
    return lambda spec: not (getattr(spec, list_field) and getattr(spec, pool_field))


class VpcEgressGatewaySpec(Strict):
    """Fields as Kube-OVN has them."""

    RULES: ClassVar = (
        Rule(
            "has fewer addresses than replicas",
            "!has(self.internalIPs) || size(self.internalIPs) == 0 || size(self.internalIPs) >= self.replicas",
            _enough("internal_ips"),
            field="internalIPs",
        ),
        Rule(
            "has fewer addresses than replicas",
            "!has(self.externalIPs) || size(self.externalIPs) == 0 || size(self.externalIPs) >= self.replicas",
            _enough("external_ips"),
            field="externalIPs",
        ),
        Rule(
            "cannot be given together with internalIPs",
            "!(has(self.internalIPs) && size(self.internalIPs) != 0 && "
            "has(self.internalIPPool) && size(self.internalIPPool) > 0)",
            _one_of("internal_ips", "internal_ip_pool"),
            field="internalIPPool",
        ),
        Rule(
            "cannot be given together with externalIPs",
            "!(has(self.externalIPs) && size(self.externalIPs) != 0 && "
            "has(self.externalIPPool) && size(self.externalIPPool) > 0)",
            _one_of("external_ips", "external_ip_pool"),
            field="externalIPPool",
        ),
        Rule(
            "policies or selectors is required: whose traffic?",
            "(has(self.policies) && size(self.policies) != 0) || (has(self.selectors) && size(self.selectors) != 0)",
            lambda spec: bool(spec.policies or spec.selectors),
        ),
    )
    vpc: Name = Field("", description="VPC that it serves; the default one when empty.")
    replicas: int = Field(
        1, description="How many gateways share the work.", ge=0, le=10, json_schema_extra=STORED | {"format": "int32"}
    )
    prefix: Annotated[str, FIXED] = Field(
        "", description="What the name of its workload begins with.", max_length=253, pattern=PREFIX_PATTERN
    )
    internal_subnet: Name = Field("", description="Subnet of the VPC that it is in; the default one when empty.")
    internal_ips: Items[Addresses] = Field((), alias="internalIPs", description="Its addresses there.", max_length=64)
    internal_ip_pool: Name = Field("", alias="internalIPPool", description="IPPool of these addresses instead.")
    external_subnet: str = Field(description="Subnet outside that it is on.", min_length=1, max_length=253)
    external_ips: Items[Addresses] = Field((), alias="externalIPs", description="Its addresses there.", max_length=64)
    external_ip_pool: Name = Field("", alias="externalIPPool", description="IPPool of these addresses instead.")
    policies: Items[EgressPolicy] = Field((), description="Traffic that leaves by it, by addresses.", max_length=256)
    selectors: Items[EgressSelector] = Field((), description="Traffic that leaves by it, by pods.", max_length=64)
    traffic_policy: Literal["Local", "Cluster"] = Field(
        "Cluster", description="Whether pods prefer a gateway on their own host.", json_schema_extra=STORED
    )
    bfd: Bfd | None = Field(None, description="How the VPC's router finds out that a gateway is dead.")
    bandwidth: Bandwidth | None = Field(None, description="The most that passes each gateway.")
    bgp_conf: Name = Field("", description="BgpConf by which it announces routes.")
    evpn_conf: Name = Field("", description="EvpnConf by which it does so in EVPN.")
    node_selector: Items[NodeSelector] = Field((), description="Hosts that it may run on: any of these.")
    tolerations: Items[Toleration] = Field((), description="Taints of hosts that do not keep it away.")
    pod_anti_affinity: Literal["Required", "Preferred"] = Field(
        "Required", description="Whether two of them must, or should, be on different hosts.", json_schema_extra=STORED
    )
    image: Text = Field("", description="Image of its pods.")
    resources: Resources | None = Field(None, description="What each needs and may use.")
    observability: Observability | None = Field(None, description="What it tells of its traffic.")


class VpcEgressGatewayStatus(Status):
    """What the controller says of a gateway."""

    phase: str = Field("", description="Pending, Processing or Completed.")
    ready: bool = Field(False, description="Whether it works.")
    replicas: int = Field(0, description="How many run.", ge=0, le=2**31 - 1, json_schema_extra={"format": "int32"})
    label_selector: str = Field("", description="Its pods, by labels.")
    internal_ips: Items[str] = Field((), alias="internalIPs", description="Addresses inside.")
    external_ips: Items[str] = Field((), alias="externalIPs", description="Addresses outside.")
    workload: Workload | None = Field(None, description="What Kubernetes runs for it.")


class VpcEgressGateway(Resource):
    """Where a VPC's traffic leaves the fabric, on several hosts at once."""

    INFO: ClassVar = kubeovn(
        "VpcEgressGateway",
        "vpc-egress-gateways",
        "vpc-egress-gw",
        "veg",
        namespaced=True,
        columns=(
            ("Vpc", "spec.vpc"),
            ("Replicas", "spec.replicas"),
            ("bfd", "spec.bfd.enabled"),
            ("External Subnet", "spec.externalSubnet"),
            ("Phase", "status.phase"),
            ("Ready", "status.ready"),
            ("Internal IPs", "status.internalIPs"),
            ("External IPs", "status.externalIPs"),
            ("Working Nodes", "status.workload.nodes"),
            ("Age", "metadata.creationTimestamp"),
        ),
        wide=frozenset({"Internal IPs", "External IPs", "Working Nodes"}),
        scale=("spec.replicas", "status.replicas", "status.labelSelector"),
    )
    STATUS: ClassVar = VpcEgressGatewayStatus
    PENDING: ClassVar = EVERYTHING
    spec: VpcEgressGatewaySpec
