"""A subnet is a logical switch, joined to its VPC's router by a pair of ports; hosts learn its CIDRs by one row.

The router port holds the gateway addresses. Its MAC follows from the first of them. Names are Kube-OVN's:
`<vpc>-<subnet>` on the router's side, `<subnet>-<vpc>` on the switch's.
"""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.subnet import Subnet
from weft.net.addresses import mac_of
from weft.topology.rows import (
    LOGICAL_ROUTER_POLICY,
    LOGICAL_ROUTER_PORT,
    LOGICAL_SWITCH,
    LOGICAL_SWITCH_PORT,
    SUBNET,
    VENDOR,
    Ref,
    Row,
    Rows,
)
from weft.topology.view import DEFAULT_VPC, JOIN_SUBNET
from weft.topology.vpc import router_ref

SUBNET_PRIORITY = 31000


def switch_ref(subnet: str) -> Ref:
    """The logical switch of a subnet."""
    return Ref(LOGICAL_SWITCH, f"Subnet/{subnet}")


def compile_subnet(subnet: Subnet) -> Rows:
    """Switch, the pair of ports to the router, and the row for hosts, which is all of one that is no overlay."""
    if not subnet.is_overlay:
        return Rows(weft=(_for_hosts(subnet),))
    vpc, name = subnet.spec.vpc, subnet.name
    router_port, switch_port = f"{vpc}-{name}", f"{name}-{vpc}"
    gateways = [subnet.gateways[network.version] for network in subnet.networks]
    switch = Row(
        LOGICAL_SWITCH,
        subnet.ref,
        {"name": name, "external_ids": {"vendor": VENDOR, "vpc": vpc}},
    )
    routed = Row(
        LOGICAL_ROUTER_PORT,
        subnet.ref,
        {
            "name": router_port,
            "mac": mac_of(gateways[0]),
            "networks": tuple(
                f"{gateway}/{network.prefixlen}" for gateway, network in zip(gateways, subnet.networks, strict=True)
            ),
            "external_ids": {"vendor": VENDOR, "subnet": name},
        },
        key=f"{vpc}/router",
        parent=router_ref(vpc),
    )
    joined = Row(
        LOGICAL_SWITCH_PORT,
        subnet.ref,
        {
            "name": switch_port,
            "type": "router",
            "addresses": ("router",),
            "options": {"router-port": router_port},
            "external_ids": {"vendor": VENDOR, "ls": name},
        },
        key=f"{vpc}/switch",
        parent=switch.ref,
    )
    inside = _inside(subnet) if vpc == DEFAULT_VPC else ()
    return Rows(northbound=(switch, routed, joined, *inside), weft=(_for_hosts(subnet),))


def _inside(subnet: Subnet) -> Iterator[Row]:
    """In the default VPC what is for its own subnets goes there, whatever policies of a lower priority say."""
    for network in subnet.networks:
        match = f"ip{network.version}.dst == {network}"
        yield Row(
            LOGICAL_ROUTER_POLICY,
            subnet.ref,
            {
                "priority": SUBNET_PRIORITY,
                "match": match,
                "action": "allow",
                "external_ids": {"vendor": VENDOR, "subnet": subnet.name},
            },
            key=match,
            parent=router_ref(DEFAULT_VPC),
        )


def _for_hosts(subnet: Subnet) -> Row:
    return Row(
        SUBNET,
        subnet.ref,
        {
            "name": subnet.name,
            "vpc": subnet.spec.vpc,
            "cidrs": tuple(map(str, subnet.networks)),
            "gateways": tuple(str(subnet.gateways[network.version]) for network in subnet.networks),
            "mtu": subnet.spec.mtu,
            "host_routed": subnet.is_overlay and subnet.spec.vpc == DEFAULT_VPC and subnet.name != JOIN_SUBNET,
        },
    )
