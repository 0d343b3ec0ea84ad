"""What a reserved address may not be, given the others."""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.ip import IP
from weft.api.problem import Problem
from weft.topology.rules.address import unavailable
from weft.topology.view import View


def check_ip(view: View, ip: IP) -> Iterator[Problem]:
    """What forbids an address to be reserved."""
    subnet = view.subnets.get(ip.spec.subnet)
    if subnet is None:
        yield ip.problem("spec.subnet", missing(ip.spec.subnet))
        return
    for address in ip.addresses:
        if (why := unavailable(view, subnet, address, ip.name.__eq__)) is not None:
            yield ip.problem("spec.ipAddress", why)


def missing(subnet: str) -> str:
    """What is said of a subnet that is not there, or was not even named."""
    return f"Subnet/{subnet} does not exist" if subnet else "is required"
