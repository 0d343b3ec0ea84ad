"""The policies by which traffic of the default VPC leaves it through hosts (Kube-OVN 1.15 manual, section 3.1.4).

    31000  what is for the VPC's own subnets goes there (`subnet`)
    30000  what is for a host goes to that host, by its own `ovn0`
    29050  what the VPC's own routes and links name goes by them
    29000  all else leaves by a host

Distributed subnets need no row of their own, nor do their pods. A host's policy is for all of them and holds only where
the host's `ovn0` is (`is_chassis_resident`): OVN routes a packet where it starts, so a pod's leaves by its own host.
A centralized subnet has one policy for each family, to the hosts that are its gateway now.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from weft.api.subnet import Subnet
from weft.api.vpc import Vpc
from weft.net.addresses import Address, Family, Network, parse_interfaces
from weft.topology.egress import leaves_by_hosts
from weft.topology.leaving import Gateways, is_centralized
from weft.topology.routes import destinations
from weft.topology.rows import ADDRESS_SET, LOGICAL_ROUTER_POLICY, VENDOR, Row
from weft.topology.view import DEFAULT_VPC, Host
from weft.topology.vpc import router_ref

HOSTS, OWN_ROUTES, LEAVING = 30000, 29050, 29000
FAMILIES: tuple[Family, Family] = (4, 6)


def distributed_set(family: Family) -> str:
    """The address set of all distributed subnets."""
    return f"ovn.cluster.distributed.IPv{family}"


def compile_ways_out(vpc: Vpc, subnets: Sequence[Subnet]) -> Iterator[Row]:
    """What the default VPC itself has of this: who leaves by their own hosts, and what does not leave by hosts."""
    distributed = [subnet for subnet in subnets if leaves_by_hosts(subnet) and not is_centralized(subnet)]
    for family in FAMILIES:
        cidrs = [str(network) for subnet in distributed for network in subnet.networks if network.version == family]
        columns = {"name": distributed_set(family), "addresses": tuple(cidrs), "external_ids": {"vendor": VENDOR}}
        yield Row(ADDRESS_SET, vpc.ref, columns, key=f"distributed/{family}")
    for match in dict.fromkeys((*_routed(vpc, subnets), *_linked(vpc))):
        yield _policy(vpc.ref, OWN_ROUTES, match, "allow")


def _routed(vpc: Vpc, subnets: Sequence[Subnet]) -> Iterator[str]:
    """What the VPC's routes name. Its default route in the main table is for what no host carries."""
    for table, policy, prefix in destinations(vpc):
        field = "dst" if policy == "dst-ip" else "src"
        named = [] if not prefix.prefixlen else [f"ip{prefix.version}.{field} == {prefix}"]
        if not table:
            yield from named
        elif sources := _sources(subnets, table, prefix.version):
            yield " && ".join([f"ip{prefix.version}.src == {sources}", *named])


def _sources(subnets: Sequence[Subnet], table: str, family: Family) -> str:
    """The subnets that a route table is for, as a constant of OVN's expressions."""
    using = (subnet for subnet in subnets if subnet.spec.route_table == table)
    return _either(network for subnet in using for network in subnet.networks if network.version == family)


def _linked(vpc: Vpc) -> Iterator[str]:
    for link in vpc.spec.vpc_peerings:
        for place in parse_interfaces(link.local_connect_ip):
            yield f"ip{place.version}.dst == {place.network}"


def compile_host_gateway(host: Host, places: Iterable[Address], own: Sequence[Address]) -> Iterator[Row]:
    """A host's `ovn0` as the way out for its pods, and the way to the host's `own` addresses for all."""
    for place in places:
        family = place.version
        match = f"ip{family}.src == ${distributed_set(family)} && is_chassis_resident({json.dumps(host.port_name)})"
        yield _policy(host.ref, LEAVING, match, "reroute", (place,), key=f"leaving/{family}")
        if here := _either(address for address in own if address.version == family):
            yield _policy(host.ref, HOSTS, f"ip{family}.dst == {here}", "reroute", (place,), key=f"host/{family}")


def compile_central(subnet: Subnet, gateways: Gateways) -> Iterator[Row]:
    """The way out of a centralized subnet; none while it has no hosts."""
    for network in subnet.networks if is_centralized(subnet) else ():
        hops = [hop for hop in gateways.hops if hop.version == network.version]
        match, action = f"ip{network.version}.src == {network}", "reroute" if hops else "drop"
        yield _policy(subnet.ref, LEAVING, match, action, hops, key=f"leaving/{network.version}")


def _either(values: Iterable[Address | Network]) -> str:
    texts = sorted(map(str, values))
    return f"{{{', '.join(texts)}}}" if len(texts) > 1 else "".join(texts)


def _policy(owner: str, priority: int, match: str, action: str, hops: Sequence[Address] = (), key: str = "") -> Row:
    columns = {
        "priority": priority,
        "match": match,
        "action": action,
        "nexthops": tuple(sorted(map(str, hops))),
        "external_ids": {"vendor": VENDOR, **_marks(owner)},
    }
    return Row(LOGICAL_ROUTER_POLICY, owner, columns, key=key or f"{priority}/{match}", parent=router_ref(DEFAULT_VPC))


def _marks(owner: str) -> dict[str, str]:
    """Whom the policy is for, by Kube-OVN's names."""
    kind, _, name = owner.partition("/")
    return {"Subnet": {"subnet": name}, "Host": {"node": name}}.get(kind, {})
