"""`Subnet`: addresses and one logical switch (Kube-OVN 1.15 manual, section 3.1)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar

from weft.api.base import Resource, kubeovn
from weft.api.problem import Problem
from weft.api.subnet_leaving import leaving_rules
from weft.api.subnet_spec import OVERLAY_PROVIDER, SubnetSpec, SubnetStatus
from weft.net.addresses import (
    Address,
    Family,
    Network,
    first_host,
    is_host,
    parse_addresses,
    parse_gateway_nodes,
    parse_networks,
    parse_range,
)


class Subnet(Resource):
    """Addresses and one logical switch."""

    INFO: ClassVar = kubeovn(
        "Subnet",
        "subnets",
        "subnet",
        columns=(
            ("Provider", "spec.provider"),
            ("Vpc", "spec.vpc"),
            ("Vlan", "spec.vlan"),
            ("Protocol", "status.protocol"),
            ("CIDR", "spec.cidrBlock"),
            ("Private", "spec.private"),
            ("NAT", "spec.natOutgoing"),
            ("Default", "spec.default"),
            ("GatewayType", "spec.gatewayType"),
            ("V4Used", "status.v4usingIPs"),
            ("V4Available", "status.v4availableIPs"),
            ("V6Used", "status.v6usingIPs"),
            ("V6Available", "status.v6availableIPs"),
            ("ExcludeIPs", "spec.excludeIps"),
            ("U2OInterconnectionIP", "status.u2oInterconnectionIP"),
        ),
        wide=frozenset({"Vlan", "Protocol", "Private", "NAT", "GatewayType", "U2OInterconnectionIP"}),
    )
    STATUS: ClassVar = SubnetStatus
    PENDING: ClassVar = frozenset(
        {
            "vlan",
            "vips",
            "logicalGateway",
            "disableInterConnection",
            "enableLb",
            "enableExternalLBAddress",
            "u2oInterconnection",
            "u2oInterconnectionIP",
            "u2oFeatures",
        }
    )
    spec: SubnetSpec

    @cached_property
    def networks(self) -> list[Network]:
        """The CIDRs, IPv4 first; none where the fabric only forwards frames."""
        return parse_networks(self.spec.cidr_block)

    @cached_property
    def gateways(self) -> dict[Family, Address]:
        """The gateway of each family: as given, or the first host of the CIDR."""
        given = {address.version: address for address in parse_addresses(self.spec.gateway)}
        return {network.version: given.get(network.version) or first_host(network) for network in self.networks}

    @cached_property
    def excluded(self) -> list[tuple[Address, Address]]:
        return [parse_range(text) for text in self.spec.exclude_ips]

    @cached_property
    def gateway_nodes(self) -> dict[str, tuple[Address, ...]]:
        """The hosts that `gatewayNode` names, in its order, with the addresses that they are to translate to."""
        return parse_gateway_nodes(self.spec.gateway_node)

    @property
    def is_overlay(self) -> bool:
        """Whether it is a logical switch; otherwise only its addresses are ours (Kube-OVN 1.15 manual, section 7.1)."""
        return self.spec.provider == OVERLAY_PROVIDER or self.spec.provider.endswith(f".{OVERLAY_PROVIDER}")

    @property
    def protocol(self) -> str:
        """`IPv4`, `IPv6`, `Dual`, or `Mac`: it follows from the CIDRs."""
        if not self.networks:
            return "Mac"
        return "Dual" if len(self.networks) == 2 else f"IPv{self.networks[0].version}"

    def rules(self) -> Iterator[Problem]:
        if not self.networks and not self.spec.vlan:
            yield self.problem("spec.cidrBlock", "is empty; allowed: one CIDR, or one of each family")
            return
        yield from self._gateway_rules()
        yield from self._exclude_rules()
        yield from leaving_rules(self)
        if self.spec.protocol and self.spec.protocol != self.protocol:
            yield self.problem(
                "spec.protocol",
                f"{self.spec.protocol!r} does not fit spec.cidrBlock {self.spec.cidr_block} ({self.protocol})",
            )

    def _gateway_rules(self) -> Iterator[Problem]:
        families = {network.version for network in self.networks}
        for gateway in parse_addresses(self.spec.gateway):
            if gateway.version not in families:
                yield self.problem(
                    "spec.gateway", f"{gateway} has no CIDR of its family in spec.cidrBlock {self.spec.cidr_block}"
                )
        for network in self.networks:
            gateway = self.gateways[network.version]
            if gateway not in network:
                yield self.problem("spec.gateway", f"{gateway} is not inside spec.cidrBlock {network}")
            elif not is_host(gateway, network):
                yield self.problem("spec.gateway", f"{gateway} is the network or broadcast address of {network}")

    def _exclude_rules(self) -> Iterator[Problem]:
        for text, (low, high) in zip(self.spec.exclude_ips, self.excluded, strict=True):
            if not any(
                low in network and high in network for network in self.networks if network.version == low.version
            ):
                yield self.problem("spec.excludeIps", f"{text!r} is not inside spec.cidrBlock {self.spec.cidr_block}")
