"""What may not be deleted, since others need it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from weft.api.base import Resource
from weft.api.core import VIP, Namespace
from weft.api.problem import Problem
from weft.api.subnet import Subnet
from weft.api.vip import Vip
from weft.api.vpc import Vpc
from weft.topology.view import DEFAULT_VPC, JOIN_SUBNET, View

SYSTEM_OBJECTS = frozenset({f"Vpc/{DEFAULT_VPC}", f"Subnet/{JOIN_SUBNET}"})


def check_delete(view: View, item: Resource) -> list[Problem]:
    """What forbids to delete `item`."""
    if item.ref in SYSTEM_OBJECTS:
        return [item.problem("", "is part of the fabric itself and cannot be deleted")]
    match item:
        case Subnet():
            return list(_of_subnet(view, item))
        case Vpc() if subnets := view.subnets_of_vpc.get(item.name):
            return [item.problem("", f"is in use by {len(subnets)} subnets: {_some(subnets)}")]
        case Vip() if pods := _borrowers(view, item):
            return [item.problem("", f"is in use by {len(pods)} pods: {_some(pods)}")]
        case Namespace():
            pods = {view.pods[ref].name for ref in view.pods_of_namespace.get(item.name, ())}
            return [item.problem("", f"is in use by {len(pods)} pods: {_some(pods)}")] if pods else []
    return []


def _of_subnet(view: View, subnet: Subnet) -> Iterator[Problem]:
    if users := view.ips_of_subnet.get(subnet.name):
        yield subnet.problem("", f"is in use by {len(users)} addresses: {_some(users)}")
    elif subnet.spec.default:
        yield subnet.problem(
            "spec.default", "true: the default subnet cannot be deleted; make another one the default first"
        )


def _borrowers(view: View, vip: Vip) -> set[str]:
    """Pods that have the Vip's address as their own."""
    pods = (view.pods[ref] for ref in view.pods_of_vip.get(vip.name, ()))
    return {pod.port_name for pod in pods if pod.metadata.annotations.get(VIP, "").strip() == vip.name}


def _some(names: Collection[str]) -> str:
    shown = sorted(names)[:3]
    return ", ".join(shown) + (" …" if len(names) > len(shown) else "")
