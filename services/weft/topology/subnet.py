"""A subnet is a logical switch, joined to its VPC's router by a pair of ports; hosts learn its CIDRs by one row.

The router port holds the gateway addresses. Its MAC follows from the first of them. Names are Kube-OVN's:
`<vpc>-<subnet>` on the router's side, `<subnet>-<vpc>` on the switch's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from weft.api.subnet import Subnet
from weft.net.addresses import Network, link_local, mac_of
from weft.topology.acl import compile_acls
from weft.topology.dhcp import advertisements, compile_dhcp
from weft.topology.egress import egress_columns, gateway_addresses, nat_rules
from weft.topology.gateway import compile_central
from weft.topology.leaving import NOBODY, Gateways
from weft.topology.names import router_port, switch_port
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


def compile_subnet(subnet: Subnet, hosts: Sequence[Network] = (), gateways: Gateways = NOBODY) -> Rows:
    """Switch, the pair of ports to the router, what all its ports share, and what hosts must know.

    One that is no overlay has the last alone, and one without addresses has no way to the router. `hosts` are the
    networks of the subnet `join`, `gateways` the hosts by which it leaves if it is centralized.
    """
    told = (_for_hosts(subnet, gateways), *nat_rules(subnet))
    if not subnet.is_overlay:
        return Rows(weft=told)
    switch = _switch(subnet)
    if not subnet.networks:
        return Rows((switch,), told)
    shared = (*compile_dhcp(subnet), *compile_acls(subnet, switch.ref, hosts))
    ways = (*_inside(subnet), *compile_central(subnet, gateways)) if subnet.spec.vpc == DEFAULT_VPC else ()
    return Rows((switch, _router_port(subnet), _switch_port(subnet), *shared, *ways), told)


def _switch(subnet: Subnet) -> Row:
    columns = {"name": subnet.name, "external_ids": {"vendor": VENDOR, "vpc": subnet.spec.vpc}}
    return Row(LOGICAL_SWITCH, subnet.ref, {**columns, "other_config": _multicast(subnet)})


def _multicast(subnet: Subnet) -> dict[str, str]:
    """The gateway asks who listens to which group, so that others need not hear of it (ovn-nb(5), Logical_Switch).

    Hosts answer queries of MLD only to a link-local address (RFC 3810, section 6.2).
    """
    if not subnet.spec.enable_multicast_snoop or not subnet.networks:
        return {}
    mac = gateway_mac(subnet)
    asked_by = {family: gateway if family == 4 else link_local(mac) for family, gateway in subnet.gateways.items()}
    sources = {f"mcast_ip{family}_src": str(address) for family, address in asked_by.items()}
    return {"mcast_snoop": "true", "mcast_querier": "true", "mcast_eth_src": mac, **sources}


def gateway_mac(subnet: Subnet) -> str:
    """The MAC address of the router's port."""
    return mac_of(subnet.gateways[subnet.networks[0].version])


def _router_port(subnet: Subnet) -> Row:
    vpc, name = subnet.spec.vpc, subnet.name
    columns = {
        "name": router_port(vpc, name),
        "mac": gateway_mac(subnet),
        "networks": tuple(f"{subnet.gateways[net.version]}/{net.prefixlen}" for net in subnet.networks),
        "options": {"route_table": subnet.spec.route_table} if subnet.spec.route_table else {},
        "ipv6_ra_configs": advertisements(subnet),
        "external_ids": {"vendor": VENDOR, "subnet": name},
    }
    return Row(LOGICAL_ROUTER_PORT, subnet.ref, columns, key=f"{vpc}/router", parent=router_ref(vpc))


def _switch_port(subnet: Subnet) -> Row:
    vpc, name = subnet.spec.vpc, subnet.name
    columns = {
        "name": switch_port(name, vpc),
        "type": "router",
        "addresses": ("router",),
        "options": {"router-port": router_port(vpc, name)},
        "external_ids": {"vendor": VENDOR, "ls": name},
    }
    return Row(LOGICAL_SWITCH_PORT, subnet.ref, columns, key=f"{vpc}/switch", parent=switch_ref(name))


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


def _for_hosts(subnet: Subnet, gateways: Gateways) -> Row:
    return Row(
        SUBNET,
        subnet.ref,
        {
            "name": subnet.name,
            "vpc": subnet.spec.vpc,
            "cidrs": tuple(map(str, subnet.networks)),
            "gateways": tuple(str(subnet.gateways[network.version]) for network in subnet.networks),
            "mtu": subnet.spec.mtu,
            "node_network": subnet.spec.node_network if subnet.is_overlay else "",
            "host_routed": subnet.is_overlay and subnet.spec.vpc == DEFAULT_VPC and subnet.name != JOIN_SUBNET,
            "gateway_hosts": gateways.hosts,
            "gateway_addresses": gateway_addresses(subnet) if gateways.hosts else {},
            **egress_columns(subnet),
            "gateway_check": subnet.is_overlay and bool(subnet.networks) and not subnet.spec.disable_gateway_check,
        },
    )
