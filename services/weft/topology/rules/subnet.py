"""What a subnet may not be, given the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from weft.api.problem import Problem
from weft.api.subnet import Subnet
from weft.net.addresses import is_host
from weft.topology.rules.ranges import check_ranges, within
from weft.topology.rules.router import check_links, check_ports
from weft.topology.view import DEFAULT_VPC, View


def check_subnet(view: View, subnet: Subnet) -> Iterator[Problem]:
    """What forbids a subnet to be this."""
    if subnet.is_overlay and subnet.spec.vpc not in view.vpcs:
        yield subnet.problem("spec.vpc", f"Vpc/{subnet.spec.vpc} does not exist")
    yield from check_ranges(view, subnet)
    if subnet.is_overlay:
        yield from check_ports(view, subnet)
        yield from check_links(view, subnet)
    yield from _changes(view, subnet)
    yield from _routing_table(view, subnet)
    if subnet.spec.default and (other := view.default_subnet()) not in (None, subnet.name):
        yield subnet.problem("spec.default", f"Subnet/{other} is the default already; one is allowed")
    vpc = view.vpcs.get(subnet.spec.vpc)
    if vpc is not None and vpc.name != DEFAULT_VPC and vpc.spec.namespaces:
        for namespace in subnet.spec.namespaces:
            if namespace not in vpc.spec.namespaces:
                yield subnet.problem(
                    "spec.namespaces",
                    f"{namespace!r} is not in Vpc/{vpc.name} spec.namespaces ({', '.join(vpc.spec.namespaces)})",
                )


def _routing_table(view: View, subnet: Subnet) -> Iterator[Problem]:
    """A routing table of hosts is one subnet's (Kube-OVN 1.15 manual, section 7.14)."""
    table = subnet.spec.policy_routing_table_id
    for other in view.subnets.values() if subnet.spec.external_egress_gateway else ():
        same = other.spec.external_egress_gateway and other.spec.policy_routing_table_id == table
        if same and other.name != subnet.name:
            yield subnet.problem("spec.policyRoutingTableID", f"{table} is that of {other.ref} already")


def _changes(view: View, subnet: Subnet) -> Iterator[Problem]:
    """What may not change while addresses of the subnet are in use."""
    users = view.ips_of_subnet.get(subnet.name)
    old = view.subnets.get(subnet.name)
    if not users or old is None:
        return
    if old.spec.vpc != subnet.spec.vpc:
        yield subnet.problem(
            "spec.vpc",
            f"{subnet.spec.vpc!r}: cannot change from {old.spec.vpc!r} while {len(users)} addresses are in use",
        )
    for gateway in subnet.gateways.values():
        for user in sorted(view.holders(subnet.name, gateway)):
            yield subnet.problem("spec.gateway", f"{gateway} is in use by {user}")
    if not all(any(within(before, now) for now in subnet.networks) for before in old.networks):
        yield from _left_out(view, subnet, users)


def _left_out(view: View, subnet: Subnet, users: Iterable[str]) -> Iterator[Problem]:
    """The first user whose address the subnet would not have any more, or only as its network or broadcast address."""
    for user in sorted(users):
        for address in view.ips[user].addresses:
            if not any(is_host(address, network) for network in subnet.networks):
                inside = any(address in network for network in subnet.networks)
                lacks = "does not let a workload have" if inside else "does not contain"
                yield subnet.problem(
                    "spec.cidrBlock", f"{subnet.spec.cidr_block} {lacks} {address}, which is in use by {user}"
                )
                return
