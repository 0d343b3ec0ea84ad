"""Rules between objects: what a new or changed object may not be, given the others.

The same rules hold at `weftctl apply`, in `weftctl plan` and in the controller (which may find an object that came
another way). What forbids to put an object is in a file per kind; what forbids to delete one is here.
"""

from __future__ import annotations

from weft.api.base import Resource
from weft.api.core import Pod
from weft.api.problem import Problem
from weft.api.subnet import Subnet
from weft.api.vpc import Vpc
from weft.topology.rules.pod import check_pod
from weft.topology.rules.subnet import check_subnet
from weft.topology.rules.vpc import check_vpc
from weft.topology.view import DEFAULT_VPC, JOIN_SUBNET, View

SYSTEM_OBJECTS = frozenset({f"Vpc/{DEFAULT_VPC}", f"Subnet/{JOIN_SUBNET}"})


def check_put(view: View, item: Resource) -> list[Problem]:
    """What forbids to create `item` or to change it to this."""
    old = view.find(item.ref)
    problems = list(item.changes(old)) if isinstance(old, Resource) else []
    match item:
        case Subnet():
            problems += check_subnet(view, item)
        case Vpc():
            problems += check_vpc(view, item)
        case Pod():
            problems += check_pod(view, item)
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
