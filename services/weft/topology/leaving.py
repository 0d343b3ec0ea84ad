"""By which hosts a centralized subnet leaves the fabric (Kube-OVN 1.15 manual, section 3.1.4).

Those that `gatewayNode` names, in its order, or else those whose nodes the selectors choose, by name. The first that is
fit is the gateway; with `enableEcmp` all that are fit share the traffic. When none is fit they are used nevertheless:
one who sees nobody must not cut everybody off. Nothing is remembered, so a restart chooses the same, and the first is
the gateway again when it is back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from weft.api.ip import IP
from weft.api.subnet import Subnet
from weft.net.addresses import Address
from weft.topology.egress import leaves_by_hosts
from weft.topology.selector import matches
from weft.topology.view import View


@dataclass(frozen=True, slots=True)
class Gateways:
    """Hosts of a centralized subnet. `unknown` are named and not there, `unfit` are there and cannot be used now."""

    hosts: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    hops: tuple[Address, ...] = ()
    """What the active ones have on the subnet `join`."""
    unknown: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()


NOBODY = Gateways()


def is_centralized(subnet: Subnet) -> bool:
    """Whether it leaves by chosen hosts, instead of by each pod's own."""
    return subnet.spec.gateway_type == "centralized" and leaves_by_hosts(subnet)


def choose(view: View, subnet: Subnet, place: Callable[[str], IP | None]) -> Gateways:
    """`place` is what a host has on the subnet `join`, by the name of its port."""
    named = _named(view, subnet)
    places = {name: place(view.hosts[name].port_name) for name in named if name in view.hosts}
    there = {name: ip.addresses for name, ip in places.items() if ip is not None}
    fit = [name for name in there if _is_fit(view, name)]
    used = fit or list(there)
    active = used if subnet.spec.enable_ecmp else used[:1]
    return Gateways(
        tuple(there),
        tuple(active),
        tuple(address for name in active for address in there[name]),
        tuple(name for name in named if name not in there),
        tuple(name for name in there if name not in fit),
    )


def _named(view: View, subnet: Subnet) -> list[str]:
    if subnet.gateway_nodes:
        return list(subnet.gateway_nodes)
    selectors = subnet.spec.gateway_node_selectors
    return sorted(
        name
        for name, node in view.nodes.items()
        if any(matches(selector, node.metadata.labels) for selector in selectors)
    )


def _is_fit(view: View, name: str) -> bool:
    node = view.nodes.get(name)
    return view.hosts[name].ready and name not in view.silent and (node is None or node.ready)
