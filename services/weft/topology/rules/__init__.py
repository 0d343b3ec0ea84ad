"""Rules between objects: what a new or changed object may not be, given the others.

The same rules hold at `weftctl apply`, in `weftctl plan`, at the door of a Kubernetes API and in the controller (which
may find an object that came another way). What forbids to put an object is in a file per kind; what forbids to delete
one is in `deletion`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from weft.api.base import Resource
from weft.api.core import Pod
from weft.api.ip import IP
from weft.api.ippool import IPPool
from weft.api.problem import Problem
from weft.api.subnet import Subnet
from weft.api.templates import PodMaker
from weft.api.vip import Vip
from weft.api.vpc import Vpc
from weft.topology.rules.deletion import SYSTEM_OBJECTS, check_delete
from weft.topology.rules.ip import check_ip
from weft.topology.rules.ippool import check_ippool
from weft.topology.rules.pod import check_pod
from weft.topology.rules.subnet import check_subnet
from weft.topology.rules.template import check_template
from weft.topology.rules.vip import check_vip
from weft.topology.rules.vpc import check_vpc
from weft.topology.view import View

__all__ = ["SYSTEM_OBJECTS", "check_delete", "check_put"]

_CHECKS: Mapping[type[Resource], Callable[[View, Any], Iterable[Problem]]] = {
    Vpc: check_vpc,
    Subnet: check_subnet,
    IPPool: check_ippool,
    IP: check_ip,
    Vip: check_vip,
    Pod: check_pod,
}


def check_put(view: View, item: Resource) -> list[Problem]:
    """What forbids to create `item` or to change it to this. What cannot be changed at all is not judged further."""
    old = view.find(item.ref)
    if isinstance(old, Resource) and (fixed := list(item.changes(old))):
        return fixed
    if isinstance(item, PodMaker):
        return list(check_template(view, item))
    check = _CHECKS.get(type(item))
    return [] if check is None else list(check(view, item))
