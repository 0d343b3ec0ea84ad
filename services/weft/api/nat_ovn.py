"""Addresses and rules that OVN itself translates (Kube-OVN 1.15 manual, section 5.7): 1:1, DNAT, SNAT."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from weft.api.base import EVERYTHING, Resource, Strict, kubeovn
from weft.api.common import Status
from weft.api.fields import Address4, Address6, Destination, Mac, Name, PortText
from weft.api.nat_iptables import Protocol
from weft.api.rule import FIXED

IpType = Literal["", "ip", "vip"]


class OvnEipSpec(Strict):
    """Fields as Kube-OVN has them."""

    external_subnet: Annotated[Name, FIXED] = Field("", description="Underlay subnet that the address is of.")
    type: Annotated[Literal["", "lrp", "lsp", "nat"], FIXED] = Field(
        "", description="What has it: a port of a VPC's router, a port of a gateway's host, or rules of NAT."
    )
    v4_ip: Address4 = Field("", description="IPv4 address; chosen when empty.")
    v6_ip: Address6 = Field("", description="IPv6 address; chosen when empty.")
    mac_address: Mac = Field("", description="MAC address; chosen when empty.")


class OvnEipStatus(Status):
    """What the controller says of an external address."""

    mac_address: str = Field("", description="MAC address.")
    nat: str = Field("", description="Rules that use it, by commas.")
    ready: bool = Field(False, description="Whether it can be used.")
    type: str = Field("", description="What has it.")
    v4_ip: str = Field("", description="IPv4 address.")
    v6_ip: str = Field("", description="IPv6 address.")


class OvnEip(Resource):
    """An address of an external subnet, for a VPC's router or its NAT."""

    INFO: ClassVar = kubeovn(
        "OvnEip",
        "ovn-eips",
        "oeip",
        columns=(
            ("V4IP", "status.v4Ip"),
            ("V6IP", "status.v6Ip"),
            ("Mac", "status.macAddress"),
            ("Type", "status.type"),
            ("Nat", "status.nat"),
            ("Ready", "status.ready"),
            ("ExternalSubnet", "spec.externalSubnet"),
        ),
    )
    STATUS: ClassVar = OvnEipStatus
    PENDING: ClassVar = EVERYTHING
    spec: OvnEipSpec = Field(default_factory=OvnEipSpec)


class NatStatus(Status):
    """What the controller says of a rule that OVN translates by."""

    ready: bool = Field(False, description="Whether OVN has it.")
    vpc: str = Field("", description="The VPC.")
    v4_eip: str = Field("", description="External IPv4 address.")
    v6_eip: str = Field("", description="External IPv6 address.")


class OvnFipSpec(Strict):
    """Fields as Kube-OVN has them."""

    ovn_eip: Name = Field("", description="OvnEip that the inner address is known by.")
    ip_type: IpType = Field("", description="Whether `ipName` is an IP or a Vip; an IP when empty.")
    ip_name: Name = Field("", description="IP (`<pod>.<namespace>`) or Vip that has the inner address.")
    vpc: Name = Field("", description="VPC of an inner address that is given as such.")
    v4_ip: Address4 = Field("", description="Inner IPv4 address, instead of `ipName`.")
    v6_ip: Address6 = Field("", description="Inner IPv6 address, instead of `ipName`.")
    type: Literal["", "centralized", "distributed"] = Field(
        "", description="Whether it is translated on the gateway's host or on the pod's; centralized when empty."
    )


class OvnFipStatus(NatStatus):
    """What the controller says of a rule."""

    mac_address: str = Field("", description="MAC address of the inner port.")
    v4_ip: str = Field("", description="Inner IPv4 address.")
    v6_ip: str = Field("", description="Inner IPv6 address.")


class OvnFip(Resource):
    """An inner address that is known outside by an address of its own, translated by OVN."""

    INFO: ClassVar = kubeovn(
        "OvnFip",
        "ovn-fips",
        "ofip",
        columns=(
            ("Vpc", "status.vpc"),
            ("Type", "spec.type"),
            ("V4Eip", "status.v4Eip"),
            ("V6Eip", "status.v6Eip"),
            ("V4Ip", "status.v4Ip"),
            ("V6Ip", "status.v6Ip"),
            ("Ready", "status.ready"),
            ("IpType", "spec.ipType"),
            ("IpName", "spec.ipName"),
        ),
    )
    STATUS: ClassVar = OvnFipStatus
    PENDING: ClassVar = EVERYTHING
    spec: OvnFipSpec = Field(default_factory=OvnFipSpec)


class OvnDnatRuleSpec(Strict):
    """Fields as Kube-OVN has them."""

    ovn_eip: Name = Field("", description="OvnEip that the port is of.")
    ip_type: IpType = Field("", description="Whether `ipName` is an IP or a Vip; an IP when empty.")
    ip_name: Name = Field("", description="IP (`<pod>.<namespace>`) or Vip that has the inner address.")
    protocol: Protocol = Field("", description="Protocol of the port.")
    internal_port: PortText = Field("", description="Inner port.")
    external_port: PortText = Field("", description="Port outside.")
    vpc: Name = Field("", description="VPC of an inner address that is given as such.")
    v4_ip: Address4 = Field("", description="Inner IPv4 address, instead of `ipName`.")
    v6_ip: Address6 = Field("", description="Inner IPv6 address, instead of `ipName`.")


class OvnDnatRuleStatus(NatStatus):
    """What the controller says of a rule."""

    external_port: str = Field("", description="Port outside.")
    internal_port: str = Field("", description="Inner port.")
    ip_name: str = Field("", description="IP or Vip that has the inner address.")
    protocol: str = Field("", description="Protocol of the port.")
    v4_ip: str = Field("", description="Inner IPv4 address.")
    v6_ip: str = Field("", description="Inner IPv6 address.")


class OvnDnatRule(Resource):
    """A port of an external address that leads to an inner one, translated by OVN."""

    INFO: ClassVar = kubeovn(
        "OvnDnatRule",
        "ovn-dnat-rules",
        "odnat",
        columns=(
            ("Vpc", "status.vpc"),
            ("Eip", "spec.ovnEip"),
            ("Protocol", "status.protocol"),
            ("V4Eip", "status.v4Eip"),
            ("V6Eip", "status.v6Eip"),
            ("V4Ip", "status.v4Ip"),
            ("V6Ip", "status.v6Ip"),
            ("InternalPort", "status.internalPort"),
            ("ExternalPort", "status.externalPort"),
            ("IpName", "spec.ipName"),
            ("Ready", "status.ready"),
        ),
    )
    STATUS: ClassVar = OvnDnatRuleStatus
    PENDING: ClassVar = EVERYTHING
    spec: OvnDnatRuleSpec = Field(default_factory=OvnDnatRuleSpec)


class OvnSnatRuleSpec(Strict):
    """Fields as Kube-OVN has them."""

    ovn_eip: Name = Field("", description="OvnEip that inner addresses go out by.")
    vpc_subnet: Name = Field("", description="Subnet of the inner addresses.")
    ip_name: Name = Field("", description="IP (`<pod>.<namespace>`) or Vip, for one inner address alone.")
    vpc: Name = Field("", description="VPC of inner addresses that are given as such.")
    v4_ip_cidr: Destination = Field("", description="Inner IPv4 addresses, instead of `vpcSubnet` and `ipName`.")
    v6_ip_cidr: Destination = Field("", description="Inner IPv6 addresses, instead of `vpcSubnet` and `ipName`.")


class OvnSnatRuleStatus(NatStatus):
    """What the controller says of a rule."""

    v4_ip_cidr: str = Field("", description="Inner IPv4 addresses.")
    v6_ip_cidr: str = Field("", description="Inner IPv6 addresses.")


class OvnSnatRule(Resource):
    """Inner addresses that go out by one external address, translated by OVN."""

    INFO: ClassVar = kubeovn(
        "OvnSnatRule",
        "ovn-snat-rules",
        "osnat",
        columns=(
            ("Vpc", "status.vpc"),
            ("V4Eip", "status.v4Eip"),
            ("V6Eip", "status.v6Eip"),
            ("V4IpCidr", "status.v4IpCidr"),
            ("V6IpCidr", "status.v6IpCidr"),
            ("Ready", "status.ready"),
        ),
    )
    STATUS: ClassVar = OvnSnatRuleStatus
    PENDING: ClassVar = EVERYTHING
    spec: OvnSnatRuleSpec = Field(default_factory=OvnSnatRuleSpec)
