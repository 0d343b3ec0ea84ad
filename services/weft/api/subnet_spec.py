"""The fields of a `Subnet`, and what its status says."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from weft.api.base import STORED, Strict
from weft.api.common import LabelSelector, Status
from weft.api.fields import (
    Addresses,
    Destinations,
    Dhcp6Options,
    DhcpOptions,
    Expression,
    GatewayNodes,
    Items,
    ManyNetworks,
    Name,
    NamespaceName,
    Networks,
    PlainRange,
    RaOptions,
    Text,
    Unsigned,
)
from weft.api.rule import Rule

OVERLAY_PROVIDER = "ovn"
WITHOUT_EGRESS = "!has(self.externalEgressGateway) || self.externalEgressGateway == ''"
KERNELS_TABLES = frozenset({0, 253, 254, 255})
"""Unspecified, default, main, local: see ip-route(8)."""
MAIN_TABLES_PRIORITY = 32766
"""Of Linux' rule for the table main: see ip-rule(8)."""


class Acl(Strict):
    """A rule in OVN's own words: see ovn-nb(5), table ACL."""

    RULES: ClassVar = (
        Rule(
            "is required",
            "has(self.match) && self.match != ''",
            lambda acl: bool(acl.match.strip()),
            field="match",
        ),
    )
    action: Literal["allow", "allow-related", "allow-stateless", "drop", "reject"] = Field(
        description="What becomes of the packets."
    )
    direction: Literal["from-lport", "to-lport"] = Field(description="Whether they leave or reach a port.")
    match: Expression = Field("", description="Packets that it is for, as in ovn-sb(5), Logical_Flow.")
    priority: int = Field(0, description="The highest one that matches decides.", ge=0, le=32767)


class NatPolicyMatch(Strict):
    """Packets that a rule of outgoing NAT is for."""

    src_ips: Destinations = Field("", alias="srcIPs", description="Source addresses and CIDRs; any when empty.")
    dst_ips: Destinations = Field("", alias="dstIPs", description="Destination addresses and CIDRs; any when empty.")


class NatPolicyRule(Strict):
    """Which traffic is translated on its way out; the first match decides (Kube-OVN 1.15 manual, section 7.25)."""

    action: Literal["nat", "forward"] = Field(description="Translate, or leave as it is.")
    match: NatPolicyMatch = Field(default_factory=NatPolicyMatch, description="Packets that it is for.")


class U2oFeatures(Strict):
    """Options of underlay to overlay interconnection."""

    overlay_only_routing: bool = Field(False, description="Only routes to overlay subnets go through the VPC.")


class SubnetSpec(Strict):
    """Fields as Kube-OVN has them."""

    RULES: ClassVar = (
        Rule(
            "is empty; allowed: one CIDR, or one of each family",
            "(has(self.cidrBlock) && self.cidrBlock != '') || (has(self.vlan) && self.vlan != '')",
            field="cidrBlock",
        ),
        Rule(
            "is not inside cidrBlock",
            "!has(self.gateway) || !has(self.cidrBlock) || self.gateway.split(',').all(g, !isIP(g.trim()) || "
            "self.cidrBlock.split(',').exists(c, isCIDR(c.trim()) && cidr(c.trim()).containsIP(g.trim())))",
            field="gateway",
        ),
        Rule(
            "does not fit cidrBlock",
            "!has(self.protocol) || self.protocol == '' || !has(self.cidrBlock) || self.protocol == "
            "(self.cidrBlock == '' ? 'Mac' : self.cidrBlock.contains(',') ? 'Dual' : "
            "self.cidrBlock.contains(':') ? 'IPv6' : 'IPv4')",
            field="protocol",
        ),
        Rule(
            "is too small; allowed: 0 (computed) or 1280 and more",
            "!has(self.mtu) || self.mtu == 0 || self.mtu >= 1280",
            lambda spec: not spec.mtu or spec.mtu >= 1280,
            field="mtu",
        ),
        Rule(
            "cannot be with externalEgressGateway, whose traffic keeps its source",
            f"{WITHOUT_EGRESS} || !has(self.natOutgoing) || !self.natOutgoing",
            lambda spec: not (spec.external_egress_gateway and spec.nat_outgoing),
            field="natOutgoing",
        ),
        Rule(
            "is no routing table for externalEgressGateway; allowed: 1 to 252 and from 256 on",
            f"{WITHOUT_EGRESS} || "
            "(has(self.policyRoutingTableID) && !(self.policyRoutingTableID in [0, 253, 254, 255]))",
            lambda spec: not spec.external_egress_gateway or spec.policy_routing_table_id not in KERNELS_TABLES,
            field="policyRoutingTableID",
        ),
        Rule(
            "is no priority for externalEgressGateway; allowed: 1 to 32765, before that of the main table",
            f"{WITHOUT_EGRESS} || (has(self.policyRoutingPriority) && self.policyRoutingPriority >= 1 && "
            "self.policyRoutingPriority <= 32765)",
            lambda spec: not spec.external_egress_gateway or 1 <= spec.policy_routing_priority < MAIN_TABLES_PRIORITY,
            field="policyRoutingPriority",
        ),
    )
    cidr_block: Networks = Field("", description="Addresses of the subnet: a CIDR, or one of each family.")
    protocol: Literal["", "IPv4", "IPv6", "Dual", "Mac"] = Field("", description="It follows from `cidrBlock`.")
    gateway: Addresses = Field("", description="Gateway of each family; the first address of its CIDR when not given.")
    exclude_ips: Items[PlainRange] = Field(
        (),
        description="Addresses and ranges that are not handed out. "
        "That they are in `cidrBlock` is checked by the controller.",
    )
    vpc: Name = Field("ovn-cluster", description="VPC that the subnet is in.", json_schema_extra=STORED)
    provider: Text = Field(
        OVERLAY_PROVIDER,
        description="Network that the subnet is of: `ovn`, or `<name>.<namespace>.ovn`.",
        json_schema_extra=STORED,
    )
    default: bool = Field(
        False, description="Whether pods that name no subnet are in this one.", json_schema_extra=STORED
    )
    namespaces: Items[NamespaceName] = Field((), description="Namespaces whose pods are in this subnet.")
    namespace_selectors: Items[LabelSelector] = Field((), description="The same, by labels of namespaces.")
    mtu: int = Field(
        0,
        description="MTU of ports; 0: that of the underlay minus the tunnel's header.",
        ge=0,
        le=65535,
        json_schema_extra={"format": "int32"},
    )
    gateway_type: Literal["", "distributed", "centralized"] = Field(
        "distributed",
        description="Where traffic leaves the fabric: at each pod's host, or at chosen ones.",
        json_schema_extra=STORED,
    )
    gateway_node: GatewayNodes = Field(
        "",
        description="Hosts of a centralized gateway, by commas, the preferred one first; after a colon the address "
        "that the host translates to.",
    )
    gateway_node_selectors: Items[LabelSelector] = Field(
        (), description="The same by labels of nodes, when `gatewayNode` is empty."
    )
    nat_outgoing: bool = Field(
        False, description="Whether what leaves the fabric gets the address of its host.", json_schema_extra=STORED
    )
    nat_outgoing_policy_rules: Items[NatPolicyRule] = Field(
        (), description="Exceptions from it; the first match decides."
    )
    external_egress_gateway: Addresses = Field("", description="Next hop outside the fabric for what leaves.")
    policy_routing_priority: Unsigned = Field(0, description="Priority of the host's rule for such traffic.")
    policy_routing_table_id: Unsigned = Field(0, alias="policyRoutingTableID", description="Its routing table.")
    private: bool = Field(
        False, description="Whether only the subnet itself and `allowSubnets` reach it.", json_schema_extra=STORED
    )
    allow_subnets: Items[ManyNetworks] = Field((), description="CIDRs that reach a private subnet.")
    allow_ew_traffic: bool = Field(
        False, alias="allowEWTraffic", description="Whether traffic within the subnet passes `acls` unseen."
    )
    acls: Items[Acl] = Field((), description="Rules for all ports of the subnet.")
    vlan: Name = Field("", description="Vlan that the subnet is on: it is an underlay subnet.")
    vips: Items[Text] = Field((), description="Virtual addresses that ports may share.")
    logical_gateway: bool = Field(False, description="Whether the gateway of an underlay subnet is the VPC's router.")
    disable_gateway_check: bool = Field(False, description="Whether pods start without their gateway having answered.")
    disable_inter_connection: bool = Field(False, description="Whether the subnet is kept from other clusters.")
    enable_dhcp: bool = Field(False, alias="enableDHCP", description="Whether OVN answers DHCP.")
    dhcp_v4_options: DhcpOptions = Field("", description="DHCP options as `key=value` by commas, see ovn-nb(5).")
    dhcp_v6_options: Dhcp6Options = Field("", description="DHCPv6 options as `key=value` by commas, see ovn-nb(5).")
    enable_ipv6_ra: bool = Field(False, alias="enableIPv6RA", description="Whether the router sends advertisements.")
    ipv6_ra_configs: RaOptions = Field(
        "", alias="ipv6RAConfigs", description="Their options as `key=value` by commas, see ovn-nb(5)."
    )
    enable_lb: bool | None = Field(
        None, description="Whether services are reachable; as the controller is set when absent."
    )
    enable_ecmp: bool = Field(False, description="Whether a centralized gateway uses all its hosts at once.")
    enable_external_lb_address: bool = Field(
        False, alias="enableExternalLBAddress", description="Whether services of type LoadBalancer get addresses of it."
    )
    enable_multicast_snoop: bool = Field(False, description="Whether multicast goes to members only.")
    node_network: Text = Field("", description="Network of the nodes that carries the subnet's tunnels.")
    route_table: Text = Field("", description="Routing table of the VPC's router for this subnet.")
    u2o_interconnection: bool = Field(
        False, alias="u2oInterconnection", description="Whether an underlay subnet reaches the overlay through the VPC."
    )
    u2o_interconnection_ip: Addresses = Field(
        "", alias="u2oInterconnectionIP", description="Address of the VPC's router for it; chosen when empty."
    )
    u2o_features: U2oFeatures | None = Field(None, alias="u2oFeatures", description="Options of it.")


class NatPolicyRuleStatus(NatPolicyRule):
    """A rule in effect."""

    rule_id: str = Field("", alias="ruleID", description="Name of the rule on hosts.")


class SubnetStatus(Status):
    """What the controller says of a subnet. Counts are numbers, not integers: IPv6 has more than 64 bits of them."""

    protocol: str = Field("", description="Families of its addresses: IPv4, IPv6, Dual, or Mac.")
    activate_gateway: str = Field("", description="Hosts that are the gateway now, by commas.")
    dhcp_v4_options_uuid: str = Field("", alias="dhcpV4OptionsUUID", description="Row of the DHCP options.")
    dhcp_v6_options_uuid: str = Field("", alias="dhcpV6OptionsUUID", description="Row of the DHCPv6 options.")
    mcast_querier_ip: str = Field("", alias="mcastQuerierIP", description="Address of the multicast querier.")
    mcast_querier_mac: str = Field("", alias="mcastQuerierMAC", description="MAC address of the multicast querier.")
    nat_outgoing_policy_rules: Items[NatPolicyRuleStatus] = Field((), description="Rules of outgoing NAT in effect.")
    u2o_interconnection_ip: str = Field("", alias="u2oInterconnectionIP", description="Address of the VPC's router.")
    u2o_interconnection_mac: str = Field("", alias="u2oInterconnectionMAC", description="Its MAC address.")
    u2o_interconnection_vpc: str = Field("", alias="u2oInterconnectionVPC", description="The VPC.")
    v4available_ips: float = Field(0, alias="v4availableIPs", description="IPv4 addresses that are free.")
    v4available_range: str = Field("", alias="v4availableIPrange", description="Which ones.")
    v4using_ips: float = Field(0, alias="v4usingIPs", description="IPv4 addresses in use.")
    v4using_range: str = Field("", alias="v4usingIPrange", description="Which ones.")
    v6available_ips: float = Field(0, alias="v6availableIPs", description="IPv6 addresses that are free.")
    v6available_range: str = Field("", alias="v6availableIPrange", description="Which ones.")
    v6using_ips: float = Field(0, alias="v6usingIPs", description="IPv6 addresses in use.")
    v6using_range: str = Field("", alias="v6usingIPrange", description="Which ones.")
