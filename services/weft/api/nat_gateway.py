"""`VpcNatGateway`: a NAT gateway of a VPC (Kube-OVN 1.15 manual, section 5.1.3)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from weft.api.base import EVERYTHING, STORED, Opaque, Resource, Strict, kubeovn
from weft.api.common import Bfd, Status, Toleration, Workload
from weft.api.fields import (
    Address,
    Address4,
    Addresses,
    Asn,
    Destination,
    Duration,
    Items,
    LabelPair,
    Name,
    NamespaceName,
    Secret,
    Text,
)


class NatGatewayBfd(Bfd):
    """Bidirectional forwarding detection (RFC 5880)."""

    multiplier: int = Field(
        3,
        description="Packets missed before a session is down.",
        ge=1,
        le=255,
        json_schema_extra=STORED | {"format": "int32"},
    )


class BgpSpeaker(Strict):
    """How the gateway announces its external addresses by BGP (Kube-OVN 1.15 manual, section 6.12)."""

    enabled: bool = Field(False, description="Whether it does.")
    asn: Asn | None = Field(None, description="Our autonomous system.")
    remote_asn: Asn | None = Field(None, description="That of the neighbors.")
    neighbors: Items[Address] = Field((), description="Addresses of the neighbors.", max_length=64)
    hold_time: Duration = Field("", description="Silence after which a neighbor is gone.")
    router_id: Address4 = Field("", description="Router identifier (RFC 4271); chosen when empty.")
    password: Secret = Field("", description="Key of TCP's MD5 signatures (RFC 2385).")
    enable_graceful_restart: bool = Field(False, description="Whether routes outlive a restart (RFC 4724).")
    extra_args: Items[Text] = Field((), description="Further arguments of the speaker.")


class Route(Strict):
    """A route of the gateway."""

    cidr: Destination = Field("", description="Addresses that the route is for.")
    next_hop_ip: Text = Field("", alias="nextHopIP", description="Next hop; the subnet's gateway for `gateway`.")


class VpcNatGatewaySpec(Strict):
    """Fields as Kube-OVN has them."""

    vpc: Name = Field("", description="VPC that it serves.")
    subnet: Name = Field("", description="Subnet of the VPC that it is in.")
    lan_ip: Addresses = Field("", description="Its address there, the next hop of routes to it; chosen when empty.")
    external_subnets: Items[Name] = Field(
        (), description="External subnets that it is on; ovn-vpc-external-network when empty."
    )
    internal_subnets: Items[Name] = Field((), description="Subnets of the VPC that go out by it.")
    internal_cidrs: Items[Destination] = Field(
        (), alias="internalCIDRs", description="Further inner addresses that go out by it.", max_length=256
    )
    replicas: int = Field(
        1,
        description="How many gateways share the work.",
        ge=1,
        le=2**31 - 1,
        json_schema_extra=STORED | {"format": "int32"},
    )
    bfd: NatGatewayBfd | None = Field(None, description="How the VPC's router finds out that one of them is dead.")
    bgp_speaker: BgpSpeaker | None = Field(None, description="How external addresses are announced.")
    routes: Items[Route] = Field((), description="Further routes of the gateway.", max_length=256)
    no_default_eip: bool = Field(
        False, alias="noDefaultEIP", description="Whether it starts without an external address."
    )
    qos_policy: Name = Field("", description="QoSPolicy of all its traffic.")
    namespace: NamespaceName = Field("", description="Namespace of its pods.")
    annotations: dict[str, str] = Field(default_factory=dict, description="Further annotations of its pods.")
    selector: Items[LabelPair] = Field((), description="Labels of hosts that it may run on.")
    tolerations: Items[Toleration] = Field((), description="Taints of hosts that do not keep it away.")
    affinity: Opaque = Field(
        default_factory=dict, description="Where it runs (core/v1 Affinity). Kubernetes itself checks it with the pod."
    )


class VpcNatGatewayStatus(Status):
    """What the controller says of a gateway."""

    ready: bool = Field(False, description="Whether it works.")
    replicas: int = Field(0, description="How many run.", ge=0, le=2**31 - 1, json_schema_extra={"format": "int32"})
    lan_ip: str = Field("", description="Its address in the VPC.")
    external_subnets: Items[str] = Field((), description="External subnets that it is on.")
    internal_subnets: Items[str] = Field((), description="Subnets of the VPC that go out by it.")
    internal_cidrs: Items[str] = Field(
        (), alias="internalCIDRs", description="Further inner addresses that go out by it."
    )
    qos_policy: str = Field("", description="QoSPolicy in effect.")
    selector: Items[str] = Field((), description="Labels of hosts that it may run on.")
    tolerations: Items[Toleration] = Field((), description="Taints of hosts that do not keep it away.")
    affinity: Opaque = Field(default_factory=dict, description="Where it runs.")
    workload: Workload | None = Field(None, description="What Kubernetes runs for it.")


class VpcNatGateway(Resource):
    """A NAT gateway of a VPC."""

    INFO: ClassVar = kubeovn(
        "VpcNatGateway",
        "vpc-nat-gateways",
        "vpc-nat-gw",
        columns=(
            ("Namespace", "spec.namespace"),
            ("Vpc", "spec.vpc"),
            ("Subnet", "spec.subnet"),
            ("IPs", "status.lanIp"),
            ("Replicas", "spec.replicas"),
            ("Ready", "status.ready"),
            ("BFD", "spec.bfd.enabled"),
            ("Age", "metadata.creationTimestamp"),
        ),
    )
    STATUS: ClassVar = VpcNatGatewayStatus
    PENDING: ClassVar = EVERYTHING
    spec: VpcNatGatewaySpec = Field(default_factory=VpcNatGatewaySpec)
