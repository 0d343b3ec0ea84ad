"""Addresses and rules of VPC NAT gateways (Kube-OVN 1.15 manual, section 5.1.3): external address, 1:1, DNAT, SNAT."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from weft.api.base import EVERYTHING, STORED, Resource, Strict, kubeovn
from weft.api.common import Status
from weft.api.fields import Address4, Address6, Addresses, Mac, Name, NamespaceName, Networks, PortText
from weft.api.rule import FIXED

Protocol = Literal["", "tcp", "udp", "sctp", "TCP", "UDP", "SCTP"]


class NatRuleStatus(Status):
    """What the controller says of a rule of a NAT gateway."""

    ready: bool = Field(False, description="Whether the gateway has it.")
    redo: str = Field("", description="When the gateway was told again.")
    nat_gw_dp: str = Field("", description="The gateway.")
    v4ip: str = Field("", alias="v4ip", description="External IPv4 address.")
    v6ip: str = Field("", alias="v6ip", description="External IPv6 address.")


class IptablesEIPSpec(Strict):
    """Fields as Kube-OVN has them."""

    nat_gw_dp: Name = Field("", description="VpcNatGateway that has the address.")
    external_subnet: Annotated[Name, FIXED] = Field(
        "", description="Subnet that the address is of; the gateway's first when empty."
    )
    v4ip: Address4 = Field("", alias="v4ip", description="IPv4 address; chosen when empty.")
    v6ip: Address6 = Field("", alias="v6ip", description="IPv6 address; chosen when empty.")
    mac_address: Mac = Field("", description="MAC address of it; that of the gateway when empty.")
    qos_policy: Name = Field("", description="QoSPolicy of its traffic.")
    namespace: NamespaceName = Field("", description="Namespace of the gateway.")


class IptablesEIPStatus(Status):
    """What the controller says of an external address."""

    ip: str = Field("", description="The address.")
    nat: str = Field("", description="Rules that use it, by commas: fip, dnat, snat.")
    qos_policy: str = Field("", description="QoSPolicy in effect.")
    ready: bool = Field(False, description="Whether the gateway has it.")
    redo: str = Field("", description="When the gateway was told again.")


class IptablesEIP(Resource):
    """An external address on a VPC NAT gateway."""

    INFO: ClassVar = kubeovn(
        "IptablesEIP",
        "iptables-eips",
        "eip",
        columns=(
            ("Namespace", "spec.namespace"),
            ("ExternalSubnet", "spec.externalSubnet"),
            ("IP", "status.ip"),
            ("Mac", "spec.macAddress"),
            ("Nat", "status.nat"),
            ("NatGwDp", "spec.natGwDp"),
            ("Ready", "status.ready"),
        ),
    )
    STATUS: ClassVar = IptablesEIPStatus
    PENDING: ClassVar = EVERYTHING
    spec: IptablesEIPSpec = Field(default_factory=IptablesEIPSpec)


class IptablesFIPRuleSpec(Strict):
    """Fields as Kube-OVN has them."""

    eip: Name = Field("", description="IptablesEIP that the inner address is known by.")
    internal_ip: Addresses = Field("", description="The inner address.")


class IptablesFIPRuleStatus(NatRuleStatus):
    """What the controller says of a rule."""

    internal_ip: str = Field("", description="The inner address.")


class IptablesFIPRule(Resource):
    """An inner address that is known outside by an address of its own, on a VPC NAT gateway."""

    INFO: ClassVar = kubeovn(
        "IptablesFIPRule",
        "iptables-fip-rules",
        "fip",
        columns=(
            ("Eip", "spec.eip"),
            ("V4ip", "status.v4ip"),
            ("InternalIp", "spec.internalIp"),
            ("V6ip", "status.v6ip"),
            ("Ready", "status.ready"),
            ("NatGwDp", "status.natGwDp"),
        ),
    )
    STATUS: ClassVar = IptablesFIPRuleStatus
    PENDING: ClassVar = EVERYTHING
    spec: IptablesFIPRuleSpec = Field(default_factory=IptablesFIPRuleSpec)


class IptablesDnatRuleSpec(Strict):
    """Fields as Kube-OVN has them."""

    eip: Name = Field("", description="IptablesEIP that the port is of.")
    external_port: PortText = Field("", description="Port outside.")
    internal_ip: Addresses = Field("", description="Inner address.")
    internal_port: PortText = Field("", description="Inner port.")
    protocol: Protocol = Field("", description="Protocol of the port.")
    type: Literal["exclusive", "share"] = Field(
        "exclusive",
        description="Whether the port has one inner address, or rules of the same port share it.",
        json_schema_extra=STORED,
    )


class IptablesDnatRuleStatus(NatRuleStatus):
    """What the controller says of a rule."""

    external_port: str = Field("", description="Port outside.")
    internal_ip: str = Field("", description="Inner address.")
    internal_port: str = Field("", description="Inner port.")
    protocol: str = Field("", description="Protocol of the port.")


class IptablesDnatRule(Resource):
    """A port of an external address that leads to an inner one, on a VPC NAT gateway."""

    INFO: ClassVar = kubeovn(
        "IptablesDnatRule",
        "iptables-dnat-rules",
        "dnat",
        columns=(
            ("Eip", "spec.eip"),
            ("Protocol", "spec.protocol"),
            ("V4ip", "status.v4ip"),
            ("V6ip", "status.v6ip"),
            ("InternalIp", "spec.internalIp"),
            ("ExternalPort", "spec.externalPort"),
            ("InternalPort", "spec.internalPort"),
            ("Type", "spec.type"),
            ("NatGwDp", "status.natGwDp"),
            ("Ready", "status.ready"),
        ),
    )
    STATUS: ClassVar = IptablesDnatRuleStatus
    PENDING: ClassVar = EVERYTHING
    spec: IptablesDnatRuleSpec = Field(default_factory=IptablesDnatRuleSpec)


class IptablesSnatRuleSpec(Strict):
    """Fields as Kube-OVN has them."""

    eip: Name = Field("", description="IptablesEIP that inner addresses go out by.")
    internal_cidr: Networks = Field("", alias="internalCIDR", description="The inner addresses.")


class IptablesSnatRuleStatus(NatRuleStatus):
    """What the controller says of a rule."""

    internal_cidr: str = Field("", alias="internalCIDR", description="The inner addresses.")


class IptablesSnatRule(Resource):
    """Inner addresses that go out by one external address, on a VPC NAT gateway."""

    INFO: ClassVar = kubeovn(
        "IptablesSnatRule",
        "iptables-snat-rules",
        "snat",
        columns=(
            ("EIP", "spec.eip"),
            ("V4ip", "status.v4ip"),
            ("V6ip", "status.v6ip"),
            ("InternalCIDR", "spec.internalCIDR"),
            ("NatGwDp", "status.natGwDp"),
            ("Ready", "status.ready"),
        ),
    )
    STATUS: ClassVar = IptablesSnatRuleStatus
    PENDING: ClassVar = EVERYTHING
    spec: IptablesSnatRuleSpec = Field(default_factory=IptablesSnatRuleSpec)
