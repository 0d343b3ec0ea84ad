"""What a virtual address may not be, given the others."""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.problem import Problem
from weft.api.vip import Vip
from weft.net.addresses import Address, parse_addresses
from weft.topology.network import vip_reservation
from weft.topology.rules.address import unavailable
from weft.topology.rules.ip import missing
from weft.topology.view import View


def check_vip(view: View, vip: Vip) -> Iterator[Problem]:
    """What forbids a virtual address to be this."""
    subnet = view.subnets.get(vip.spec.subnet)
    if subnet is None:
        yield vip.problem("spec.subnet", missing(vip.spec.subnet))
        return
    own = {vip_reservation(vip.name)}
    for field, text in (("spec.v4ip", vip.spec.v4ip), ("spec.v6ip", vip.spec.v6ip)):
        for address in parse_addresses(text):
            if (why := unavailable(view, subnet, address, own.__contains__)) is not None:
                yield vip.problem(field, why)
            elif (other := _twin(view, vip, address)) is not None:
                yield vip.problem(field, f"{address} is in use by {other}")


def _twin(view: View, vip: Vip, address: Address) -> str | None:
    """Another one that asks for the same, also when its address is not reserved yet."""
    for name in sorted(view.vips_of_subnet.get(vip.spec.subnet, ())):
        other = view.vips[name]
        if name != vip.name:
            asked = [*parse_addresses(other.spec.v4ip), *parse_addresses(other.spec.v6ip)]
            if address in asked:
                return other.ref
    return None
