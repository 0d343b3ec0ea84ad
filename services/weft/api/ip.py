"""`IP`: an address that is reserved, and for whom. Written by the controller before anything else knows the address."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, ClassVar

from pydantic import Field

from weft.api.base import Resource, Strict, kubeovn
from weft.api.common import Status
from weft.api.fields import Address4, Address6, Addresses, Items, Mac, ManyAddresses, Name, NamespaceName, Text, Word
from weft.api.problem import Problem
from weft.api.rule import FIXED, Rule
from weft.net.addresses import Address, parse_addresses

NOTHING_RESERVED = "is empty; allowed: one address, or one of each family; or none with a macAddress"


class IPSpec(Strict):
    """`ipAddress` is one address, or one of each family; the other fields say the same apart.

    In a subnet without addresses it is empty, and the MAC address is what is reserved.
    """

    RULES: ClassVar = (
        Rule(
            NOTHING_RESERVED,
            "(has(self.ipAddress) && self.ipAddress != '') || (has(self.macAddress) && self.macAddress != '')",
            field="ipAddress",
        ),
        Rule(
            "is not the IPv4 address of ipAddress",
            "!has(self.v4IpAddress) || self.v4IpAddress == '' || has(self.ipAddress) && "
            "self.ipAddress.split(',').exists(x, x.trim() == self.v4IpAddress)",
            field="v4IpAddress",
        ),
        Rule(
            "is not the IPv6 address of ipAddress",
            "!has(self.v6IpAddress) || self.v6IpAddress == '' || has(self.ipAddress) && "
            "self.ipAddress.split(',').exists(x, isIP(x.trim()) && ip(x.trim()) == ip(self.v6IpAddress))",
            field="v6IpAddress",
        ),
    )
    pod_name: Name = Field("", description="Pod that has the address.")
    namespace: NamespaceName = Field("", description="Namespace of the pod; empty for an address of a node.")
    subnet: Annotated[Name, FIXED] = Field("", description="Subnet that the address is of.")
    attach_subnets: Items[Name] = Field((), description="Further subnets.")
    node_name: Name = Field("", description="Node that the pod runs on, or that has the address.")
    ip_address: Annotated[Addresses, FIXED] = Field("", description="The address, or one of each family.")
    v4_ip_address: Annotated[Address4, FIXED] = Field("", description="The IPv4 address alone.")
    v6_ip_address: Annotated[Address6, FIXED] = Field("", description="The IPv6 address alone.")
    attach_ips: Items[ManyAddresses] = Field((), alias="attachIps", description="Addresses in the further subnets.")
    mac_address: Mac = Field("", description="MAC address of the port.")
    attach_macs: Items[Mac] = Field((), description="MAC addresses in the further subnets.")
    container_id: Text = Field("", alias="containerID", description="Container of the pod.")
    pod_type: Word = Field("", description="What made the pod: StatefulSet, VirtualMachine …")


class IP(Resource):
    """An address that is reserved, and for whom. The controller makes these; they can also be made ahead."""

    INFO: ClassVar = kubeovn(
        "IP",
        "ips",
        "ip",
        columns=(
            ("V4IP", "spec.v4IpAddress"),
            ("V6IP", "spec.v6IpAddress"),
            ("Mac", "spec.macAddress"),
            ("Node", "spec.nodeName"),
            ("Subnet", "spec.subnet"),
        ),
        shows_state=False,
    )
    STATUS: ClassVar = Status
    spec: IPSpec

    @cached_property
    def addresses(self) -> list[Address]:
        """IPv4 first; none of a reservation in a subnet without addresses."""
        return parse_addresses(self.spec.ip_address)

    def rules(self) -> Iterator[Problem]:
        addresses = self.addresses
        if not addresses and not self.spec.mac_address:
            yield self.problem("spec.ipAddress", NOTHING_RESERVED)
            return
        given = {4: self.spec.v4_ip_address, 6: self.spec.v6_ip_address}
        for family, text in given.items():
            if text and parse_addresses(text)[0] not in addresses:
                whole = self.spec.ip_address or "(empty)"
                message = f"{text!r} is not the IPv{family} address of spec.ipAddress {whole}"
                yield self.problem(f"spec.v{family}IpAddress", message)
