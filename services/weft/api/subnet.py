"""`Subnet`: addresses and one logical switch (Kube-OVN 1.15 manual, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import ClassVar, Literal

from pydantic import Field

from weft.api.base import KindInfo, Resource, Strict
from weft.api.problem import Problem
from weft.net.addresses import (
    Address,
    Family,
    Network,
    first_host,
    host_bounds,
    parse_addresses,
    parse_networks,
    parse_range,
)

OVERLAY_PROVIDER = "ovn"


class Acl(Strict):
    """A rule in OVN's own words: see ovn-nb(5), table ACL."""

    action: Literal["allow", "allow-related", "allow-stateless", "drop", "reject"]
    direction: Literal["from-lport", "to-lport"]
    match: str = ""
    priority: int = Field(0, ge=0, le=32767)


class NatPolicyMatch(Strict):
    """Comma-separated addresses and CIDRs."""

    src_ips: str = Field("", alias="srcIPs")
    dst_ips: str = Field("", alias="dstIPs")


class NatPolicyRule(Strict):
    """Which traffic is translated on its way out; the first match decides."""

    action: Literal["nat", "forward"]
    match: NatPolicyMatch = NatPolicyMatch()


class U2oFeatures(Strict):
    """Options of underlay to overlay interconnection."""

    overlay_only_routing: bool = False


class SubnetSpec(Strict):
    """Fields as Kube-OVN has them; those in `Subnet.PENDING` have no effect yet."""

    cidr_block: str
    protocol: Literal["", "IPv4", "IPv6", "Dual"] = ""
    gateway: str = ""
    exclude_ips: tuple[str, ...] = ()
    vpc: str = "ovn-cluster"
    provider: str = OVERLAY_PROVIDER
    default: bool = False
    namespaces: tuple[str, ...] = ()
    namespace_selectors: tuple[dict[str, object], ...] = ()
    mtu: int = Field(0, ge=0, le=65535)
    gateway_type: Literal["", "distributed", "centralized"] = ""
    gateway_node: str = ""
    gateway_node_selectors: tuple[dict[str, object], ...] = ()
    nat_outgoing: bool = False
    nat_outgoing_policy_rules: tuple[NatPolicyRule, ...] = ()
    external_egress_gateway: str = ""
    policy_routing_priority: int = 0
    policy_routing_table_id: int = Field(0, alias="policyRoutingTableID")
    private: bool = False
    allow_subnets: tuple[str, ...] = ()
    allow_ew_traffic: bool = Field(False, alias="allowEWTraffic")
    acls: tuple[Acl, ...] = ()
    vlan: str = ""
    vips: tuple[str, ...] = ()
    logical_gateway: bool = False
    disable_gateway_check: bool = False
    disable_inter_connection: bool = False
    enable_dhcp: bool = Field(False, alias="enableDHCP")
    dhcp_v4_options: str = ""
    dhcp_v6_options: str = ""
    enable_ipv6_ra: bool = Field(False, alias="enableIPv6RA")
    ipv6_ra_configs: str = Field("", alias="ipv6RAConfigs")
    enable_lb: bool | None = None
    enable_ecmp: bool = False
    enable_external_lb_address: bool = Field(False, alias="enableExternalLBAddress")
    enable_multicast_snoop: bool = False
    node_network: str = ""
    route_table: str = ""
    u2o_interconnection: bool = Field(False, alias="u2oInterconnection")
    u2o_interconnection_ip: str = Field("", alias="u2oInterconnectionIP")
    u2o_features: U2oFeatures | None = Field(None, alias="u2oFeatures")


class Subnet(Resource):
    """A subnet."""

    INFO: ClassVar = KindInfo(
        "kubeovn.io/v1",
        "Subnet",
        "subnets",
        namespaced=False,
        short_names=("subnet",),
        columns=(
            ("PROVIDER", "spec.provider"),
            ("VPC", "spec.vpc"),
            ("CIDR", "spec.cidrBlock"),
            ("DEFAULT", "spec.default"),
            ("V4USED", "status.v4usingIPs"),
            ("V4AVAILABLE", "status.v4availableIPs"),
            ("V6USED", "status.v6usingIPs"),
            ("V6AVAILABLE", "status.v6availableIPs"),
            ("EXCLUDEIPS", "spec.excludeIps"),
            ("READY", "status.conditions"),
        ),
    )
    PENDING: ClassVar = frozenset(
        {
            "namespaceSelectors",
            "gatewayNode",
            "gatewayNodeSelectors",
            "natOutgoing",
            "natOutgoingPolicyRules",
            "externalEgressGateway",
            "policyRoutingPriority",
            "policyRoutingTableID",
            "private",
            "allowSubnets",
            "allowEWTraffic",
            "acls",
            "vlan",
            "vips",
            "logicalGateway",
            "disableInterConnection",
            "enableDHCP",
            "dhcpV4Options",
            "dhcpV6Options",
            "enableIPv6RA",
            "ipv6RAConfigs",
            "enableEcmp",
            "enableExternalLBAddress",
            "enableMulticastSnoop",
            "nodeNetwork",
            "routeTable",
            "u2oInterconnection",
            "u2oInterconnectionIP",
            "u2oFeatures",
        }
    )
    spec: SubnetSpec

    @cached_property
    def networks(self) -> list[Network]:
        """The CIDRs, IPv4 first."""
        return parse_networks(self.spec.cidr_block)

    @cached_property
    def gateways(self) -> dict[Family, Address]:
        """The gateway of each family: as given, or the first host of the CIDR."""
        given = {address.version: address for address in parse_addresses(self.spec.gateway)}
        return {network.version: given.get(network.version) or first_host(network) for network in self.networks}

    @cached_property
    def excluded(self) -> list[tuple[Address, Address]]:
        return [parse_range(text) for text in self.spec.exclude_ips]

    @property
    def protocol(self) -> str:
        """`IPv4`, `IPv6` or `Dual`: it follows from the CIDRs."""
        return "Dual" if len(self.networks) == 2 else f"IPv{self.networks[0].version}"

    def rules(self) -> Iterator[Problem]:
        problem = self._parse_problem("spec.cidrBlock", lambda: self.networks)
        if problem is None and not self.networks:
            problem = self.problem("spec.cidrBlock", "is empty; allowed: one CIDR, or one of each family")
        if problem is not None:
            yield problem
            return
        for field, read in (("spec.gateway", lambda: self.gateways), ("spec.excludeIps", lambda: self.excluded)):
            if (problem := self._parse_problem(field, read)) is not None:
                yield problem
            elif field == "spec.gateway":
                yield from self._gateway_rules()
            else:
                yield from self._exclude_rules()
        if self.spec.protocol and self.spec.protocol != self.protocol:
            yield self.problem(
                "spec.protocol",
                f"{self.spec.protocol!r} does not fit spec.cidrBlock {self.spec.cidr_block} ({self.protocol})",
            )
        if self.spec.mtu and self.spec.mtu < 1280:
            yield self.problem("spec.mtu", f"{self.spec.mtu} is too small; allowed: 0 (computed) or 1280 and more")

    def _parse_problem(self, field: str, read: Callable[[], object]) -> Problem | None:
        try:
            read()
        except ValueError as error:
            return self.problem(field, str(error))
        return None

    def _gateway_rules(self) -> Iterator[Problem]:
        families = {network.version for network in self.networks}
        for gateway in parse_addresses(self.spec.gateway):
            if gateway.version not in families:
                yield self.problem(
                    "spec.gateway", f"{gateway} has no CIDR of its family in spec.cidrBlock {self.spec.cidr_block}"
                )
        for network in self.networks:
            gateway = self.gateways[network.version]
            low, high = host_bounds(network)
            if gateway not in network:
                yield self.problem("spec.gateway", f"{gateway} is not inside spec.cidrBlock {network}")
            elif not low <= int(gateway) <= high:
                yield self.problem("spec.gateway", f"{gateway} is the network or broadcast address of {network}")

    def _exclude_rules(self) -> Iterator[Problem]:
        for text, (low, high) in zip(self.spec.exclude_ips, self.excluded, strict=True):
            if not any(
                low in network and high in network for network in self.networks if network.version == low.version
            ):
                yield self.problem("spec.excludeIps", f"{text!r} is not inside spec.cidrBlock {self.spec.cidr_block}")
