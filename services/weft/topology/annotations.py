"""What Kube-OVN writes on Kubernetes' own objects, key by key, so that its tools and users find it there."""

from __future__ import annotations

from weft.api.ip import IP
from weft.api.subnet import Subnet
from weft.topology.view import Host

PREFIX = "ovn.kubernetes.io/"
Annotations = dict[str, str]


def pod_annotations(ip: IP, subnet: Subnet) -> Annotations:
    """On a pod whose rows are committed: the runtime's plugin and people may read its network here."""
    return {
        **_place(ip, subnet),
        f"{PREFIX}logical_router": subnet.spec.vpc,
        f"{PREFIX}network_type": "geneve",
        f"{PREFIX}routed": "true",
    }


def node_annotations(host: Host, ip: IP, join: Subnet) -> Annotations:
    """On a node: its port on the subnet `join`."""
    return {**_place(ip, join), f"{PREFIX}port_name": host.port_name, f"{PREFIX}chassis": host.name}


def namespace_annotations(subnet: Subnet) -> Annotations:
    """On a namespace: the subnet of its pods."""
    return {
        f"{PREFIX}logical_switch": subnet.name,
        f"{PREFIX}cidr": subnet.spec.cidr_block,
        f"{PREFIX}exclude_ips": ",".join(subnet.spec.exclude_ips),
    }


def _place(ip: IP, subnet: Subnet) -> Annotations:
    return {
        f"{PREFIX}allocated": "true",
        f"{PREFIX}ip_address": ip.spec.ip_address,
        f"{PREFIX}mac_address": ip.spec.mac_address,
        f"{PREFIX}cidr": ",".join(map(str, subnet.networks)),
        f"{PREFIX}gateway": ",".join(str(subnet.gateways[network.version]) for network in subnet.networks),
        f"{PREFIX}logical_switch": subnet.name,
    }
