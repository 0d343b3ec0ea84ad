"""What somebody wants to have reserved, and the `IP` object that says that it is."""

from __future__ import annotations

from dataclasses import dataclass

from weft.api.base import Metadata
from weft.api.ip import IP, IPSpec
from weft.net.addresses import Address, Family

SUBNET_LABEL = "ovn.kubernetes.io/subnet"
NODE_LABEL = "ovn.kubernetes.io/node-name"


class AllocationError(Exception):
    """No address can be reserved. `reason` is one word for a condition, the text names subnet and field."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants to have: all but `name` and `subnets` are wishes and may be empty."""

    name: str
    """Of the `IP` object."""
    subnets: tuple[str, ...]
    """The first of these that can serve the request does."""
    addresses: tuple[Address, ...] = ()
    """These very addresses, one of a family; of the subnet's other families any."""
    choices: tuple[tuple[Address, ...], ...] = ()
    """The first of these that is in the subnet and wholly free (annotation `ip_pool`); `addresses` go before it."""
    pools: tuple[str, ...] = ()
    """From one of these IPPools: of those that are the subnet's the one with most free addresses."""
    families: frozenset[Family] = frozenset()
    """Only of these families (annotation `ip_family`)."""
    mac: str = ""
    pod_name: str = ""
    namespace: str = ""
    node: str = ""
    pod_type: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    """Further labels of the `IP` object."""


def reservation(request: Request, subnet: str, addresses: list[Address], mac: str) -> IP:
    """The object that must be stored before anything else may know the addresses; IPv4 comes first."""
    by_family = {address.version: str(address) for address in addresses}
    node = {NODE_LABEL: request.node} if request.node else {}
    return IP(
        metadata=Metadata(name=request.name, labels={SUBNET_LABEL: subnet, **node, **dict(request.labels)}),
        spec=IPSpec(
            pod_name=request.pod_name,
            namespace=request.namespace,
            subnet=subnet,
            node_name=request.node,
            ip_address=",".join(map(str, addresses)),
            v4_ip_address=by_family.get(4, ""),
            v6_ip_address=by_family.get(6, ""),
            mac_address=mac,
            pod_type=request.pod_type,
        ),
    )
