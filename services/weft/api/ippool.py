"""`IPPool`: addresses of a subnet that only some may have (Kube-OVN 1.15 manual, section 3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from ipaddress import ip_address
from typing import Annotated, ClassVar

from pydantic import Field

from weft.api.base import STORED, Resource, Strict, kubeovn
from weft.api.common import Status
from weft.api.fields import NAME_PATTERN, AddressRange, Items, NamespaceName
from weft.api.problem import Problem
from weft.api.rule import FIXED
from weft.net.addresses import Address, parse_block


class IPPoolSpec(Strict):
    """Fields as Kube-OVN has them."""

    subnet: Annotated[str, FIXED] = Field(description="Subnet that the addresses are of.", pattern=NAME_PATTERN)
    ips: Items[AddressRange] = Field(
        description="Addresses, CIDRs and ranges. Those that are not of the subnet have no effect."
    )
    namespaces: Items[NamespaceName] = Field((), description="Namespaces whose pods have their addresses from it.")
    enable_address_set: bool = Field(
        False, description="Whether OVN gets an address set of it, for policies.", json_schema_extra=STORED
    )


class IPPoolStatus(Status):
    """What the controller says of a pool. Counts are numbers, not integers: IPv6 has more than 64 bits of them."""

    v4_available_ips: float = Field(0, alias="v4AvailableIPs", description="IPv4 addresses that are free.")
    v4_available_ip_range: str = Field("", alias="v4AvailableIPRange", description="Which ones.")
    v4_using_ips: float = Field(0, alias="v4UsingIPs", description="IPv4 addresses in use.")
    v4_using_ip_range: str = Field("", alias="v4UsingIPRange", description="Which ones.")
    v6_available_ips: float = Field(0, alias="v6AvailableIPs", description="IPv6 addresses that are free.")
    v6_available_ip_range: str = Field("", alias="v6AvailableIPRange", description="Which ones.")
    v6_using_ips: float = Field(0, alias="v6UsingIPs", description="IPv6 addresses in use.")
    v6_using_ip_range: str = Field("", alias="v6UsingIPRange", description="Which ones.")


class IPPool(Resource):
    """Addresses of a subnet that only some pods may have."""

    INFO: ClassVar = kubeovn(
        "IPPool",
        "ippools",
        "ippool",
        columns=(
            ("Subnet", "spec.subnet"),
            ("enableAddressSet", "spec.enableAddressSet"),
            ("IPs", "spec.ips"),
            ("V4Used", "status.v4UsingIPs"),
            ("V4Available", "status.v4AvailableIPs"),
            ("V6Used", "status.v6UsingIPs"),
            ("V6Available", "status.v6AvailableIPs"),
        ),
    )
    STATUS: ClassVar = IPPoolStatus
    spec: IPPoolSpec

    @cached_property
    def ranges(self) -> list[tuple[Address, Address]]:
        """The first and last address of each of `spec.ips`; of a CIDR all its addresses count."""
        return [parse_block(text) for text in self.spec.ips]

    def rules(self) -> Iterator[Problem]:
        try:
            ip_address(self.name)
        except ValueError:
            return
        yield self.problem(
            "metadata.name", f"{self.name!r} is an address, which the annotation ip_pool could not tell from a pool"
        )
