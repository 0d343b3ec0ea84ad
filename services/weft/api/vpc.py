"""`Vpc`: an isolated routed network, one logical router (Kube-OVN 1.15 manual, section 5.1)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from weft.api.base import KindInfo, Resource, Strict


class StaticRoute(Strict):
    """A route of the VPC's router (Kube-OVN 1.15 manual, section 5.1.4)."""

    policy: str = ""
    cidr: str = ""
    next_hop_ip: str = Field("", alias="nextHopIP")
    ecmp_mode: str = ""
    bfd_id: str = ""
    route_table: str = ""


class PolicyRoute(Strict):
    """A policy in OVN's own words: see ovn-nb(5), table Logical_Router_Policy."""

    priority: int = 0
    match: str = ""
    action: str = ""
    next_hop_ip: str = Field("", alias="nextHopIP")


class VpcPeering(Strict):
    """A link to another VPC's router."""

    remote_vpc: str = ""
    local_connect_ip: str = Field("", alias="localConnectIP")


class BfdPort(Strict):
    """Where the VPC's router speaks BFD."""

    enabled: bool = False
    ip: str = ""
    node_selector: dict[str, object] | None = None


class VpcSpec(Strict):
    """Fields as Kube-OVN has them; those in `Vpc.PENDING` have no effect yet."""

    namespaces: tuple[str, ...] = ()
    default_subnet: str = ""
    static_routes: tuple[StaticRoute, ...] = ()
    policy_routes: tuple[PolicyRoute, ...] = ()
    vpc_peerings: tuple[VpcPeering, ...] = ()
    enable_external: bool = False
    extra_external_subnets: tuple[str, ...] = ()
    enable_bfd: bool = False
    bfd_port: BfdPort | None = None


class Vpc(Resource):
    """A VPC."""

    INFO: ClassVar = KindInfo(
        "kubeovn.io/v1",
        "Vpc",
        "vpcs",
        namespaced=False,
        short_names=("vpc",),
        columns=(
            ("STANDBY", "status.standby"),
            ("SUBNETS", "status.subnets"),
            ("NAMESPACES", "spec.namespaces"),
            ("DEFAULTSUBNET", "status.defaultLogicalSwitch"),
        ),
    )
    PENDING: ClassVar = frozenset(
        {
            "staticRoutes",
            "policyRoutes",
            "vpcPeerings",
            "enableExternal",
            "extraExternalSubnets",
            "enableBfd",
            "bfdPort",
        }
    )
    spec: VpcSpec = VpcSpec()
