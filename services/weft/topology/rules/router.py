"""What cannot be on one router together: ports of one name, and links in the addresses of subnets.

OVN knows ports by their names alone, those of routers and of switches, and Kube-OVN joins these of two: subnet `b-c` of
`a` and subnet `c` of `a-b` would have the same port, and so would subnet `a` of `b` and subnet `b` of `a`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from weft.api.base import Resource
from weft.api.problem import Problem
from weft.api.subnet import Subnet
from weft.api.vpc import Vpc, VpcPeering
from weft.net.addresses import Interface, Network, overlap, parse_interfaces
from weft.topology.names import router_port, switch_port
from weft.topology.view import View


def check_ports(view: View, subnet: Subnet) -> Iterator[Problem]:
    """A subnet's ports are nobody else's."""
    vpc, name = subnet.spec.vpc, subnet.name
    routed, switched = router_port(vpc, name), switch_port(name, vpc)
    for kind, port in (("router", routed), ("switch", switched)):
        for holder in _holders(view, port, subnet):
            yield subnet.problem("metadata.name", f"{name!r}: the {kind} port {port} is that of {holder} already")


def check_peer_port(view: View, vpc: Vpc, position: int) -> Iterator[Problem]:
    """The port of a VPC's link is nobody else's."""
    remote = vpc.spec.vpc_peerings[position].remote_vpc
    port = router_port(vpc.name, remote)
    for holder in _holders(view, port, vpc):
        field = f"spec.vpcPeerings.{position}.remoteVpc"
        yield vpc.problem(field, f"{remote!r}: the router port {port} is that of {holder} already")


def _holders(view: View, port: str, own: Resource) -> list[str]:
    """Who else has a port of this name."""
    links = [
        _link(name, peering)
        for name in sorted(view.vpcs_of_port.get(port, ()))
        for peering in view.vpcs[name].spec.vpc_peerings
        if own.ref != f"Vpc/{name}" and router_port(name, peering.remote_vpc) == port
    ]
    indexes = (view.subnets_of_router_port, view.subnets_of_switch_port)
    return [holder for index in indexes for holder in _others(index, port, own)] + links


def _others(index: Mapping[str, set[str]], port: str, own: Resource) -> list[str]:
    return [ref for name in sorted(index.get(port, ())) if (ref := f"Subnet/{name}") != own.ref]


def _link(vpc: str, peering: VpcPeering) -> str:
    return f"the link of Vpc/{vpc} to Vpc/{peering.remote_vpc}"


def check_link(view: View, vpc: Vpc, position: int) -> Iterator[Problem]:
    """A link's network is in no subnet of either VPC."""
    peering = vpc.spec.vpc_peerings[position]
    field = f"spec.vpcPeerings.{position}.localConnectIP"
    for name in sorted({vpc.name, peering.remote_vpc}):
        for subnet in sorted(view.subnets_of_vpc.get(name, ())):
            for network, place in _shared(view.subnets[subnet], peering):
                yield vpc.problem(field, f"{place} overlaps {network} of Subnet/{subnet} in Vpc/{name}")


def check_links(view: View, subnet: Subnet) -> Iterator[Problem]:
    """A subnet's networks are those of no link of its VPC, at either end."""
    vpc = subnet.spec.vpc
    for name in sorted({vpc, *view.vpcs_of_peer.get(vpc, ())} & view.vpcs.keys()):
        for peering in view.vpcs[name].spec.vpc_peerings:
            for network, place in _shared(subnet, peering) if vpc in (name, peering.remote_vpc) else ():
                yield subnet.problem("spec.cidrBlock", f"{network} overlaps {place.network}, {_link(name, peering)}")


def _shared(subnet: Subnet, peering: VpcPeering) -> Iterator[tuple[Network, Interface]]:
    for place in parse_interfaces(peering.local_connect_ip):
        yield from ((network, place) for network in subnet.networks if overlap(network, place.network))
