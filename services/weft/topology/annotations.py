"""What Kube-OVN writes on Kubernetes' own objects, key by key, so that its tools and users find it there."""

from __future__ import annotations

from collections.abc import Sequence

from weft.api.annotations import DEFAULT_PROVIDER, key
from weft.api.core import Pod
from weft.api.ip import IP
from weft.api.subnet import Subnet
from weft.topology.network import Attached
from weft.topology.view import Host

Annotations = dict[str, str]


def pod_annotations(pod: Pod, item: Attached, subnet: Subnet) -> Annotations:
    """On a pod whose rows are committed, of one of its networks: the runtime's plugin and people may read it here."""
    provider = item.network.provider
    said = _place(provider, item.ip, subnet)
    if item.network.is_overlay:
        said |= {
            key(provider, "logical_router"): subnet.spec.vpc,
            key(provider, "network_type"): "geneve",
            key(provider, "routed"): "true",
        }
    if pod.machine:
        said[key(provider, "virtualmachine")] = pod.machine
    return said


def node_annotations(host: Host, ip: IP, join: Subnet) -> Annotations:
    """On a node: its port on the subnet `join`."""
    return {
        **_place(DEFAULT_PROVIDER, ip, join),
        key(DEFAULT_PROVIDER, "port_name"): host.port_name,
        key(DEFAULT_PROVIDER, "chassis"): host.name,
    }


def namespace_annotations(subnets: Sequence[Subnet]) -> Annotations:
    """On a namespace: the subnets of its pods."""
    return {
        key(DEFAULT_PROVIDER, "logical_switch"): ",".join(subnet.name for subnet in subnets),
        key(DEFAULT_PROVIDER, "cidr"): ";".join(subnet.spec.cidr_block for subnet in subnets),
        key(DEFAULT_PROVIDER, "exclude_ips"): ";".join(",".join(subnet.spec.exclude_ips) for subnet in subnets),
    }


def _place(provider: str, ip: IP, subnet: Subnet) -> Annotations:
    return {
        key(provider, "allocated"): "true",
        key(provider, "ip_address"): ip.spec.ip_address,
        key(provider, "mac_address"): ip.spec.mac_address,
        key(provider, "cidr"): ",".join(map(str, subnet.networks)),
        key(provider, "gateway"): ",".join(str(subnet.gateways[network.version]) for network in subnet.networks),
        key(provider, "logical_switch"): subnet.name,
    }
