"""Objects in, work out: which owners must be compiled again, which addresses reserved, what each status says.

The engine is a value machine: the controller feeds it changes and carries out what it answers; `weftctl plan` feeds it
documents that nobody stored and prints the answer. The order of work is always the same: take `dirty`, store the
reservations of `reserve`, compile and commit rows, then store `releases`, what has `moved`, and statuses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from weft.api.base import EVERYTHING, Resource
from weft.api.core import Namespace, Pod
from weft.api.ip import IP
from weft.api.ippool import IPPool
from weft.api.subnet import Subnet
from weft.api.vip import Vip
from weft.api.vpc import Vpc
from weft.topology import claims
from weft.topology import status as statuses
from weft.topology.annotations import Annotations, namespace_annotations, node_annotations, pod_annotations
from weft.topology.gateway import compile_ways_out
from weft.topology.host import compile_host
from weft.topology.ippool import compile_ippool
from weft.topology.leaving import NOBODY, Gateways, choose, is_centralized
from weft.topology.network import Attached, default_route_of, networks, vip_reservation
from weft.topology.pod import compile_pods
from weft.topology.request import AllocationError, Request
from weft.topology.routes import ways
from weft.topology.rows import NOTHING, Rows
from weft.topology.subnet import compile_subnet
from weft.topology.view import DEFAULT_VPC, JOIN_SUBNET, Host, owner_of
from weft.topology.vip import chooses, compile_vip, mac_address
from weft.topology.vpc import compile_vpc
from weft.topology.world import World

_WITHOUT_ROWS = frozenset({"Node", "IP", "NetworkAttachmentDefinition", "StatefulSet", "VirtualMachine"})
"""Kinds that own nothing and are told nothing; the ports of virtual machines are found by their pods."""


class Engine(World):
    """See the module's text."""

    # -- addresses ----------------------------------------------------------------------------------------------------

    def take_dirty(self) -> list[str]:
        dirty, self.dirty = list(self.dirty), {}
        return dirty

    def owners(self) -> list[str]:
        """All that may own rows, or that a status or annotations are due to."""
        groups = (group for kind, group in self.view.groups.items() if kind not in _WITHOUT_ROWS)
        return list(
            dict.fromkeys([*(item.ref for group in groups for item in group.values()), *self.view.pods_of_owner])
        )

    def claimants(self) -> set[str]:
        """Owners of addresses that nothing but their owner's life keeps."""
        ips = self.view.ips.values()
        return {owner_of(ip) for ip in ips if not claims.retained(self.view, self.settings, ip)}

    def reserve(self, owners: Collection[str]) -> list[IP]:
        """Reservations to be stored before these owners are compiled."""
        waiting = set(self.dirty)
        created = list(self._reserve_all(owners))
        for owner in owners:  # they are about to be compiled, so what was just reserved is no reason to come again
            if owner not in waiting and owner not in self.unallocated:
                self.dirty.pop(owner, None)
        return created

    def _reserve_all(self, owners: Iterable[str]) -> Iterator[IP]:
        for owner in owners:
            self.unallocated.pop(owner, None)
            for request in claims.requests(self.view, self.settings, owner):
                try:
                    ip = self._reserve(request)
                except AllocationError as error:
                    self.unallocated.setdefault(owner, error)
                    continue
                self.view.put(ip)
                self._touch_ip(ip)
                yield ip

    def _reserve(self, request: Request | AllocationError) -> IP:
        if isinstance(request, AllocationError):
            raise request
        if (broken := self.rejected.get(f"IP/{request.name}")) is not None:
            raise AllocationError("InvalidReservation", "; ".join(map(str, broken[1])))
        lost = self._lost.pop(request.name, None)
        if lost is None or claims.has_left(self.view, lost, request):
            return self.addressing.reserve(request)
        return lost

    def releases(self, owners: Collection[str]) -> list[IP]:
        """Reservations that these owners do not need any more; to be deleted from the store after the rows are."""
        self._gone.difference_update(owner for owner in owners if owner not in self.dirty)
        released: list[IP] = []
        for owner in owners:
            names = self.view.ips_of_owner.get(owner)
            if not names or self.is_frozen(owner):
                continue
            needed = claims.reservations(self.view, self.settings, owner)
            spare = (self.view.ips[name] for name in sorted(names) if name not in needed)
            released += [ip for ip in spare if not claims.retained(self.view, self.settings, ip)]
        return released

    def released(self, ips: Iterable[IP]) -> None:
        """These reservations are gone from the store: their addresses may be given to others."""
        gone = list(ips)
        with self._following_conflicts():
            for ip in gone:
                self.view.remove(ip)
                self.addressing.release(ip)
                self.touch(f"Subnet/{ip.spec.subnet}")
                self.touch(*(f"IPPool/{name}" for name in self.view.pools_of_subnet.get(ip.spec.subnet, ())))
        if gone:
            self._retry()

    def moved(self, owners: Iterable[str]) -> list[IP]:
        """Reservations of pods that run on another host than these say, as they ought to be."""
        return [ip for owner in owners for ip in claims.moved(self.view, self.settings, owner)]

    def is_frozen(self, owner: str) -> bool:
        """Must the owner's rows stay as they are, because what it is or what it stands on cannot be read right now?"""
        item = self.view.find(owner)
        if item is None and not self.view.running(owner):
            return owner in self.rejected and owner not in self._gone
        if isinstance(item, Subnet):
            vpc = item.spec.vpc
            return f"Vpc/{vpc}" in self.rejected and vpc not in self.view.vpcs
        return any(map(self._is_unreadable, claims.reservations(self.view, self.settings, owner)))

    def _is_unreadable(self, name: str) -> bool:
        ip = self.view.ips.get(name)
        if ip is None:
            return f"IP/{name}" in self.rejected
        return f"Subnet/{ip.spec.subnet}" in self.rejected and not self.addressing.has_subnet(ip.spec.subnet)

    # -- rows ---------------------------------------------------------------------------------------------------------

    def compile(self, owner: str) -> Rows:
        """The rows that `owner` wants now; nothing when it is gone or cannot have any yet."""
        if pods := self.view.running(owner):
            return compile_pods(pods, self.attached(pods[-1]), self.view.subnets)
        rows = NOTHING
        match self.view.find(owner):
            case Vpc() as vpc:
                rows = self._compile_vpc(vpc)
            case Subnet() as subnet:
                join = self.view.subnets.get(JOIN_SUBNET)
                rows = compile_subnet(subnet, join.networks if join is not None else (), self.gateways(subnet))
            case IPPool() as pool:
                rows = compile_ippool(pool)
            case Vip() as vip:
                rows = self._compile_vip(vip)
            case Host() as host:
                rows = self._compile_host(host)
        return rows

    def _compile_vpc(self, vpc: Vpc) -> Rows:
        subnets = [self.view.subnets[name] for name in sorted(self.view.subnets_of_vpc.get(vpc.name, ()))]
        rows = compile_vpc(vpc, ways(vpc, subnets, left_by_pods=vpc.name in self.view.vpcs_left_by_pods()))
        if vpc.name != DEFAULT_VPC:
            return rows
        return Rows((*rows.northbound, *compile_ways_out(vpc, subnets)))

    def gateways(self, subnet: Subnet) -> Gateways:
        """The hosts by which a subnet leaves; nobody when each pod leaves by its own."""
        return choose(self.view, subnet, self.usable_ip) if is_centralized(subnet) else NOBODY

    def _compile_host(self, host: Host) -> Rows:
        ip, join = self.usable_ip(host.port_name), self.view.subnets.get(JOIN_SUBNET)
        if ip is None or join is None:
            return NOTHING
        return compile_host(host, ip, join, self.view.nodes.get(host.name), self.view.addresses_of(host))

    def _compile_vip(self, vip: Vip) -> Rows:
        ip, subnet = self.usable_ip(vip_reservation(vip.name)), self.view.subnets.get(vip.spec.subnet)
        return NOTHING if ip is None or subnet is None else compile_vip(vip, ip, subnet, self._parents(vip))

    def _parents(self, vip: Vip) -> Iterator[str]:
        """The ports, in the Vip's subnet, of pods that may take its address over."""
        for ref in self.view.pods_of_vip.get(vip.name, ()):
            pod = self.view.pods[ref]
            if chooses(vip, pod) and not pod.finished:
                yield from (item.network.port for item in self.attached(pod) if item.ip.spec.subnet == vip.spec.subnet)

    def attached(self, pod: Pod) -> list[Attached]:
        """The networks of a pod that have their addresses."""
        found = networks(self.view, self.settings, pod)
        leaves_by = default_route_of(pod, found)
        usable = ((network, self.usable_ip(network.reservation)) for network in found)
        return [
            Attached(network, ip, network is leaves_by, self._shared(pod, ip.spec.subnet))
            for network, ip in usable
            if ip is not None
        ]

    def _shared(self, pod: Pod, subnet: str) -> tuple[str, ...]:
        """Addresses, in a subnet, of the Vips that a pod may take over."""
        vips = (self.view.vips.get(name) for name in pod.aaps)
        ips = (self.usable_ip(vip_reservation(vip.name)) for vip in vips if vip is not None and chooses(vip, pod))
        found = [ip for ip in ips if ip is not None and ip.spec.subnet == subnet]
        return tuple(str(address) for ip in found for address in ip.addresses)

    def usable_ip(self, name: str) -> IP | None:
        """A reservation that is in nobody's way, in a subnet that exists."""
        ip = self.view.ips.get(name)
        if ip is None or name in self.addressing.conflicts or not self.addressing.has_subnet(ip.spec.subnet):
            return None
        return ip

    def is_gone(self, owner: str) -> bool:
        """Is there nothing of this name any more, not even something that cannot be read?"""
        return self.view.find(owner) is None and owner not in self.rejected

    # -- what is said of objects --------------------------------------------------------------------------------------

    def status(self, owner: str) -> statuses.Status | None:
        """What the object's status ought to say; None where there is nothing to say."""
        if owner in self.leaving:
            return statuses.leaving(self.leaving[owner][1])
        if owner in self.rejected:
            return statuses.rejected(self.rejected[owner][1])
        item = self.view.find(owner)
        return self._status_of(item) if isinstance(item, Resource) else None

    def _status_of(self, item: Resource) -> statuses.Status | None:
        match item:
            case Vpc():
                return statuses.vpc_status(item, self.view)
            case Subnet():
                pools = self.addressing.pools(item.name).values()
                return statuses.subnet_status(item, pools, self.view, self.gateways(item))
            case IPPool():
                return statuses.ippool_status(item, self.addressing.pool_usage(item.name))
            case Vip():
                return self._vip_status(item)
            case Pod():
                return self._pod_status(item)
        return statuses.accepted(item) if item.PENDING == EVERYTHING else None

    def _vip_status(self, vip: Vip) -> statuses.Status:
        name = vip_reservation(vip.name)
        ip, subnet = self.usable_ip(name), self.view.subnets.get(vip.spec.subnet)
        if ip is not None and subnet is not None:
            return statuses.vip_status(vip, ip, mac_address(vip, ip, subnet))
        error = self.unallocated.get(vip.ref)
        if error is not None:
            return statuses.without_address(error.reason, str(error))
        conflict = self.addressing.conflicts.get(name)
        if conflict is not None:
            return statuses.without_address("AddressConflict", conflict)
        return statuses.without_address("SubnetNotFound", f"Subnet/{vip.spec.subnet} does not exist")

    def _pod_status(self, pod: Pod) -> statuses.Status | None:
        if pod.spec.host_network or pod.finished:
            return None
        if (error := self.unallocated.get(pod.owner)) is not None:
            return statuses.pod_without_address(error.reason, str(error))
        names = [network.reservation for network in networks(self.view, self.settings, pod)]
        for name in names:
            if (conflict := self.addressing.conflicts.get(name)) is not None:
                return statuses.pod_without_address("AddressConflict", conflict)
        attached = self.attached(pod)
        if len(attached) < len(names):
            return statuses.pod_without_address("SubnetNotFound", "the pod's subnet does not exist")
        return statuses.pod_status(attached, self.up) if attached else None

    def annotations(self, owner: str) -> dict[str, Annotations]:
        """What Kubernetes' own objects are to say, by reference; nothing when there is nothing to say."""
        match self.view.find(owner):
            case Pod() as pod:
                return {} if pod.finished else self._pod_annotations(pod)
            case Host() as host:
                ip, join = self.usable_ip(host.port_name), self.view.subnets.get(JOIN_SUBNET)
                return {} if ip is None or join is None else {f"Node/{host.name}": node_annotations(host, ip, join)}
            case Namespace() as namespace:
                found = [
                    self.view.subnets[name]
                    for name in self.view.subnets_in(namespace.name)
                    if name in self.view.subnets
                ]
                return {owner: namespace_annotations(found)} if found else {}
        return {}

    def _pod_annotations(self, pod: Pod) -> dict[str, Annotations]:
        said: Annotations = {}
        for item in self.attached(pod):
            if (subnet := self.view.subnets.get(item.ip.spec.subnet)) is not None:
                said |= pod_annotations(pod, item, subnet)
        return {pod.ref: said} if said else {}
