"""What a pool of addresses may not be, given the others."""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.ippool import IPPool
from weft.api.problem import Problem
from weft.net.addresses import Address, parse_block
from weft.topology.rules.address import unfit
from weft.topology.rules.ip import missing
from weft.topology.view import View


def check_ippool(view: View, pool: IPPool) -> Iterator[Problem]:
    """What forbids a pool to be this."""
    subnet = view.subnets.get(pool.spec.subnet)
    if subnet is None:
        yield pool.problem("spec.subnet", missing(pool.spec.subnet))
        return
    for text in pool.spec.ips:
        low, high = parse_block(text)
        if not any(low in network and high in network for network in subnet.networks):
            cidrs = subnet.spec.cidr_block
            yield pool.problem("spec.ips", f"{text!r} is not inside Subnet/{subnet.name} {cidrs}")
        elif low == high and (why := unfit(subnet, low)) is not None:
            yield pool.problem("spec.ips", why)
        else:
            yield from _overlaps(view, pool, text, low, high)


def _overlaps(view: View, pool: IPPool, text: str, low: Address, high: Address) -> Iterator[Problem]:
    """An address is of one pool of its subnet at most."""
    for name in sorted(view.pools_of_subnet.get(pool.spec.subnet, set()) - {pool.name}):
        other = view.ippools[name]
        for theirs in other.spec.ips:
            first, last = parse_block(theirs)
            if first.version == low.version and int(first) <= int(high) and int(low) <= int(last):
                yield pool.problem("spec.ips", f"{text!r} overlaps {theirs!r} of {other.ref}")
