"""`Vpc`: an isolated routed network, one logical router (Kube-OVN 1.15 manual, section 5.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from weft.api.base import STORED, Resource, Strict, kubeovn
from weft.api.common import LabelSelector, Status
from weft.api.fields import (
    Addresses,
    Expression,
    Items,
    ManyAddresses,
    ManyDestinations,
    Name,
    NamespaceName,
    Text,
    Word,
)
from weft.api.problem import Problem
from weft.api.rule import Rule
from weft.net.addresses import (
    Interface,
    host_bounds,
    overlap,
    parse_address,
    parse_destination,
    parse_interfaces,
    split_list,
)


class StaticRoute(Strict):
    """A route of the VPC's router (Kube-OVN 1.15 manual, section 5.1.4)."""

    policy: Literal["", "policyDst", "policySrc"] = Field(
        "", description="Whether `cidr` is compared with the destination or the source; policyDst when empty."
    )
    cidr: ManyDestinations = Field("", description="Addresses that the route is for.")
    next_hop_ip: ManyAddresses = Field("", alias="nextHopIP", description="Next hop.")
    ecmp_mode: Word = Field(
        "",
        description="`ecmp_symmetric_reply`: replies leave by the hop that their request came by. Anything else: "
        "several routes of the same `cidr` share traffic flow by flow.",
    )
    bfd_id: Text = Field("", description="BFD session that the route follows.")
    route_table: Text = Field("", description="Routing table that the route is in.")


class PolicyRoute(Strict):
    """A policy in OVN's own words: see ovn-nb(5), table Logical_Router_Policy."""

    RULES: ClassVar = (
        Rule(
            "is required with the action reroute",
            "!has(self.action) || self.action != 'reroute' || (has(self.nextHopIP) && self.nextHopIP != '')",
            lambda route: route.action != "reroute" or bool(route.next_hop_ip),
            field="nextHopIP",
        ),
    )
    priority: int = Field(0, description="The highest one that matches decides.", ge=0, le=32767)
    match: Expression = Field("", description="Packets that it is for, as in ovn-sb(5), Logical_Flow.")
    action: Literal["", "allow", "drop", "reroute"] = Field("", description="What becomes of them.")
    next_hop_ip: Text = Field("", alias="nextHopIP", description="Where `reroute` sends them; several by commas.")


class VpcPeering(Strict):
    """A link to another VPC's router (Kube-OVN 1.15 manual, section 5.9)."""

    remote_vpc: Name = Field("", description="The other VPC.")
    local_connect_ip: Text = Field(
        "", alias="localConnectIP", description="Our address on the link with its prefix length; one of each family."
    )


class BfdPort(Strict):
    """Where the VPC's router speaks BFD."""

    enabled: bool = Field(False, description="Whether there is such a port.", json_schema_extra=STORED)
    ip: Addresses = Field("", description="Its address, outside the VPC's subnets.")
    node_selector: LabelSelector | None = Field(None, description="Nodes that may host the port; all when absent.")


class VpcSpec(Strict):
    """Fields as Kube-OVN has them."""

    namespaces: Items[NamespaceName] = Field((), description="Namespaces whose pods are in this VPC.")
    default_subnet: Name = Field("", description="Subnet of pods of these namespaces that name none.")
    static_routes: Items[StaticRoute] = Field((), description="Routes of the VPC's router.")
    policy_routes: Items[PolicyRoute] = Field((), description="Policies of the VPC's router; they come before routes.")
    vpc_peerings: Items[VpcPeering] = Field((), description="Links to other VPCs.")
    enable_external: bool = Field(False, description="Whether the router is on the external subnet.")
    extra_external_subnets: Items[Name] = Field((), description="Further external subnets that the router is on.")
    enable_bfd: bool = Field(False, description="Whether external routes are guarded by BFD.")
    bfd_port: BfdPort | None = Field(None, description="Where the router speaks BFD with egress gateways.")


class VpcStatus(Status):
    """What the controller says of a VPC."""

    standby: bool = Field(False, description="Whether the VPC's router is there.")
    default: bool = Field(False, description="Whether this is the default VPC.")
    default_logical_switch: str = Field("", description="Subnet of pods that name none.")
    router: str = Field("", description="Name of the logical router.")
    subnets: Items[str] = Field((), description="Subnets of the VPC.")
    vpc_peerings: Items[str] = Field((), description="VPCs that it is linked to.")
    enable_external: bool = Field(False, description="Whether the router is on the external subnet.")
    extra_external_subnets: Items[str] = Field((), description="Further external subnets that it is on.")
    enable_bfd: bool = Field(False, description="Whether external routes are guarded by BFD.")
    bfd_port: VpcBfdPortStatus | None = Field(None, description="The port that speaks BFD.")
    tcp_load_balancer: str = Field("", description="Load balancer of TCP services.")
    udp_load_balancer: str = Field("", description="Load balancer of UDP services.")
    sctp_load_balancer: str = Field("", description="Load balancer of SCTP services.")
    tcp_session_load_balancer: str = Field("", description="The same for services with client affinity.")
    udp_session_load_balancer: str = Field("", description="The same for services with client affinity.")
    sctp_session_load_balancer: str = Field("", description="The same for services with client affinity.")


class VpcBfdPortStatus(Strict):
    """The port that speaks BFD."""

    name: str = Field("", description="Name of the logical router port.")
    ip: str = Field("", description="Its address.")
    nodes: Items[str] = Field((), description="Nodes that may host it.")


class Vpc(Resource):
    """An isolated routed network. VPCs may use the same addresses."""

    INFO: ClassVar = kubeovn(
        "Vpc",
        "vpcs",
        "vpc",
        columns=(
            ("EnableExternal", "status.enableExternal"),
            ("EnableBfd", "status.enableBfd"),
            ("Standby", "status.standby"),
            ("Subnets", "status.subnets"),
            ("ExtraExternalSubnets", "status.extraExternalSubnets"),
            ("Namespaces", "spec.namespaces"),
            ("DefaultSubnet", "status.defaultLogicalSwitch"),
            ("Age", "metadata.creationTimestamp"),
        ),
        wide=frozenset({"EnableExternal", "EnableBfd", "ExtraExternalSubnets"}),
    )
    STATUS: ClassVar = VpcStatus
    PENDING: ClassVar = frozenset(
        {
            "staticRoutes.bfdId",
            "enableExternal",
            "extraExternalSubnets",
            "enableBfd",
            "bfdPort",
        }
    )
    spec: VpcSpec = Field(default_factory=VpcSpec)

    def rules(self) -> Iterator[Problem]:
        for position, route in enumerate(self.spec.static_routes):
            yield from self._route_rules(f"spec.staticRoutes.{position}", route)
        yield from self._policy_rules()
        yield from self._peering_rules()

    def _route_rules(self, field: str, route: StaticRoute) -> Iterator[Problem]:
        for name, text in (("cidr", route.cidr), ("nextHopIP", route.next_hop_ip)):
            if not split_list(text):
                yield self.problem(f"{field}.{name}", "is required")
        hops = {parse_address(hop).version for hop in split_list(route.next_hop_ip)}
        for text in split_list(route.cidr):
            if hops and parse_destination(text).version not in hops:
                yield self.problem(f"{field}.cidr", f"{text} has no nextHopIP of its family in {route.next_hop_ip!r}")

    def _policy_rules(self) -> Iterator[Problem]:
        seen: dict[tuple[int, str], int] = {}
        for position, policy in enumerate(self.spec.policy_routes):
            field = f"spec.policyRoutes.{position}"
            if (first := seen.setdefault((policy.priority, policy.match), position)) != position:
                yield self.problem(
                    f"{field}.match", f"{policy.match!r} is given with this priority by policy {first} too"
                )
            if not policy.match.strip():
                yield self.problem(f"{field}.match", "is required")
            yield from self._hop_rules(f"{field}.nextHopIP", policy.next_hop_ip)

    def _hop_rules(self, field: str, text: str) -> Iterator[Problem]:
        """OVN takes several next hops of a policy, all of one family."""
        families: set[int] = set()
        for hop in split_list(text):
            try:
                families.add(parse_address(hop).version)
            except ValueError as error:
                yield self.problem(field, str(error))
        if len(families) > 1:
            yield self.problem(field, f"{text!r} mixes IPv4 and IPv6: a policy of each is needed")

    def _peering_rules(self) -> Iterator[Problem]:
        remotes = [peering.remote_vpc for peering in self.spec.vpc_peerings]
        links: list[Interface] = []
        for position, peering in enumerate(self.spec.vpc_peerings):
            field = f"spec.vpcPeerings.{position}"
            if peering.remote_vpc in ("", self.name):
                what = f"{peering.remote_vpc!r}: a VPC has no link to itself" if peering.remote_vpc else "is required"
                yield self.problem(f"{field}.remoteVpc", what)
            elif remotes.index(peering.remote_vpc) != position:
                yield self.problem(f"{field}.remoteVpc", f"{peering.remote_vpc!r} is given twice")
            yield from self._link_rules(f"{field}.localConnectIP", peering.local_connect_ip, links)

    def _link_rules(self, field: str, text: str, links: list[Interface]) -> Iterator[Problem]:
        """An address of a network for two, which no other link of this VPC has. It joins `links`."""
        try:
            places = parse_interfaces(text)
        except ValueError as error:
            yield self.problem(field, str(error))
            return
        if not places:
            yield self.problem(field, "is required")
        for place in places:
            low, high = host_bounds(place.network)
            if low == high:
                yield self.problem(field, f"{place} leaves no address to the other side")
            elif not low <= int(place.ip) <= high:
                yield self.problem(field, f"{place.ip} is not an address that a router may have in {place.network}")
            for other in links:
                if overlap(place.network, other.network):
                    yield self.problem(field, f"{place} overlaps {other} of another link of this VPC")
        links += places
