"""What a VPC may not be, given the others."""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.problem import Problem
from weft.api.vpc import Vpc
from weft.net.addresses import parse_interfaces
from weft.topology.rules.router import check_link, check_peer_port
from weft.topology.view import View


def check_vpc(view: View, vpc: Vpc) -> Iterator[Problem]:
    """What forbids a VPC to be this."""
    yield from _check_members(view, vpc)
    for position in range(len(vpc.spec.vpc_peerings)):
        yield from check_link(view, vpc, position)
        yield from check_peer_port(view, vpc, position)
        yield from _check_other_end(view, vpc, position)


def _check_members(view: View, vpc: Vpc) -> Iterator[Problem]:
    for namespace in vpc.spec.namespaces:
        for other in sorted(view.vpcs_of_namespace.get(namespace, ())):
            if other != vpc.name:
                yield vpc.problem("spec.namespaces", f"{namespace!r} belongs to Vpc/{other} already")
    subnet = view.subnets.get(vpc.spec.default_subnet)
    if subnet is not None and subnet.spec.vpc != vpc.name:  # one that is not there may come yet
        yield vpc.problem("spec.defaultSubnet", f"Subnet/{subnet.name} is in Vpc/{subnet.spec.vpc}")


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
