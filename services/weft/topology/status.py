"""What an object's `status` says. Pure; times of transition are added where it is stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from weft.api.base import EVERYTHING, Resource
from weft.api.ip import IP
from weft.api.ippool import IPPool
from weft.api.problem import Problem
from weft.api.subnet import Subnet
from weft.api.vip import Vip
from weft.api.vpc import Vpc
from weft.net.addresses import Address, Family, overlap, parse_interfaces
from weft.net.pool import Pool, Usage
from weft.topology.egress import nat_rules_in_effect
from weft.topology.leaving import NOBODY, Gateways, is_centralized
from weft.topology.network import Attached
from weft.topology.peering import answered
from weft.topology.routes import next_hops
from weft.topology.subnet import gateway_mac
from weft.topology.tunnels import findings
from weft.topology.view import DEFAULT_VPC, View

Status = dict[str, Any]


def condition(kind: str, holds: bool, reason: str, message: str = "") -> dict[str, str]:
    """A condition as Kubernetes has them; the time of its last transition comes with storing."""
    return {"type": kind, "status": "True" if holds else "False", "reason": reason, "message": message}


def pending_fields(item: Resource) -> list[dict[str, str]]:
    """A condition that names given fields which have no effect yet; nothing is silently ignored."""
    spec = getattr(item, "spec", None)
    if spec is None:
        return []
    if item.PENDING == EVERYTHING:
        return [_without_effect("the whole object")]
    document = spec.model_dump(by_alias=True, exclude_defaults=True)
    given = [path for path in sorted(item.PENDING) if _is_given(document, path.split("."))]
    return [_without_effect(", ".join(f"spec.{path}" for path in given))] if given else []


def _is_given(document: Any, path: Sequence[str]) -> bool:
    """Whether a document, or one of a list of them, has something at a path."""
    if not path:
        return True
    if isinstance(document, list | tuple):
        return any(_is_given(item, path) for item in document)
    return path[0] in document and _is_given(document[path[0]], path[1:])


def _without_effect(what: str) -> dict[str, str]:
    return condition("Supported", False, "NotYetInEffect", f"accepted, without effect in this version: {what}")


def accepted(item: Resource) -> Status:
    """Of an object whose kind is kept and has no effect yet."""
    return {"conditions": pending_fields(item)}


def rejected(problems: Iterable[Problem]) -> Status:
    """Status of an object that cannot be used as it is. What was in effect before stays in effect."""
    message = "; ".join(f"{p.field}: {p.message}" if p.field else p.message for p in problems)
    return {"conditions": [condition("Ready", False, "Invalid", message)]}


def leaving(problems: Iterable[Problem]) -> Status:
    """Status of an object whose deletion waits for those who use it."""
    message = "; ".join(problem.message for problem in problems)
    return {"conditions": [condition("Ready", False, "Terminating", f"is to be deleted, and {message}")]}


def vpc_status(vpc: Vpc, view: View) -> Status:
    """Of a VPC whose rows are committed."""
    subnets = sorted(view.subnets_of_vpc.get(vpc.name, ()))
    default = view.default_subnet() if vpc.name == DEFAULT_VPC else vpc.spec.default_subnet
    aspects = [condition("Ready", True, "Committed"), *_peered(vpc, view), *_routed(vpc, view), *pending_fields(vpc)]
    return {
        "standby": True,
        "default": vpc.name == DEFAULT_VPC,
        "router": vpc.name,
        "subnets": subnets,
        "defaultLogicalSwitch": default or "",
        "enableExternal": False,
        "enableBfd": False,
        "vpcPeerings": sorted(peering.remote_vpc for peering in vpc.spec.vpc_peerings),
        "conditions": aspects,
    }


def _peered(vpc: Vpc, view: View) -> Iterator[dict[str, str]]:
    """Whether its links are made at both ends, between networks that differ."""
    peerings = vpc.spec.vpc_peerings
    missing = [why for peering in peerings if (why := answered(vpc, peering, view.vpcs.get(peering.remote_vpc)))]
    shared = [why for peering in peerings if (why := _shared(view, vpc.name, peering.remote_vpc))]
    if missing:
        yield condition("Peered", False, "OneSided", "; ".join(missing))
    elif shared:
        yield condition("Peered", False, "NetworksOverlap", "; ".join(shared))
    elif peerings:
        yield condition("Peered", True, "BothSides")


def _shared(view: View, ours: str, theirs: str) -> str:
    """Addresses that both VPCs have: no route can tell which are meant (Kube-OVN 1.15 manual, section 5.9)."""
    sides = [(name, view.subnets[name]) for vpc in (ours, theirs) for name in sorted(view.subnets_of_vpc.get(vpc, ()))]
    places = [(network, name, subnet.spec.vpc) for name, subnet in sides for network in subnet.networks]
    places.sort(key=lambda place: (place[0].version, place[0]))
    for (one, name, vpc), (other, other_name, other_vpc) in pairwise(places):  # in a VPC none overlap
        if overlap(one, other):
            return f"{one} of Subnet/{name} in Vpc/{vpc} overlaps {other} of Subnet/{other_name} in Vpc/{other_vpc}"
    return ""


def _routed(vpc: Vpc, view: View) -> Iterator[dict[str, str]]:
    """Whether its next hops are somebody else's addresses, in networks that its router has a port in."""
    hops = next_hops(vpc)
    subnets = [view.subnets[name] for name in view.subnets_of_vpc.get(vpc.name, ())]
    links = [place for link in vpc.spec.vpc_peerings for place in parse_interfaces(link.local_connect_ip)]
    networks = [network for subnet in subnets for network in subnet.networks] + [place.network for place in links]
    own = {gateway for subnet in subnets for gateway in subnet.gateways.values()} | {place.ip for place in links}
    lost = {hop for hop in hops if not any(hop in network for network in networks)}
    if lost:
        yield condition("Routed", False, "NextHopUnknown", f"in no subnet or link of the VPC: next hop {_some(lost)}")
    elif looped := hops & own:
        text = f"the VPC's router itself has the address of next hop {_some(looped)}"
        yield condition("Routed", False, "NextHopIsRouter", text)
    elif hops:
        yield condition("Routed", True, "NextHopsKnown")


def _some(addresses: Collection[Address]) -> str:
    shown = sorted(map(str, addresses))
    return ", ".join(shown[:5]) + (" …" if len(shown) > 5 else "")


def subnet_status(subnet: Subnet, pools: Iterable[Pool], view: View, gateways: Gateways = NOBODY) -> Status:
    """Of a subnet whose rows are committed: exact counts and ranges, by Kube-OVN's names."""
    found = (*_left_by(subnet, gateways), *(condition(*finding) for finding in findings(subnet, view)))
    conditions = [condition("Ready", True, "Committed"), *found, *pending_fields(subnet)]
    status: Status = {"protocol": subnet.protocol, "conditions": conditions}
    status |= _served(subnet) | {"natOutgoingPolicyRules": nat_rules_in_effect(subnet)}
    status["activateGateway"] = ",".join(gateways.active)
    for family in ("v4", "v6"):
        status |= {
            f"{family}availableIPs": 0,
            f"{family}usingIPs": 0,
            f"{family}availableIPrange": "",
            f"{family}usingIPrange": "",
        }
    for pool in pools:
        family = f"v{pool.family}"
        status |= {
            f"{family}availableIPs": pool.available,
            f"{family}usingIPs": pool.used,
            f"{family}availableIPrange": pool.available_ranges(),
            f"{family}usingIPrange": pool.used_ranges(),
        }
    return status


def _left_by(subnet: Subnet, gateways: Gateways) -> Iterator[dict[str, str]]:
    """Whether a centralized subnet has hosts that are fit to be its gateway."""
    if not is_centralized(subnet):
        return
    unfit, unknown = ", ".join(gateways.unfit), ", ".join(gateways.unknown)
    if not gateways.hosts:
        why = f"no host of the fabric is one of {unknown}" if unknown else "no host is named or chosen"
        yield condition("Gateway", False, "NoHost", f"{why}: what leaves the fabric is dropped")
    elif len(gateways.unfit) == len(gateways.hosts):
        yield condition("Gateway", False, "HostsUnfit", f"not ready, and in use for want of others: {unfit}")
    else:
        missing = [f"not ready: {unfit}"] * bool(unfit) + [f"not in the fabric: {unknown}"] * bool(unknown)
        yield condition("Gateway", True, "HostsFit", "; ".join(missing))


def _served(subnet: Subnet) -> Status:
    """What the subnet's gateway does for it."""
    if not subnet.spec.enable_multicast_snoop or not subnet.networks:
        return {"mcastQuerierIP": "", "mcastQuerierMAC": ""}
    addresses = (str(subnet.gateways[network.version]) for network in subnet.networks)
    return {"mcastQuerierIP": ",".join(addresses), "mcastQuerierMAC": gateway_mac(subnet)}


def ippool_status(pool: IPPool, usage: Mapping[Family, Usage]) -> Status:
    """Of an IPPool; `usage` is of its subnet's families and empty when there is no such subnet."""
    there = condition("Ready", True, "InEffect")
    missing = condition("Ready", False, "SubnetNotFound", f"Subnet/{pool.spec.subnet} does not exist")
    status: Status = {"conditions": [there if usage else missing, *pending_fields(pool)]}
    for family in (4, 6):
        part = usage.get(family, Usage())
        status |= {
            f"v{family}AvailableIPs": part.available,
            f"v{family}UsingIPs": part.used,
            f"v{family}AvailableIPRange": part.available_ranges,
            f"v{family}UsingIPRange": part.used_ranges,
        }
    return status


def vip_status(vip: Vip, ip: IP, mac: str) -> Status:
    """Of a Vip that has its address."""
    return {
        "type": vip.spec.type,
        "v4ip": ip.spec.v4_ip_address,
        "v6ip": ip.spec.v6_ip_address,
        "mac": mac,
        "selector": list(vip.spec.selector),
        "conditions": [condition("Allocated", True, "Reserved"), condition("Ready", True, "Committed")],
    }


NEXT_TRY = {
    "NoAddressAvailable": "when an address is given back, or the subnet or pool changes",
    "AddressConflict": "when the other one lets go of it",
    "AddressNotInSubnet": "when the subnet changes; else delete it and make it anew",
    "SubnetNotFound": "when the subnet is made",
    "PoolNotFound": "when the IPPool is made",
    "VipNotFound": "when the Vip has its address",
    "NetworkNotFound": "when the definition is made",
    "InvalidReservation": "when the IP object is corrected or deleted",
}
"""What makes the next try of those who wait for an address, by reason. None of them waits for a clock."""


def _waiting(reason: str, message: str) -> str:
    return f"{message}; tried again {NEXT_TRY[reason]}" if reason in NEXT_TRY else message


def without_address(reason: str, message: str) -> Status:
    """Of an object that waits for its address."""
    return {
        "conditions": [
            condition("Allocated", False, reason, _waiting(reason, message)),
            condition("Ready", False, reason, message),
        ]
    }


def pod_status(attached: Sequence[Attached], up: Collection[str]) -> Status:
    """Of a pod that has its addresses; `up` are the ports that are bound on their hosts."""
    first = attached[0].ip
    addresses = [str(address) for address in first.addresses]
    down = [item.network.port for item in attached if item.network.is_overlay and item.network.port not in up]
    ready = (
        condition("Ready", False, "PortDown", f"logical switch port {down[0]} is not bound on its host yet")
        if down
        else condition("Ready", True, "PortUp")
    )
    return {
        "phase": "Pending" if down else "Running",
        "podIP": addresses[0] if addresses else "",
        "podIPs": [{"ip": address} for address in addresses],
        "subnet": first.spec.subnet,
        "conditions": [condition("Allocated", True, "Reserved"), ready],
    }


def pod_without_address(reason: str, message: str) -> Status:
    """Of a pod that cannot have an address, and why."""
    return {"phase": "Pending", "conditions": [condition("Allocated", False, reason, _waiting(reason, message))]}
