"""A host has a port on the subnet `join`, through which it reaches the default VPC and is reached (its `ovn0`).

By it pods leave the fabric, too (`gateway`).
"""

from __future__ import annotations

from collections.abc import Sequence

from weft.api.core import NODE_NETWORKS, TUNNEL_INTERFACE, Node
from weft.api.ip import IP
from weft.api.subnet import Subnet
from weft.net.addresses import Address
from weft.net.tunnels import parse_node_networks
from weft.topology.gateway import compile_host_gateway
from weft.topology.rows import HOST, LOGICAL_SWITCH_PORT, VENDOR, Row, Rows
from weft.topology.subnet import switch_ref
from weft.topology.view import Host


def compile_host(host: Host, ip: IP, join: Subnet, node: Node | None = None, own: Sequence[Address] = ()) -> Rows:
    """`ip` is the host's reservation in the subnet `join`; its tunnels are as the node of its name is annotated.

    Its `own` addresses are on the network of hosts.
    """
    given = {} if node is None else node.metadata.annotations
    mac = ip.spec.mac_address
    port = Row(
        LOGICAL_SWITCH_PORT,
        host.ref,
        {
            "name": host.port_name,
            "addresses": (" ".join([mac, *map(str, ip.addresses)]),),
            "options": {"requested-chassis": host.name},
            "external_ids": {"vendor": VENDOR, "ls": join.name, "node": host.name},
        },
        key=f"{join.name}/port",
        parent=switch_ref(join.name),
    )
    prefix = {network.version: network.prefixlen for network in join.networks}
    wiring = Row(
        HOST,
        host.ref,
        {
            "name": host.name,
            "port": host.port_name,
            "mac": mac,
            "addresses": tuple(f"{address}/{prefix[address.version]}" for address in ip.addresses),
            "gateways": tuple(str(join.gateways[network.version]) for network in join.networks),
            "mtu": join.spec.mtu,
            "tunnel_interface": given.get(TUNNEL_INTERFACE, "").strip(),
            "networks": parse_node_networks(given.get(NODE_NETWORKS, "")),
            "own_addresses": tuple(map(str, own)),
        },
    )
    return Rows(northbound=(port, *compile_host_gateway(host, ip.addresses, own)), weft=(wiring,))
