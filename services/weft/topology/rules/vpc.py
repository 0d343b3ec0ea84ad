"""What a VPC may not be, given the others."""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.problem import Problem
from weft.api.vpc import Vpc
from weft.topology.view import View


def check_vpc(view: View, vpc: Vpc) -> Iterator[Problem]:
    """What forbids a VPC to be this."""
    for namespace in vpc.spec.namespaces:
        for other in sorted(view.vpcs_of_namespace.get(namespace, ())):
            if other != vpc.name:
                yield vpc.problem("spec.namespaces", f"{namespace!r} belongs to Vpc/{other} already")
    subnet = view.subnets.get(vpc.spec.default_subnet)
    if subnet is not None and subnet.spec.vpc != vpc.name:  # one that is not there may come yet
        yield vpc.problem("spec.defaultSubnet", f"Subnet/{subnet.name} is in Vpc/{subnet.spec.vpc}")
