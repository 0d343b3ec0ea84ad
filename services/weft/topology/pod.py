"""A pod is a logical switch port for each of its networks, and rows that tell its host how to wire them.

What all pods of a subnet share (prefix length, gateway, MTU) is in the subnet's rows and not repeated here, so that a
change of the subnet touches no pod. The rows belong to the pod's `owner`: a virtual machine's stay while it moves from
one pod to the next, and for the time of the move its port may be bound on either host (ovn-nb(5), requested-chassis).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from weft.api.annotations import NETNS
from weft.api.core import Pod
from weft.api.ip import IP
from weft.api.subnet import Subnet
from weft.topology.dhcp import port_columns
from weft.topology.network import Attached
from weft.topology.rows import (
    LOGICAL_ROUTER_POLICY,
    LOGICAL_SWITCH_PORT,
    PORT,
    VENDOR,
    Row,
    Rows,
)
from weft.topology.shaping import meters, mirrors, shaping
from weft.topology.subnet import switch_ref
from weft.topology.vpc import router_ref

NORTH_GATEWAY_PRIORITY = 29250


def compile_pods(pods: Sequence[Pod], attached: Sequence[Attached], subnets: dict[str, Subnet]) -> Rows:
    """`pods` are those that one owner runs in, the oldest first; each network that has an address has rows."""
    northbound: list[Row] = []
    weft: list[Row] = []
    for item in attached:
        subnet = subnets.get(item.ip.spec.subnet)
        if subnet is None:
            continue
        if item.network.is_overlay:
            northbound.append(_port(pods, item, subnet))
            northbound.extend(_north_gateway(pods[-1], item, subnet))
            northbound.extend(meters(pods[-1], item.network, subnet.name))
        weft.extend(_wiring(pod, item, pod is not pods[0]) for pod in pods if pod.spec.node_name)
    return Rows(tuple(northbound), tuple(weft))


def _addresses(ip: IP) -> list[str]:
    return [address for address in (ip.spec.v4_ip_address, ip.spec.v6_ip_address) if address]


def _port(pods: Sequence[Pod], item: Attached, subnet: Subnet) -> Row:
    pod, network, ip = pods[-1], item.network, item.ip
    place = " ".join([ip.spec.mac_address, *_addresses(ip)])
    forwards = network.annotation(pod, "layer2_forward") == "true"
    columns: dict[str, object] = {
        "name": network.port,
        "addresses": (place, "unknown") if forwards else (place,),
        "options": _options(pods),
        "external_ids": {"vendor": VENDOR, "ls": ip.spec.subnet, "pod": f"{pod.namespace}/{pod.machine or pod.name}"},
    }
    columns |= port_columns(subnet)
    if network.annotation(pod, "port_security") == "true":
        columns["port_security"] = (" ".join([place, *item.shared]),)
    return Row(
        LOGICAL_SWITCH_PORT,
        pod.owner,
        columns,
        key=f"{ip.spec.subnet}/{_key(network.provider, network.interface, network.primary)}",
        parent=switch_ref(ip.spec.subnet),
    )


def _key(provider: str, interface: str, primary: bool) -> str:
    return "port" if primary else f"port/{provider}/{interface}"


def _options(pods: Sequence[Pod]) -> dict[str, str]:
    nodes = list(dict.fromkeys(pod.spec.node_name for pod in pods if pod.spec.node_name))
    if not nodes:
        return {}
    moving = {"activation-strategy": "rarp"} if len(nodes) > 1 else {}
    return {"requested-chassis": ",".join(nodes), **moving}


def _north_gateway(pod: Pod, item: Attached, subnet: Subnet) -> Iterator[Row]:
    """What the pod sends out of its VPC goes to a gateway of its own choice."""
    gateway = item.network.annotation(pod, "north_gateway")
    family = 6 if ":" in gateway else 4
    address = item.ip.spec.v6_ip_address if family == 6 else item.ip.spec.v4_ip_address
    if not gateway or not address:
        return
    yield Row(
        LOGICAL_ROUTER_POLICY,
        pod.owner,
        {
            "priority": NORTH_GATEWAY_PRIORITY,
            "match": f"ip{family}.src == {address}",
            "action": "reroute",
            "nexthops": (gateway,),
            "external_ids": {"vendor": VENDOR, "subnet": subnet.name},
        },
        key=f"{subnet.spec.vpc}/north/{item.network.port}",
        parent=router_ref(subnet.spec.vpc),
    )


def _wiring(pod: Pod, item: Attached, arriving: bool) -> Row:
    network, ip = item.network, item.ip
    return Row(
        PORT,
        pod.owner,
        {
            "name": network.port,
            "host": pod.spec.node_name,
            "pod_namespace": pod.namespace,
            "pod_name": pod.name,
            "pod_uid": pod.uid,
            "interface": network.interface,
            "subnet": ip.spec.subnet,
            "mac": ip.spec.mac_address,
            "addresses": tuple(_addresses(ip)),
            "device_type": network.device_type,
            "provider": network.provider,
            "routes": tuple(item.routes(pod)),
            "default_route": item.default_route,
            "shaping": shaping(pod, network),
            "mirrors": mirrors(pod, network),
            "arriving": arriving,
            "node_network": network.annotation(pod, "node_network"),
            "netns": pod.metadata.annotations.get(NETNS, "") if network.primary else "",
        },
        key="/".join(filter(None, ("" if pod.ref == pod.owner else pod.name, _suffix(item)))),
    )


def _suffix(item: Attached) -> str:
    network = item.network
    return "" if network.primary else f"{network.provider}/{network.interface}"
