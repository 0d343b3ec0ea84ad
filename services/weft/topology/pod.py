"""A pod is a logical switch port, and a row that tells its host how to wire it.

What all pods of a subnet share (prefix length, gateway, MTU) is in the subnet's rows and not repeated here, so that a
change of the subnet touches no pod.
"""

from __future__ import annotations

from weft.api.core import NETNS, Pod
from weft.api.ip import IP
from weft.api.subnet_spec import OVERLAY_PROVIDER
from weft.topology.rows import LOGICAL_SWITCH_PORT, PORT, VENDOR, Row, Rows
from weft.topology.subnet import switch_ref


def compile_pod(pod: Pod, ip: IP) -> Rows:
    """`ip` is the pod's reservation: without one a pod has no rows."""
    name, subnet, mac = pod.port_name, ip.spec.subnet, ip.spec.mac_address
    addresses = [address for address in (ip.spec.v4_ip_address, ip.spec.v6_ip_address) if address]
    options = {"requested-chassis": pod.spec.node_name} if pod.spec.node_name else {}
    port = Row(
        LOGICAL_SWITCH_PORT,
        pod.ref,
        {
            "name": name,
            "addresses": (" ".join([mac, *addresses]),),
            "options": options,
            "external_ids": {"vendor": VENDOR, "ls": subnet, "pod": f"{pod.namespace}/{pod.name}"},
        },
        key=f"{subnet}/port",
        parent=switch_ref(subnet),
    )
    wiring = Row(
        PORT,
        pod.ref,
        {
            "name": name,
            "host": pod.spec.node_name,
            "pod_namespace": pod.namespace,
            "pod_name": pod.name,
            "pod_uid": pod.uid,
            "interface": "eth0",
            "subnet": subnet,
            "mac": mac,
            "addresses": tuple(addresses),
            "device_type": "veth",
            "provider": OVERLAY_PROVIDER,
            "default_route": True,
            "netns": pod.metadata.annotations.get(NETNS, ""),
        },
    )
    return Rows(northbound=(port,), weft=(wiring,) if pod.spec.node_name else ())
