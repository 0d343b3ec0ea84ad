"""Short ways to objects, for tests that are tables."""

from __future__ import annotations

from weft.api.attachment import NetworkAttachmentDefinition
from weft.api.core import Namespace, Node, Pod
from weft.api.ip import IP
from weft.api.ippool import IPPool
from weft.api.subnet import Subnet
from weft.api.vip import Vip
from weft.api.vpc import Vpc
from weft.api.workloads import StatefulSet, VirtualMachine
from weft.topology.engine import Engine
from weft.topology.rows import Row
from weft.topology.view import Host


def vpc(name: str, **spec: object) -> Vpc:
    return Vpc.parse({"metadata": {"name": name}, "spec": spec}, uid=f"uid-{name}")


def subnet(name: str, cidr: str, vpc: str = "ovn-cluster", **spec: object) -> Subnet:
    spec = {"cidrBlock": cidr, "vpc": vpc, **spec}
    return Subnet.parse({"metadata": {"name": name}, "spec": spec}, uid=f"uid-{name}")


def ippool(name: str, subnet: str, *ips: str, **spec: object) -> IPPool:
    return IPPool.parse({"metadata": {"name": name}, "spec": {"subnet": subnet, "ips": list(ips), **spec}})


def namespace(name: str) -> Namespace:
    return Namespace.parse({"metadata": {"name": name}})


def pod(name: str, subnet: str = "", *, ns: str = "ns1", node: str = "", ip: str = "", **annotations: str) -> Pod:
    given = {"ovn.kubernetes.io/logical_switch": subnet, "ovn.kubernetes.io/ip_address": ip}
    metadata = {"name": name, "namespace": ns, "annotations": {k: v for k, v in given.items() if v} | annotations}
    return Pod.parse({"metadata": metadata, "spec": {"nodeName": node} if node else {}}, uid=f"uid-{name}")


def made_by(kind: str, name: str) -> dict[str, object]:
    """Metadata of a pod that a workload made."""
    return {"ownerReferences": [{"kind": kind, "name": name, "uid": f"uid-{name}", "controller": True}]}


def workload_pod(kind: str, maker: str, name: str, node: str = "lab1", **metadata: object) -> Pod:
    metadata = {"name": name, "namespace": "ns1", **made_by(kind, maker), **metadata}
    return Pod.parse({"metadata": metadata, "spec": {"nodeName": node}}, uid=f"uid-{name}")


def statefulset(name: str, replicas: int, start: int = 0) -> StatefulSet:
    spec = {"replicas": replicas, "ordinals": {"start": start}}
    return StatefulSet.parse({"metadata": {"name": name, "namespace": "ns1"}, "spec": spec})


def machine(name: str) -> VirtualMachine:
    return VirtualMachine.parse({"metadata": {"name": name, "namespace": "ns1"}})


def network(name: str, config: str, ns: str = "default", **annotations: str) -> NetworkAttachmentDefinition:
    metadata = {"name": name, "namespace": ns, "annotations": annotations}
    return NetworkAttachmentDefinition.parse({"metadata": metadata, "spec": {"config": config}})


def vip(name: str, subnet: str = "ovn-default", **spec: object) -> Vip:
    return Vip.parse({"metadata": {"name": name}, "spec": {"subnet": subnet, **spec}})


def reservation(name: str, subnet: str, address: str, *, pod: str = "", ns: str = "", node: str = "") -> IP:
    parts = address.split(",")
    spec = {
        "subnet": subnet,
        "ipAddress": address,
        "v4IpAddress": next((part for part in parts if ":" not in part), ""),
        "v6IpAddress": next((part for part in parts if ":" in part), ""),
        "macAddress": "0a:58:00:00:00:09",
        "podName": pod,
        "namespace": ns,
        "nodeName": node,
    }
    labels = {"ovn.kubernetes.io/subnet": subnet}
    return IP.parse({"metadata": {"name": name, "labels": labels}, "spec": spec})


def base() -> Engine:
    """A fabric as bootstrap leaves it, with the namespace ns1."""
    engine = Engine()
    for item in (
        vpc("ovn-cluster"),
        namespace("ns1"),
        subnet("join", "100.64.0.0/16"),
        subnet("ovn-default", "10.16.0.0/16", default=True),
    ):
        engine.put(item)
    settle(engine)
    return engine


def settle(engine: Engine) -> dict[str, tuple[tuple[Row, ...], tuple[Row, ...]]]:
    """Work until nothing is dirty, as the controller does; what each dirty owner compiled to last."""
    compiled: dict[str, tuple[tuple[Row, ...], tuple[Row, ...]]] = {}
    for _ in range(50):
        if not engine.dirty:
            return compiled
        owners = engine.take_dirty()
        engine.reserve(owners)
        owners = [*dict.fromkeys([*owners, *engine.take_dirty()])]
        for owner in owners:
            if not engine.is_frozen(owner):
                rows = engine.compile(owner)
                compiled[owner] = (rows.northbound, rows.weft)
        engine.released(engine.releases(owners))
    raise AssertionError(f"never settles: {list(engine.dirty)}")


def host(name: str, *addresses: str, ready: bool = True) -> Host:
    return Host(name, addresses, ready=ready)


def node(name: str, *addresses: str, ready: str = "True", **labels: str) -> Node:
    told = [{"type": "InternalIP", "address": address} for address in addresses]
    status = {"addresses": told, "conditions": [{"type": "Ready", "status": ready}]}
    return Node.parse({"metadata": {"name": name, "labels": labels}, "status": status})
