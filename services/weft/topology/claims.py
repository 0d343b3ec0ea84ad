"""Who needs which address, and for how long it is kept. Pure functions of the view.

A pod needs one reservation for each of its networks, a host one in the subnet `join`, a Vip one in its subnet. They are
kept while their owner lives; those of a StatefulSet's pod and of a virtual machine as long as these want it back, and
those that were made by hand until a hand removes them.
"""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.annotations import parse_families, parse_ip_pool
from weft.api.core import Pod
from weft.api.ip import IP
from weft.api.vip import Vip
from weft.net.addresses import Address, parse_addresses, split_list
from weft.topology.network import Network, networks, vip_reservation
from weft.topology.request import NODE_LABEL, SUBNET_LABEL, AllocationError, Request
from weft.topology.settings import Settings
from weft.topology.view import JOIN_SUBNET, Host, View

RESERVED_LABEL = "ovn.kubernetes.io/ip_reserved"


def reservations(view: View, settings: Settings, owner: str) -> list[str]:
    """Names of the `IP` objects that an owner must have."""
    if pods := view.running(owner):
        return [network.reservation for network in networks(view, settings, pods[-1]) if not network.borrows]
    match view.find(owner):
        case Host() as host:
            return [host.port_name]
        case Vip() as vip:
            return [vip_reservation(vip.name)]
    return []


def requests(view: View, settings: Settings, owner: str) -> Iterator[Request | AllocationError]:
    """What an owner lacks, or why that cannot even be asked for."""
    if pods := view.running(owner):
        yield from _of_pod(view, settings, pods[-1])
        return
    match view.find(owner):
        case Host() as host if host.port_name not in view.ips:
            yield Request(host.port_name, (JOIN_SUBNET,), node=host.name)
        case Vip() as vip if (name := vip_reservation(vip.name)) not in view.ips:
            yield _of_vip(vip, name)


def _of_vip(vip: Vip, name: str) -> Request:
    wished = tuple(address for text in (vip.spec.v4ip, vip.spec.v6ip) for address in parse_addresses(text))
    return Request(
        name,
        (vip.spec.subnet,),
        addresses=wished,
        mac=vip.spec.mac_address.lower(),
        pod_name=vip.name,
        namespace=vip.spec.namespace,
        pod_type="Vip",
    )


def _of_pod(view: View, settings: Settings, pod: Pod) -> Iterator[Request | AllocationError]:
    for network in networks(view, settings, pod):
        if network.borrows:
            if network.reservation not in view.ips:
                name = network.reservation.removeprefix("vip-")
                yield AllocationError("VipNotFound", f"Vip/{name} does not exist, or has no address yet")
        elif network.missing:
            yield AllocationError("NetworkNotFound", network.missing)
        elif network.reservation not in view.ips:
            try:
                yield _request(view, pod, network)
            except AllocationError as error:
                yield error


def _request(view: View, pod: Pod, network: Network) -> Request:
    subnets = subnets_for(view, pod, network)
    addresses, choices, pools = _addresses(view, pod, network, subnets)
    families = network.annotation(pod, "ip_family")
    return Request(
        network.reservation,
        subnets,
        addresses=addresses,
        choices=choices,
        pools=pools,
        families=parse_families(families) if families else frozenset(),
        mac=(network.annotation(pod, "mac_address") or network.request.mac).lower(),
        pod_name=pod.machine or pod.name,
        namespace=pod.namespace,
        node=pod.spec.node_name,
        pod_type="VirtualMachine" if pod.machine else "StatefulSet" if pod.ordinal is not None else "",
    )


def subnets_for(view: View, pod: Pod, network: Network) -> tuple[str, ...]:
    """Subnets that an address of this network may be of, the first is tried first. Raises AllocationError."""
    if asked := network.annotation(pod, "logical_switch"):
        return (asked,)
    if network.primary and network.request.name == "":
        found = view.subnets_in(pod.namespace)
        where = "there is no default one"
    else:
        found = sorted(view.subnets_of_provider.get(network.provider, ()))
        where = f"none has spec.provider {network.provider!r}"
    if not found:
        raise AllocationError("SubnetNotFound", f"no subnet: {where}")
    return tuple(found)


def _addresses(
    view: View, pod: Pod, network: Network, subnets: tuple[str, ...]
) -> tuple[tuple[Address, ...], tuple[tuple[Address, ...], ...], tuple[str, ...]]:
    """(must be these, or the first free of these, or of one of these IPPools)."""
    static = tuple(parse_addresses(network.annotation(pod, "ip_address"))) or network.request.addresses
    if static:
        return static, (), ()
    text = network.annotation(pod, "ip_pool")
    choices = parse_ip_pool(text)
    if choices and pod.ordinal is not None:
        return _of_ordinal(view, pod, choices, text), (), ()
    if choices:
        return (), choices, ()
    return (), (), tuple(split_list(text)) or _bound_pools(view, pod.namespace, subnets)


def _of_ordinal(view: View, pod: Pod, choices: tuple[tuple[Address, ...], ...], text: str) -> tuple[Address, ...]:
    """The pods of a StatefulSet take the addresses in the order of their numbers (section 3.2.3)."""
    maker = pod.controller
    statefulset = view.statefulsets.get(f"StatefulSet/{pod.namespace}/{maker.name}") if maker else None
    start = statefulset.spec.ordinals.start if statefulset else 0
    position = (pod.ordinal or 0) - start
    if not 0 <= position < len(choices):
        raise AllocationError(
            "NoAddressAvailable",
            f"ip_pool {text!r} has {len(choices)} addresses, and none for number {pod.ordinal} of its StatefulSet",
        )
    return choices[position]


def _bound_pools(view: View, namespace: str, subnets: tuple[str, ...]) -> tuple[str, ...]:
    """IPPools of these subnets that the namespace's pods have their addresses from (section 3.3)."""
    bound = view.pools_of_namespace.get(namespace, ())
    return tuple(sorted(name for name in bound if view.ippools[name].spec.subnet in subnets))


def retained(view: View, settings: Settings, ip: IP) -> bool:
    """Is a reservation to be kept though its owner does not live now?"""
    labels, spec = ip.metadata.labels, ip.spec
    if labels.get(RESERVED_LABEL) == "true" or SUBNET_LABEL not in labels:
        return True
    match spec.pod_type:
        case "StatefulSet":
            name, _, number = spec.pod_name.rpartition("-")
            statefulset = view.statefulsets.get(f"StatefulSet/{spec.namespace}/{name}")
            return statefulset is not None and number.isdecimal() and statefulset.has(int(number))
        case "VirtualMachine":
            return settings.keep_vm_ip and f"VirtualMachine/{spec.namespace}/{spec.pod_name}" in view.machines
    return False


def has_left(view: View, ip: IP, request: Request) -> bool:
    """Is a reservation that vanished of no use to its owner, since its subnet has other CIDRs now, or one more?"""
    subnet = view.subnets.get(ip.spec.subnet)
    if subnet is None:
        return False
    inside = all(any(address in network for network in subnet.networks) for address in ip.addresses)
    lacking = {network.version for network in subnet.networks} - {address.version for address in ip.addresses}
    return not inside or bool(lacking and not request.families and not request.addresses)


def moved(view: View, settings: Settings, owner: str) -> Iterator[IP]:
    """Reservations of a pod that runs on another host than they say, as they ought to be."""
    pods = view.running(owner)
    if not pods or not (node := pods[-1].spec.node_name):
        return
    for name in reservations(view, settings, owner):
        ip = view.ips.get(name)
        if ip is not None and ip.spec.node_name != node:
            labels = {**ip.metadata.labels, NODE_LABEL: node}
            yield ip.model_copy(
                update={
                    "metadata": ip.metadata.model_copy(update={"labels": labels}),
                    "spec": ip.spec.model_copy(update={"node_name": node}),
                }
            )
