"""Links between VPCs: two routers, a port on each, and nothing between them (Kube-OVN 1.15 manual, section 5.9).

Each VPC compiles its own port, which names the other one's: the link is there as soon as both are, whichever came
first.
"""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.vpc import Vpc, VpcPeering
from weft.net.addresses import mac_of, parse_interfaces
from weft.topology.names import router_port
from weft.topology.rows import LOGICAL_ROUTER_PORT, VENDOR, Ref, Row


def compile_peerings(vpc: Vpc, router: Ref) -> Iterator[Row]:
    """A port for each peering."""
    return (_port(vpc, peering, router) for peering in vpc.spec.vpc_peerings)


def _port(vpc: Vpc, peering: VpcPeering, router: Ref) -> Row:
    places = parse_interfaces(peering.local_connect_ip)
    return Row(
        LOGICAL_ROUTER_PORT,
        vpc.ref,
        {
            "name": router_port(vpc.name, peering.remote_vpc),
            "mac": mac_of(places[0].ip),
            "networks": tuple(map(str, places)),
            "peer": (router_port(peering.remote_vpc, vpc.name),),
            "external_ids": {"vendor": VENDOR},
        },
        key=f"peer/{peering.remote_vpc}",
        parent=router,
    )


def answered(vpc: Vpc, peering: VpcPeering, remote: Vpc | None) -> str:
    """Why a peering does not carry traffic yet; empty when it does."""
    if remote is None:
        return f"Vpc/{peering.remote_vpc} does not exist"
    back = next((item for item in remote.spec.vpc_peerings if item.remote_vpc == vpc.name), None)
    if back is None:
        return f"Vpc/{remote.name} has no peering with {vpc.name}"
    ours = {place.network for place in parse_interfaces(peering.local_connect_ip)}
    theirs = {place.network for place in parse_interfaces(back.local_connect_ip)}
    if ours != theirs:
        return f"{peering.local_connect_ip} and {back.local_connect_ip} of Vpc/{remote.name} are of different networks"
    return ""
