"""What a VPC may not be, given the others."""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.problem import Problem
from weft.api.vpc import Vpc
from weft.net.addresses import Interface, parse_interfaces
from weft.topology.peering import peer_port
from weft.topology.view import View


def check_vpc(view: View, vpc: Vpc) -> Iterator[Problem]:
    """What forbids a VPC to be this."""
    yield from _check_members(view, vpc)
    for position, peering in enumerate(vpc.spec.vpc_peerings):
        field = f"spec.vpcPeerings.{position}"
        for name in sorted({vpc.name, peering.remote_vpc}):
            for place in parse_interfaces(peering.local_connect_ip):
                yield from _check_link(view, vpc, f"{field}.localConnectIP", place, name)
        if peering.remote_vpc in view.subnets_of_vpc.get(vpc.name, ()):
            port = peer_port(vpc.name, peering.remote_vpc)
            yield vpc.problem(
                f"{field}.remoteVpc",
                f"{peering.remote_vpc!r}: the router port {port} is that of Subnet/{peering.remote_vpc} already",
            )
        yield from _check_other_end(view, vpc, position)


def _check_members(view: View, vpc: Vpc) -> Iterator[Problem]:
    for namespace in vpc.spec.namespaces:
        for other in sorted(view.vpcs_of_namespace.get(namespace, ())):
            if other != vpc.name:
                yield vpc.problem("spec.namespaces", f"{namespace!r} belongs to Vpc/{other} already")
    subnet = view.subnets.get(vpc.spec.default_subnet)
    if subnet is not None and subnet.spec.vpc != vpc.name:  # one that is not there may come yet
        yield vpc.problem("spec.defaultSubnet", f"Subnet/{subnet.name} is in Vpc/{subnet.spec.vpc}")


def _check_link(view: View, vpc: Vpc, field: str, place: Interface, name: str) -> Iterator[Problem]:
    """The link's network is neither VPC's."""
    for subnet in sorted(view.subnets_of_vpc.get(name, ())):
        for network in view.subnets[subnet].networks:
            if network.version == place.version and network.overlaps(place.network):
                yield vpc.problem(field, f"{place} overlaps {network} of Subnet/{subnet} in Vpc/{name}")


def _check_other_end(view: View, vpc: Vpc, position: int) -> Iterator[Problem]:
    peering = vpc.spec.vpc_peerings[position]
    remote = view.vpcs.get(peering.remote_vpc)
    for back in remote.spec.vpc_peerings if remote is not None else ():
        if back.remote_vpc == vpc.name:
            same = {p.ip for p in parse_interfaces(back.local_connect_ip)} & {
                p.ip for p in parse_interfaces(peering.local_connect_ip)
            }
            if same:
                field = f"spec.vpcPeerings.{position}.localConnectIP"
                yield vpc.problem(field, f"{min(same)} is the address of Vpc/{peering.remote_vpc} on the link")
