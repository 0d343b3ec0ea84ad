"""How egress gateways speak BGP, and EVPN over it."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from weft.api.base import EVERYTHING, Resource, Strict, kubeovn
from weft.api.common import Status
from weft.api.fields import Address, Address4, Asn, Duration, Items, RouteTarget, Secret


class BgpConfSpec(Strict):
    """Fields as Kube-OVN has them."""

    local_asn: Asn | None = Field(None, alias="localASN", description="Our autonomous system.")
    peer_asn: Asn | None = Field(None, alias="peerASN", description="That of the neighbours.")
    neighbours: Items[Address] = Field((), description="Addresses of the neighbours.", max_length=64)
    router_id: Address4 = Field("", description="Router identifier (RFC 4271); chosen when empty.")
    password: Secret = Field("", description="Key of TCP's MD5 signatures (RFC 2385).")
    hold_time: Duration = Field("", description="Silence after which a neighbour is gone.")
    keepalive_time: Duration = Field("", description="Interval of keep-alives.")
    connect_time: Duration = Field("", description="Interval of attempts to connect.")
    ebgp_multi_hop: bool = Field(False, description="Whether neighbours may be more than one hop away.")
    graceful_restart: bool = Field(False, description="Whether routes outlive a restart (RFC 4724).")


class BgpConf(Resource):
    """How egress gateways speak BGP."""

    INFO: ClassVar = kubeovn("BgpConf", "bgp-confs")
    STATUS: ClassVar = Status
    PENDING: ClassVar = EVERYTHING
    spec: BgpConfSpec = Field(default_factory=BgpConfSpec)


class EvpnConfSpec(Strict):
    """Fields as Kube-OVN has them."""

    vni: int = Field(
        0, description="VXLAN network identifier (RFC 7348).", ge=0, le=2**24 - 1, json_schema_extra={"format": "int32"}
    )
    route_targets: Items[RouteTarget] = Field(
        (), description="Route targets (RFC 4360), like 65000:100.", max_length=64
    )


class EvpnConf(Resource):
    """An EVPN instance of egress gateways (RFC 7432, RFC 8365)."""

    INFO: ClassVar = kubeovn("EvpnConf", "evpn-confs")
    STATUS: ClassVar = Status
    PENDING: ClassVar = EVERYTHING
    spec: EvpnConfSpec = Field(default_factory=EvpnConfSpec)
