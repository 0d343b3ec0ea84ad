"""What a pool of addresses may not be, given the others."""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.ippool import IPPool
from weft.api.problem import Problem
from weft.api.subnet import Subnet
from weft.net.addresses import Address, parse_block
from weft.topology.rules.address import unfit
from weft.topology.rules.ip import missing
from weft.topology.view import View


def check_ippool(view: View, pool: IPPool) -> Iterator[Problem]:
    """What forbids a pool to be this. Addresses beside its subnet have no effect (Kube-OVN 1.15 manual, 3.3)."""
    subnet = view.subnets.get(pool.spec.subnet)
    if subnet is None:
        yield pool.problem("spec.subnet", missing(pool.spec.subnet))
        return
    blocks = [(text, *parse_block(text)) for text in pool.spec.ips]
    inside = [block for block in blocks if _is_of(subnet, *block[1:])]
    for text, _, _ in [] if inside else blocks:
        yield pool.problem("spec.ips", f"{text!r} is not inside Subnet/{subnet.name} {subnet.spec.cidr_block}")
    for text, low, high in inside:
        if low == high and (why := unfit(subnet, low)) is not None:
            yield pool.problem("spec.ips", why)
        else:
            yield from _overlaps(view, pool, text, low, high)


def _is_of(subnet: Subnet, low: Address, high: Address) -> bool:
    """Whether any address of a block is the subnet's."""
    networks = (network for network in subnet.networks if network.version == low.version)
    return int(low) <= int(high) and any(
        int(low) <= int(network[-1]) and int(network[0]) <= int(high) for network in networks
    )


def _overlaps(view: View, pool: IPPool, text: str, low: Address, high: Address) -> Iterator[Problem]:
    """An address of the subnet is of one pool at most."""
    subnet = view.subnets[pool.spec.subnet]
    for name in sorted(view.pools_of_subnet.get(subnet.name, set()) - {pool.name}):
        other = view.ippools[name]
        for theirs in other.spec.ips:
            first, last = parse_block(theirs)
            if first.version == low.version and _is_of(subnet, max(first, low, key=int), min(last, high, key=int)):
                yield pool.problem("spec.ips", f"{text!r} overlaps {theirs!r} of {other.ref}")
