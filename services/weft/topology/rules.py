"""Rules between objects: what a new or changed object may not be, given the others.

The same rules hold at `weftctl apply`, in `weftctl plan` and in the controller (which may find an object that came
another way).
"""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.base import Resource
from weft.api.core import IP_ADDRESS, LOGICAL_SWITCH, MAC_ADDRESS, Pod
from weft.api.problem import Problem
from weft.api.subnet import Subnet
from weft.api.subnet_spec import OVERLAY_PROVIDER
from weft.api.vpc import Vpc
from weft.net.addresses import parse_addresses
from weft.topology.view import DEFAULT_VPC, JOIN_SUBNET, View

SYSTEM_OBJECTS = frozenset({f"Vpc/{DEFAULT_VPC}", f"Subnet/{JOIN_SUBNET}"})


def check_put(view: View, item: Resource) -> list[Problem]:
    """What forbids to create `item` or to change it to this."""
    old = view.find(item.ref)
    problems = list(item.changes(old)) if isinstance(old, Resource) else []
    match item:
        case Subnet():
            problems += _check_subnet(view, item)
        case Vpc():
            problems += _check_vpc(view, item)
        case Pod():
            problems += _check_pod(view, item)
    return problems


def check_delete(view: View, item: Resource) -> list[Problem]:
    """What forbids to delete `item`."""
    if item.ref in SYSTEM_OBJECTS:
        return [item.problem("", "is part of the fabric itself and cannot be deleted")]
    match item:
        case Subnet() if users := view.ips_of_subnet.get(item.name):
            return [item.problem("", f"is in use by {len(users)} addresses: {_some(users)}")]
        case Subnet() if item.spec.default:
            return [
                item.problem(
                    "spec.default", "true: the default subnet cannot be deleted; make another one the default first"
                )
            ]
        case Vpc() if subnets := view.subnets_of_vpc.get(item.name):
            return [item.problem("", f"is in use by {len(subnets)} subnets: {_some(subnets)}")]
        case _ if item.INFO.kind == "Namespace":
            pods = {pod.name for pod in view.pods.values() if pod.namespace == item.name}
            return [item.problem("", f"is in use by {len(pods)} pods: {_some(pods)}")] if pods else []
        case _:
            return []


def _some(names: set[str]) -> str:
    shown = sorted(names)[:3]
    return ", ".join(shown) + (" …" if len(names) > len(shown) else "")


def _check_subnet(view: View, subnet: Subnet) -> Iterator[Problem]:
    if subnet.spec.provider != OVERLAY_PROVIDER:
        yield subnet.problem(
            "spec.provider", f"{subnet.spec.provider!r} is not served yet; allowed: {OVERLAY_PROVIDER}"
        )
    if not subnet.networks:
        yield subnet.problem("spec.cidrBlock", "is empty: a subnet without addresses is not served yet")
    if subnet.spec.vpc not in view.vpcs:
        yield subnet.problem("spec.vpc", f"Vpc/{subnet.spec.vpc} does not exist")
    yield from _overlaps(view, subnet)
    yield from _changes(view, subnet)
    if subnet.spec.default and (other := view.default_subnet()) not in (None, subnet.name):
        yield subnet.problem("spec.default", f"Subnet/{other} is the default already; one is allowed")
    vpc = view.vpcs.get(subnet.spec.vpc)
    if vpc is not None and vpc.name != DEFAULT_VPC and vpc.spec.namespaces:
        for namespace in subnet.spec.namespaces:
            if namespace not in vpc.spec.namespaces:
                yield subnet.problem(
                    "spec.namespaces",
                    f"{namespace!r} is not in Vpc/{vpc.name} spec.namespaces ({', '.join(vpc.spec.namespaces)})",
                )


def _overlaps(view: View, subnet: Subnet) -> Iterator[Problem]:
    """Within a VPC no two CIDRs may overlap; VPCs may have the same ones. `join` is a neighbour only in its own VPC."""
    for name in sorted(view.subnets_of_vpc.get(subnet.spec.vpc, ())):
        if name == subnet.name:
            continue
        for theirs in view.subnets[name].networks:
            for ours in subnet.networks:
                if ours.version == theirs.version and ours.overlaps(theirs):
                    yield subnet.problem(
                        "spec.cidrBlock", f"{ours} overlaps {theirs} of Subnet/{name} in Vpc/{subnet.spec.vpc}"
                    )


def _changes(view: View, subnet: Subnet) -> Iterator[Problem]:
    """What may not change while addresses of the subnet are in use."""
    users = view.ips_of_subnet.get(subnet.name)
    old = view.subnets.get(subnet.name)
    if not users or old is None:
        return
    if old.spec.vpc != subnet.spec.vpc:
        yield subnet.problem(
            "spec.vpc",
            f"{subnet.spec.vpc!r}: cannot change from {old.spec.vpc!r} while {len(users)} addresses are in use",
        )
    for user in sorted(users):
        for address in view.ips[user].addresses:
            if not any(address in network for network in subnet.networks):
                yield subnet.problem(
                    "spec.cidrBlock", f"{subnet.spec.cidr_block} does not contain {address}, which is in use by {user}"
                )
                return
            if address == subnet.gateways.get(address.version):
                yield subnet.problem("spec.gateway", f"{address} is in use by {user}")
                return


def _check_vpc(view: View, vpc: Vpc) -> Iterator[Problem]:
    for namespace in vpc.spec.namespaces:
        for other in sorted(view.vpcs_of_namespace.get(namespace, ())):
            if other != vpc.name:
                yield vpc.problem("spec.namespaces", f"{namespace!r} belongs to Vpc/{other} already")


def _check_pod(view: View, pod: Pod) -> Iterator[Problem]:
    if pod.namespace not in view.namespaces:
        yield pod.problem("metadata.namespace", f"Namespace/{pod.namespace} does not exist")
    old = view.pods.get(pod.ref)
    if old is not None and old.spec.node_name and old.spec.node_name != pod.spec.node_name:
        yield pod.problem(
            "spec.nodeName", f"{pod.spec.node_name!r}: cannot change from {old.spec.node_name!r}; delete the pod first"
        )
    yield from _moved(view, pod)
    name = view.subnet_name_of(pod)
    subnet = view.subnets.get(name or "")
    if subnet is None:
        field = (
            f"metadata.annotations[{LOGICAL_SWITCH}]"
            if LOGICAL_SWITCH in pod.metadata.annotations
            else "metadata.namespace"
        )
        yield pod.problem(field, f"Subnet/{name} does not exist" if name else "no subnet: there is no default one")
        return
    for address in parse_addresses(pod.metadata.annotations.get(IP_ADDRESS, "")):
        if not any(address in network for network in subnet.networks):
            yield pod.problem(
                f"metadata.annotations[{IP_ADDRESS}]",
                f"{address} is not inside Subnet/{subnet.name} {subnet.spec.cidr_block}",
            )
        elif (holder := _holder(view, subnet.name, str(address))) not in (None, pod.port_name):
            yield pod.problem(f"metadata.annotations[{IP_ADDRESS}]", f"{address} is in use by {holder}")


def _moved(view: View, pod: Pod) -> Iterator[Problem]:
    """An address is for the pod's life: what is asked for later has no effect, so it is refused."""
    ip = view.ips.get(pod.port_name)
    if ip is None or pod.ref not in view.pods:
        return
    for annotation, has in ((LOGICAL_SWITCH, ip.spec.subnet), (MAC_ADDRESS, ip.spec.mac_address)):
        wish = pod.metadata.annotations.get(annotation, "").strip()
        if wish and wish.lower() != has.lower():
            yield _cannot_move(pod, annotation, wish, has)
    wishes = set(parse_addresses(pod.metadata.annotations.get(IP_ADDRESS, "")))
    if not wishes <= set(ip.addresses):
        yield _cannot_move(pod, IP_ADDRESS, pod.metadata.annotations[IP_ADDRESS], ip.spec.ip_address)


def _cannot_move(pod: Pod, annotation: str, wish: str, has: str) -> Problem:
    return pod.problem(f"metadata.annotations[{annotation}]", f"{wish!r}: the pod has {has}; delete it first")


def _holder(view: View, subnet: str, address: str) -> str | None:
    return next(
        (
            name
            for name in view.ips_of_subnet.get(subnet, ())
            if address in (view.ips[name].spec.v4_ip_address, view.ips[name].spec.v6_ip_address)
        ),
        None,
    )
