"""`IP`: an address that is reserved, and for whom. Written by the controller before anything else knows the address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from weft.api.base import KindInfo, Resource, Strict
from weft.api.problem import Problem
from weft.net.addresses import Address, parse_addresses


class IPSpec(Strict):
    """`ipAddress` is one address, or one of each family; the other fields say the same apart."""

    pod_name: str = ""
    namespace: str = ""
    subnet: str = ""
    attach_subnets: tuple[str, ...] = ()
    node_name: str = ""
    ip_address: str = ""
    v4_ip_address: str = ""
    v6_ip_address: str = ""
    attach_ips: tuple[str, ...] = Field((), alias="attachIps")
    mac_address: str = ""
    attach_macs: tuple[str, ...] = ()
    container_id: str = Field("", alias="containerID")
    pod_type: str = ""


class IP(Resource):
    """A reservation."""

    INFO: ClassVar = KindInfo(
        "kubeovn.io/v1",
        "IP",
        "ips",
        namespaced=False,
        short_names=("ip",),
        columns=(
            ("V4IP", "spec.v4IpAddress"),
            ("V6IP", "spec.v6IpAddress"),
            ("MAC", "spec.macAddress"),
            ("NODE", "spec.nodeName"),
            ("SUBNET", "spec.subnet"),
        ),
    )
    spec: IPSpec = IPSpec()

    @property
    def addresses(self) -> list[Address]:
        return parse_addresses(self.spec.ip_address)

    def rules(self) -> Iterator[Problem]:
        try:
            if not self.addresses:
                yield self.problem("spec.ipAddress", "is empty; allowed: one address, or one of each family")
            yield from self._family_rules()
        except ValueError as error:
            yield self.problem("spec.ipAddress", str(error))

    def _family_rules(self) -> Iterator[Problem]:
        """The addresses by family say the same as the list."""
        given = {4: self.spec.v4_ip_address, 6: self.spec.v6_ip_address}
        listed = {str(address) for address in self.addresses}
        for family, address in given.items():
            if address and address not in listed:
                message = f"{address!r} is not the IPv{family} address of spec.ipAddress {self.spec.ip_address}"
                yield self.problem(f"spec.v{family}IpAddress", message)
