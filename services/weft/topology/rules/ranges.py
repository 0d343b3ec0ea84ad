"""What the CIDRs of a subnet may not touch: other subnets of its VPC, services, and the hosts' own addresses."""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.problem import Problem
from weft.api.subnet import Subnet
from weft.net.addresses import Address, Network, overlap, parse_addresses
from weft.topology.view import DEFAULT_VPC, View


def check_ranges(view: View, subnet: Subnet) -> Iterator[Problem]:
    """What a subnet's CIDRs are in the way of."""
    yield from _neighbours(view, subnet)
    if subnet.is_overlay and subnet.spec.vpc == DEFAULT_VPC and not subnet.spec.vlan:
        yield from _services(view, subnet)
        yield from _hosts(view, subnet)


def within(inner: Network, outer: Network) -> bool:
    """Whether a CIDR has all addresses of another one."""
    return inner.version == outer.version and inner[0] in outer and inner[-1] in outer


def _neighbours(view: View, subnet: Subnet) -> Iterator[Problem]:
    """Within a VPC no two CIDRs may overlap; VPCs may have the same ones. `join` is a neighbour only in its own VPC.

    Subnets that are no part of the overlay have their provider in place of a VPC.
    """
    if subnet.is_overlay:
        neighbours, where = view.subnets_of_vpc.get(subnet.spec.vpc, ()), f"Vpc/{subnet.spec.vpc}"
    else:
        neighbours, where = view.subnets_of_provider.get(subnet.spec.provider, ()), subnet.spec.provider
    for name in sorted(neighbours):
        if name == subnet.name:
            continue
        for theirs in view.subnets[name].networks:
            for ours in subnet.networks:
                if overlap(ours, theirs):
                    yield subnet.problem("spec.cidrBlock", f"{ours} overlaps {theirs} of Subnet/{name} in {where}")


def _services(view: View, subnet: Subnet) -> Iterator[Problem]:
    """The default VPC reaches Kubernetes' services by these addresses. Other VPCs are worlds of their own."""
    for services in view.services:
        for ours in subnet.networks:
            if overlap(ours, services):
                yield subnet.problem("spec.cidrBlock", f"{ours} overlaps {services} of Kubernetes' services")


def _hosts(view: View, subnet: Subnet) -> Iterator[Problem]:
    """Hosts and the default VPC reach each other, so what is a host's is no workload's."""
    found = sorted(_addresses_of_hosts(view), key=lambda pair: (pair[0].version, int(pair[0]), pair[1]))
    for ours in subnet.networks:
        inside = [(address, host) for address, host in found if address in ours]
        if inside:
            (address, host), more = inside[0], len({host for _, host in inside}) - 1
            others = f" and those of {more} more" if more else ""
            yield subnet.problem("spec.cidrBlock", f"{ours} contains {address}, the address of {host}{others}")


def _addresses_of_hosts(view: View) -> set[tuple[Address, str]]:
    """As agents say, and as Kubernetes does."""
    told = [(host.name, host.addresses) for host in view.hosts.values()]
    told += [(node.name, node.addresses) for node in view.groups["Node"].values()]
    return {(address, f"Host/{name}") for name, texts in told for text in texts for address in parse_addresses(text)}
