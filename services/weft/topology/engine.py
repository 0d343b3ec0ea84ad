"""Objects in, work out: which owners must be compiled again, which addresses reserved, what each status says.

The engine is a value machine: the controller feeds it changes and carries out what it answers; `weftctl plan` feeds it
documents that nobody stored and prints the answer. The order of work is always the same: take `dirty`, store the
reservations of `reserve`, compile and commit rows, then store `releases` and statuses.

A change dirties those owners that depend on it, found by index. What cannot be used yet (a subnet whose VPC does not
exist, a pod without a free address) waits, and is tried again when something changes that may help it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from weft.api.base import EVERYTHING, Resource
from weft.api.core import IP_ADDRESS, MAC_ADDRESS, Namespace, Node, Pod
from weft.api.ip import IP
from weft.api.problem import Problem
from weft.api.subnet import Subnet
from weft.api.vpc import Vpc
from weft.net.addresses import parse_addresses
from weft.topology import rules
from weft.topology import status as statuses
from weft.topology.addressing import Addressing, AllocationError, Request
from weft.topology.annotations import (
    Annotations,
    namespace_annotations,
    node_annotations,
    pod_annotations,
)
from weft.topology.host import compile_host
from weft.topology.pod import compile_pod
from weft.topology.rows import NOTHING, Rows
from weft.topology.subnet import compile_subnet
from weft.topology.view import JOIN_SUBNET, Host, View
from weft.topology.vpc import compile_vpc

_JUDGED_BY_ADDRESSES = (Namespace, Node, IP, Pod)
"""What is wrong with these, given the others, shows in the addresses that they do not get."""
_WITHOUT_ROWS = ("Namespace", "Node", "IP")


def owner_of(ip: IP) -> str:
    """Reference of the pod or host that an address is reserved for."""
    if ip.spec.namespace:
        return f"Pod/{ip.spec.namespace}/{ip.spec.pod_name}"
    return f"Host/{ip.spec.node_name}"


class Engine:
    """See the module's text."""

    def __init__(self) -> None:
        self.view = View()
        self.addressing = Addressing()
        self.dirty: dict[str, None] = {}
        """Owners to be compiled, in the order in which they were touched."""
        self.rejected: dict[str, tuple[Resource | None, list[Problem]]] = {}
        """Objects that break a rule or cannot be parsed; the version in the view, if any, stays in effect."""
        self.leaving: dict[str, tuple[Resource, list[Problem]]] = {}
        """Objects that are to be deleted and are in use: they stay in effect until they are not."""
        self.unallocated: dict[str, AllocationError] = {}
        """Pods and hosts that wait for an address, and why."""
        self.up: set[str] = set()
        """Names of ports that are bound on their host."""
        self._lost: dict[str, IP] = {}

    # -- changes ------------------------------------------------------------------------------------------------------

    def put(self, item: Resource | Host) -> None:
        """A new object or a new version of one. Putting what is known already touches nothing."""
        if isinstance(item, Resource):
            if problems := [] if isinstance(item, _JUDGED_BY_ADDRESSES) else rules.check_put(self.view, item):
                self.rejected[item.ref] = (item, problems)
                self._touch(item.ref)
                return
            if self.rejected.pop(item.ref, None) is not None:
                self._touch(item.ref)
        old = self.view.find(item.ref)
        if old == item:
            return
        self.view.put(item)
        match item:
            case IP():
                self._lost.pop(item.name, None)
                self._put_ip(item, old)
            case Subnet():
                self._put_subnet(item, old)
            case Vpc():
                self._touch(item.ref, *(f"Subnet/{name}" for name in self.view.subnets_of_vpc.get(item.name, ())))
                self._retry()
            case Pod() | Host():
                self._touch(item.ref)
            case Node():
                self._touch(f"Host/{item.name}")
            case _:
                self._touch(item.ref)
                self._retry()

    def reject(self, ref: str, problems: list[Problem]) -> None:
        """A stored object that cannot even be parsed."""
        self.rejected[ref] = (None, problems)
        self._touch(ref)

    def leave(self, item: Resource) -> None:
        """Its deletion was asked for: it goes as soon as nobody uses it."""
        if self.view.find(item.ref) is None:
            self.put(item)
        problems = rules.check_delete(self.view, item)
        if problems and item.ref not in rules.SYSTEM_OBJECTS:
            self.leaving[item.ref] = (item, problems)
            self._touch(item.ref)
        else:
            self.remove_ref(item.ref)
            self._touch(item.ref)

    def remove(self, item: Resource | Host) -> None:
        if isinstance(item, Resource):
            self.rejected.pop(item.ref, None)
        self.remove_ref(item.ref)

    def remove_ref(self, ref: str) -> None:
        """The object of this reference is gone (or was never more than a rejected one)."""
        self.leaving.pop(ref, None)
        if self.rejected.pop(ref, None) is not None:
            self._touch(ref)
            self._retry()
        self.unallocated.pop(ref, None)
        item = self.view.find(ref)
        if item is None:
            return
        self.view.remove(item)
        match item:
            case IP():
                self._remove_ip(item)
            case Subnet():
                self.addressing.remove_subnet(item.name)
                self._touch(item.ref, f"Vpc/{item.spec.vpc}", *self._users(item.name), *self._namespaces(item))
                self._retry()
            case Vpc():
                self._touch(item.ref)
                self._retry()
            case Pod() | Host():
                if (lost := self._lost.pop(item.port_name, None)) is not None:
                    self.view.put(lost)
                self._touch(item.ref)

    def set_up(self, port: str, owner: str, up: bool) -> None:
        """OVN says whether a port is bound on its host."""
        if up == (port in self.up):
            return
        (self.up.add if up else self.up.discard)(port)
        self._touch(owner)

    def _put_ip(self, ip: IP, old: Resource | Host | None) -> None:
        with self._following_conflicts():
            if isinstance(old, IP):
                self.addressing.release(old)
            self.addressing.adopt(ip)
        self._touch(owner_of(ip), f"Subnet/{ip.spec.subnet}")

    def _remove_ip(self, ip: IP) -> None:
        """A reservation vanished from the store. Until its owner's rows are gone nobody else may have the address."""
        owner = owner_of(ip)
        if self.view.find(owner) is not None:
            self._lost[ip.name] = ip
        elif _reservation_name(owner) == ip.name:
            self.view.put(ip)
        else:
            with self._following_conflicts():
                self.addressing.release(ip)
            self._retry()
        self._touch(owner, f"Subnet/{ip.spec.subnet}")

    @contextmanager
    def _following_conflicts(self) -> Iterator[None]:
        """Whoever gets into quarantine or out of it must be compiled again."""
        before = set(self.addressing.conflicts)
        yield
        for name in before ^ self.addressing.conflicts.keys():
            if (ip := self.view.ips.get(name)) is not None:
                self._touch(owner_of(ip))

    def _put_subnet(self, subnet: Subnet, old: Resource | Host | None) -> None:
        self.addressing.put_subnet(subnet)
        self._touch(subnet.ref, f"Vpc/{subnet.spec.vpc}", *self._namespaces(subnet))
        if isinstance(old, Subnet):
            self._touch(f"Vpc/{old.spec.vpc}", *self._namespaces(old))
        if old is None:
            self._touch(*self._users(subnet.name))
        if subnet.name == JOIN_SUBNET:
            self._touch(*(host.ref for host in self.view.hosts.values()))
        self._retry()

    def _namespaces(self, subnet: Subnet) -> Iterable[str]:
        """Namespaces whose pods get their addresses here."""
        names = self.view.namespaces if subnet.spec.default else subnet.spec.namespaces
        return [f"Namespace/{name}" for name in names]

    def _users(self, subnet: str) -> Iterable[str]:
        return [owner_of(self.view.ips[name]) for name in sorted(self.view.ips_of_subnet.get(subnet, ()))]

    def _retry(self) -> None:
        """Something changed that may help those who wait."""
        self._touch(*self.unallocated)
        waiting = [item for item, _ in self.rejected.values() if item is not None]
        for item in waiting:
            if not rules.check_put(self.view, item):
                self.put(item)
        for item, _ in list(self.leaving.values()):
            if not rules.check_delete(self.view, item):
                self.leave(item)

    def _touch(self, *owners: str) -> None:
        for owner in owners:
            self.dirty[owner] = None

    # -- work ---------------------------------------------------------------------------------------------------------

    def take_dirty(self) -> list[str]:
        dirty, self.dirty = list(self.dirty), {}
        return dirty

    def owners(self) -> list[str]:
        """All that may own rows, or that a status is due to."""
        groups = (group for kind, group in self.view.groups.items() if kind not in _WITHOUT_ROWS)
        return [item.ref for group in groups for item in group.values()]

    def reserve(self, owners: Iterable[str]) -> list[IP]:
        """Reservations to be stored before these owners are compiled."""
        created: list[IP] = []
        for owner in owners:
            try:
                request = self._request(owner)
                if request is None:
                    self.unallocated.pop(owner, None)
                    continue
                ip = self._lost.pop(request.name, None) or self.addressing.reserve(request)
            except AllocationError as error:
                self.unallocated[owner] = error
                continue
            self.unallocated.pop(owner, None)
            self.view.put(ip)
            self._touch(f"Subnet/{ip.spec.subnet}")
            created.append(ip)
        return created

    def _request(self, owner: str) -> Request | None:
        """What `owner` needs reserved; None when it has it or needs nothing."""
        item = self.view.find(owner)
        if not isinstance(item, Pod | Host) or item.port_name in self.view.ips:
            return None
        if isinstance(item, Pod) and item.spec.host_network:
            return None
        if (broken := self.rejected.get(f"IP/{item.port_name}")) is not None:
            raise AllocationError("InvalidReservation", "; ".join(map(str, broken[1])))
        if isinstance(item, Host):
            return Request(name=item.port_name, subnets=(JOIN_SUBNET,), node=item.name)
        annotations = item.metadata.annotations
        subnet = self.view.subnet_name_of(item)
        return Request(
            name=item.port_name,
            subnets=(subnet,) if subnet else (),
            addresses=tuple(parse_addresses(annotations.get(IP_ADDRESS, ""))),
            mac=annotations.get(MAC_ADDRESS, "").lower(),
            pod_name=item.name,
            namespace=item.namespace,
            node=item.spec.node_name,
        )

    def releases(self, owners: Iterable[str]) -> list[IP]:
        """Reservations of owners that are gone; to be deleted from the store after the rows are."""
        released: list[IP] = []
        for owner in owners:
            if self.view.find(owner) is not None or self.is_frozen(owner):
                continue
            if (name := _reservation_name(owner)) in self.view.ips:
                released.append(self.view.ips[name])
        return released

    def released(self, ips: Iterable[IP]) -> None:
        """These reservations are gone from the store: their addresses may be given to others."""
        gone = list(ips)
        with self._following_conflicts():
            for ip in gone:
                self.view.remove(ip)
                self.addressing.release(ip)
                self._touch(f"Subnet/{ip.spec.subnet}")
        if gone:
            self._retry()

    def compile(self, owner: str) -> Rows:
        """The rows that `owner` wants now; nothing when it is gone or cannot have any yet."""
        item = self.view.find(owner)
        match item:
            case Vpc():
                return compile_vpc(item)
            case Subnet():
                return compile_subnet(item)
            case Pod():
                ip = self._usable_ip(item.port_name)
                return NOTHING if ip is None else compile_pod(item, ip)
            case Host():
                ip, join = self._usable_ip(item.port_name), self.view.subnets.get(JOIN_SUBNET)
                return NOTHING if ip is None or join is None else compile_host(item, ip, join)
        return NOTHING

    def is_frozen(self, owner: str) -> bool:
        """Must the owner's rows stay as they are, because what it is or what it stands on cannot be read right now?"""
        item = self.view.find(owner)
        if item is None:
            return owner in self.rejected
        if isinstance(item, Pod | Host):
            ip = self.view.ips.get(item.port_name)
            if ip is None:
                return f"IP/{item.port_name}" in self.rejected
            return f"Subnet/{ip.spec.subnet}" in self.rejected and not self.addressing.has_subnet(ip.spec.subnet)
        return (
            isinstance(item, Subnet) and f"Vpc/{item.spec.vpc}" in self.rejected and item.spec.vpc not in self.view.vpcs
        )

    def _usable_ip(self, name: str) -> IP | None:
        ip = self.view.ips.get(name)
        if ip is None or name in self.addressing.conflicts or not self.addressing.has_subnet(ip.spec.subnet):
            return None
        return ip

    def status(self, owner: str) -> statuses.Status | None:
        """What the object's status ought to say; None where there is nothing to say."""
        if owner in self.leaving:
            return statuses.leaving(self.leaving[owner][1])
        if owner in self.rejected:
            return statuses.rejected(self.rejected[owner][1])
        item = self.view.find(owner)
        match item:
            case Vpc():
                return statuses.vpc_status(item, self.view)
            case Subnet():
                return statuses.subnet_status(item, self.addressing.pools(item.name).values())
            case Pod():
                return self._pod_status(item)
        return statuses.accepted(item) if isinstance(item, Resource) and item.PENDING == EVERYTHING else None

    def is_gone(self, owner: str) -> bool:
        """Is there nothing of this name any more, not even something that cannot be read?"""
        return self.view.find(owner) is None and owner not in self.rejected

    def annotations(self, owner: str) -> dict[str, Annotations]:
        """What Kubernetes' own objects are to say, by reference; nothing when there is nothing to say."""
        match self.view.find(owner):
            case Pod() as pod:
                ip = self._usable_ip(pod.port_name)
                return {} if ip is None else {owner: pod_annotations(ip, self.view.subnets[ip.spec.subnet])}
            case Host() as host:
                ip, join = self._usable_ip(host.port_name), self.view.subnets.get(JOIN_SUBNET)
                found = None if ip is None or join is None else node_annotations(host, ip, join)
                return {} if found is None else {f"Node/{host.name}": found}
            case Namespace() as namespace:
                subnet = self.view.subnets.get(self.view.subnet_name_in(namespace.name) or "")
                return {} if subnet is None else {owner: namespace_annotations(subnet)}
        return {}

    def _pod_status(self, pod: Pod) -> statuses.Status | None:
        if pod.spec.host_network:
            return None
        if (error := self.unallocated.get(pod.ref)) is not None:
            return statuses.pod_without_address(error.reason, str(error))
        if (conflict := self.addressing.conflicts.get(pod.port_name)) is not None:
            return statuses.pod_without_address("AddressConflict", conflict)
        ip = self._usable_ip(pod.port_name)
        if ip is None:
            return statuses.pod_without_address("SubnetNotFound", "the pod's subnet does not exist")
        return statuses.pod_status(pod, ip, pod.port_name in self.up)


def _reservation_name(owner: str) -> str:
    kind, *rest = owner.split("/")
    match kind, rest:
        case "Pod", [namespace, name]:
            return f"{name}.{namespace}"
        case "Host", [name]:
            return f"node-{name}"
    return ""
