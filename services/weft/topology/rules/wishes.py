"""What of a pod's wishes for its networks cannot be had, given the others.

The networks, their subnets and annotations are those that `topology.claims` reserves addresses by. What only time can
tell (an address of a list that is free by then) is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.annotations import DEFAULT_NETWORK, NETWORKS, key, parse_ip_pool
from weft.api.core import VIP, Pod
from weft.api.problem import Problem
from weft.api.subnet import Subnet
from weft.net.addresses import Address, parse_addresses, split_list
from weft.topology.claims import subnets_for
from weft.topology.network import Network, networks
from weft.topology.request import AllocationError
from weft.topology.rules.address import Own, unavailable, unfit
from weft.topology.view import View


def check_wishes(view: View, pod: Pod, own: Own) -> Iterator[Problem]:
    """What cannot be had. `own` tells the pod's reservations from those of others."""
    for network in networks(view, view.settings, pod):
        if network.borrows:
            vip = pod.metadata.annotations[VIP].strip()
            if vip not in view.vips:
                yield pod.problem(_annotation(VIP), f"Vip/{vip} does not exist")
        elif network.missing:
            yield pod.problem(_asked_for(network), network.missing)
        else:
            yield from _of_network(view, pod, network, own)


def _of_network(view: View, pod: Pod, network: Network, own: Own) -> Iterator[Problem]:
    try:
        names = subnets_for(view, pod, network)
    except AllocationError as error:
        yield pod.problem(_asked_for(network), str(error))
        return
    subnets = [view.subnets[name] for name in names if name in view.subnets]
    if not subnets:
        asked = network.annotation(pod, "logical_switch")
        field = _field(pod, network, "logical_switch") if asked else _asked_for(network)
        yield pod.problem(field, f"Subnet/{names[0]} does not exist")
        return
    yield from _static(view, pod, network, subnets, own)
    yield from _pool(view, pod, network, subnets)


def _static(view: View, pod: Pod, network: Network, subnets: list[Subnet], own: Own) -> Iterator[Problem]:
    """Addresses that it must be."""
    annotated = parse_addresses(network.annotation(pod, "ip_address"))
    field = _field(pod, network, "ip_address") if annotated else _annotation(NETWORKS)
    for address in annotated or network.request.addresses:
        if (why := unavailable(view, _having(subnets, address), address, own)) is not None:
            yield pod.problem(field, why)


def _pool(view: View, pod: Pod, network: Network, subnets: list[Subnet]) -> Iterator[Problem]:
    """Addresses, or pools, of which one is chosen."""
    text, field = network.annotation(pod, "ip_pool"), _field(pod, network, "ip_pool")
    choices = parse_ip_pool(text)
    for address in (address for choice in choices for address in choice):
        if (why := unfit(_having(subnets, address), address)) is not None:
            yield pod.problem(field, why)
    for name in () if choices else split_list(text):
        pool = view.ippools.get(name)
        if pool is None:
            yield pod.problem(field, f"IPPool/{name} does not exist")
        elif pool.spec.subnet not in (subnet.name for subnet in subnets):
            yield pod.problem(field, f"{pool.ref} is of Subnet/{pool.spec.subnet}, and the pod in {subnets[0].ref}")


def _having(subnets: list[Subnet], address: Address) -> Subnet:
    """Of several that the pod may be in, the one that an address is of."""
    return next((subnet for subnet in subnets if any(address in cidr for cidr in subnet.networks)), subnets[0])


# -- whom to blame ----------------------------------------------------------------------------------------------------


def _field(pod: Pod, network: Network, name: str) -> str:
    """The annotation that a wish was read from."""
    common = key(network.provider, name)
    own = f"{common}.{network.interface}"
    return _annotation(own if own in pod.metadata.annotations else common)


def _asked_for(network: Network) -> str:
    """Why the pod has this network at all."""
    if not network.request.name:
        return "metadata.namespace"
    return _annotation(DEFAULT_NETWORK if network.primary else NETWORKS)


def _annotation(name: str) -> str:
    return f"metadata.annotations[{name}]"
