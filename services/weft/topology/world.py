"""What is known, and whom a change of it concerns.

Objects are put in and taken out. A change dirties those owners that depend on it, found by index. What cannot be used
yet (a subnet whose VPC does not exist, a pod without a free address) waits, and is tried again when something changes
that may help it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from weft.api.attachment import NetworkAttachmentDefinition
from weft.api.base import Resource
from weft.api.core import VIP, Namespace, Node, Pod
from weft.api.ip import IP
from weft.api.ippool import IPPool
from weft.api.problem import Problem
from weft.api.subnet import Subnet
from weft.api.vip import Vip
from weft.api.vpc import Vpc
from weft.api.workloads import StatefulSet, VirtualMachine
from weft.topology import claims, rules
from weft.topology.addressing import Addressing
from weft.topology.request import AllocationError
from weft.topology.settings import Settings
from weft.topology.view import JOIN_SUBNET, Host, View, owner_of

_JUDGED_BY_ADDRESSES = (Namespace, Node, IP, Pod)
"""What is wrong with these, given the others, shows in the addresses that they do not get."""


class World:
    """See the module's text. What becomes of it is the engine's."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.view = View(settings=self.settings)
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
        self._gone: set[str] = set()
        """Who was seen to go and may still have rows: something unreadable that has the name now does not keep them."""

    # -- changes ------------------------------------------------------------------------------------------------------

    def put(self, item: Resource | Host) -> None:
        """A new object or a new version of one. Putting what is known already touches nothing."""
        if isinstance(item, Resource):
            if problems := [] if isinstance(item, _JUDGED_BY_ADDRESSES) else rules.check_put(self.view, item):
                self.rejected[item.ref] = (item, problems)
                self.touch(item.ref)
                return
            if self.rejected.pop(item.ref, None) is not None:
                self.touch(item.ref)
        old = self.view.find(item.ref)
        if old == item:
            return
        with self._following_tunnels(item, old):
            self.view.put(item)
        self._gone.discard(item.ref)
        self._follow(item, old)

    def _follow(self, item: Resource | Host, old: Resource | Host | None) -> None:
        """Whom a new or changed object concerns."""
        match item:
            case IP():
                self._lost.pop(item.name, None)
                self._put_ip(item, old)
            case Subnet():
                self._put_subnet(item, old)
            case Pod():
                self._touch_pod(item)
                if isinstance(old, Pod):
                    self._touch_pod(old)
            case Host() | Node():
                self._touch_host(item, old)
            case _:
                self._follow_others(item, old)
                self._retry()

    def _follow_others(self, item: Resource | Host, old: Resource | Host | None) -> None:
        """The same, of objects that may help those who wait."""
        self.touch(item.ref)
        match item:
            case Vpc():
                self.touch(*(f"Subnet/{name}" for name in self.view.subnets_of_vpc.get(item.name, ())))
                self._touch_peers(item, old)
            case IPPool():
                self.addressing.put_pool(item)
                self.touch(f"Subnet/{item.spec.subnet}")
            case Vip():
                self._touch_users_of_vip(item.name)
            case StatefulSet() | VirtualMachine():
                self._touch_kept(item)
            case NetworkAttachmentDefinition() if isinstance(old, NetworkAttachmentDefinition):
                self.touch(*sorted(self.view.pods_of_owner))  # rare, and whom it concerns is in their annotations

    def reject(self, ref: str, problems: list[Problem]) -> None:
        """A stored object that cannot even be parsed."""
        self.rejected[ref] = (None, problems)
        self.touch(ref)

    def leave(self, item: Resource) -> None:
        """Its deletion was asked for: it goes as soon as nobody uses it. A pod runs until it is gone."""
        if isinstance(item, Pod):
            self.put(item)
            return
        if self.view.find(item.ref) is None:
            self.put(item)
        problems = rules.check_delete(self.view, item)
        if problems and item.ref not in rules.SYSTEM_OBJECTS:
            self.leaving[item.ref] = (item, problems)
            self.touch(item.ref)
        else:
            self.remove_ref(item.ref)
            self.touch(item.ref)

    def remove(self, item: Resource | Host) -> None:
        if isinstance(item, Resource):
            self.rejected.pop(item.ref, None)
        self.remove_ref(item.ref)

    def remove_ref(self, ref: str) -> None:
        """The object of this reference is gone (or was never more than a rejected one)."""
        self.leaving.pop(ref, None)
        if self.rejected.pop(ref, None) is not None:
            self._bury(ref)
            self._retry()
        self.unallocated.pop(ref, None)
        item = self.view.find(ref)
        if item is None:
            return
        with self._following_tunnels(item, None):
            self.view.remove(item)
        match item:
            case IP():
                self._remove_ip(item)
            case Pod():
                self._bury(ref)
                self._forget_lost(item.owner)
                self._touch_pod(item)
                if VIP in item.metadata.annotations:
                    self._retry()
            case Host() | Node():
                self._forget_lost(item.ref)
                self._touch_host(item, None)
            case Namespace():
                pass
            case _:
                self._remove_other(item)
                self._retry()

    def _bury(self, ref: str) -> None:
        """Its rows go, whatever has the name next."""
        self._gone.add(ref)
        self.touch(ref)

    def _remove_other(self, item: Resource | Host) -> None:
        self._bury(item.ref)
        match item:
            case Subnet():
                self.addressing.remove_subnet(item.name)
                self.touch(*self._vpcs(item), *self._users(item.name), *self._namespaces(item))
            case Vpc():
                self._touch_peers(item, None)
            case IPPool():
                self.addressing.remove_pool(item.name)
                self.touch(f"Subnet/{item.spec.subnet}")
            case Vip():
                self._forget_lost(item.ref)
                self._touch_users_of_vip(item.name)
            case StatefulSet() | VirtualMachine():
                self._touch_kept(item)

    def set_up(self, port: str, owner: str, up: bool) -> None:
        """OVN says whether a port is bound on its host."""
        if up == (port in self.up):
            return
        (self.up.add if up else self.up.discard)(port)
        self.touch(owner, *self.view.pods_of_owner.get(owner, ()))

    def hear(self, silent: frozenset[str]) -> None:
        """These hosts, and no others, have not been heard of for too long."""
        if silent != self.view.silent:
            self.view.silent = silent
            self._touch_centralized()

    # -- addresses ----------------------------------------------------------------------------------------------------

    def _put_ip(self, ip: IP, old: Resource | Host | None) -> None:
        with self._following_conflicts():
            if isinstance(old, IP):
                self.addressing.release(old)
            self.addressing.adopt(ip)
        self._touch_ip(ip)

    def _remove_ip(self, ip: IP) -> None:
        """A reservation vanished from the store. Until its owner's rows are gone nobody else may have the address."""
        owner = owner_of(ip)
        if ip.name in claims.reservations(self.view, self.settings, owner):
            self._lost[ip.name] = ip
            if f"Subnet/{ip.spec.subnet}" in self.rejected:  # it may have been in the way
                self._retry()
        elif claims.retained(self.view, self.settings, ip):
            with self._following_conflicts():
                self.addressing.release(ip)
            self._retry()
        else:
            self.view.put(ip)
        self._touch_ip(ip)

    def _forget_lost(self, owner: str) -> None:
        """The owner of reservations that had vanished is gone too: they are let go of after its rows."""
        for ip in [ip for ip in self._lost.values() if owner_of(ip) == owner]:
            if ip.name not in claims.reservations(self.view, self.settings, owner):
                self.view.put(self._lost.pop(ip.name))

    @contextmanager
    def _following_conflicts(self) -> Iterator[None]:
        """Whoever gets into quarantine or out of it must be compiled again."""
        before = set(self.addressing.conflicts)
        yield
        for name in before ^ self.addressing.conflicts.keys():
            if (ip := self.view.ips.get(name)) is not None:
                self._touch_owner(owner_of(ip))

    @contextmanager
    def _following_tunnels(self, *versions: Resource | Host | None) -> Iterator[None]:
        """Subnets must hear when the narrowest tunnels are others, or a network of nodes gains or loses hosts."""
        hosts = [item for item in versions if isinstance(item, Host)]
        if not hosts:
            yield
            return
        narrowest, known, vxlan = self.view.narrowest_host(), len(self.view.hosts), bool(self.view.hosts_with_vxlan)
        yield
        if self.view.narrowest_host() != narrowest:
            self._touch_subnets(self.view.subnets_with_mtu.get("", ()))
        if bool(self.view.hosts_with_vxlan) != vxlan:
            self._touch_subnets(self.view.subnets)
        joined = len(self.view.hosts) != known
        changed = self.view.subnets_of_network if joined else {name for host in hosts for name in host.networks}
        for network in sorted(changed):
            self._touch_subnets(self.view.subnets_of_network.get(network, ()))

    def _touch_subnets(self, names: Iterable[str]) -> None:
        self.touch(*(f"Subnet/{name}" for name in sorted(names)))

    def _put_subnet(self, subnet: Subnet, old: Resource | Host | None) -> None:
        self.addressing.put_subnet(subnet)
        self.touch(subnet.ref, *self._vpcs(subnet), *self._namespaces(subnet))
        if isinstance(old, Subnet):
            self.touch(*self._vpcs(old), *self._namespaces(old))
        if old is None:
            self.touch(*self._users(subnet.name))
            self.touch(*(f"IPPool/{name}" for name in self.view.pools_of_subnet.get(subnet.name, ())))
        elif isinstance(old, Subnet) and old.spec.enable_dhcp != subnet.spec.enable_dhcp:
            self.touch(*self._users(subnet.name))
        if subnet.name == JOIN_SUBNET:
            self.touch(*(host.ref for host in self.view.hosts.values()))
            self.touch(*(other.ref for other in self.view.subnets.values() if other.spec.private))
        self._retry()

    def _vpcs(self, subnet: Subnet) -> list[str]:
        """Its own, and those that are linked to that."""
        name = subnet.spec.vpc
        return [f"Vpc/{vpc}" for vpc in (name, *sorted(self.view.vpcs_of_peer.get(name, ())))]

    def _namespaces(self, subnet: Subnet) -> Iterable[str]:
        """Namespaces whose pods get their addresses here."""
        everywhere = subnet.spec.default or subnet.spec.namespace_selectors
        names = self.view.namespaces if everywhere else subnet.spec.namespaces
        return [f"Namespace/{name}" for name in names]

    def _users(self, subnet: str) -> Iterable[str]:
        return [owner_of(self.view.ips[name]) for name in sorted(self.view.ips_of_subnet.get(subnet, ()))]

    def _retry(self) -> None:
        """Something changed that may help those who wait."""
        self.touch(*self.unallocated)
        waiting = [item for item, _ in self.rejected.values() if item is not None]
        for item in waiting:
            if not rules.check_put(self.view, item):
                self.put(item)
        for item, _ in list(self.leaving.values()):
            if not rules.check_delete(self.view, item):
                self.leave(item)

    # -- who is concerned ---------------------------------------------------------------------------------------------

    def touch(self, *owners: str) -> None:
        """These must be compiled again."""
        for owner in owners:
            self.dirty[owner] = None

    def _touch_owner(self, owner: str) -> None:
        self.touch(owner)
        for ref in sorted(self.view.pods_of_owner.get(owner, ())):
            self._touch_pod(self.view.pods[ref])

    def _touch_pod(self, pod: Pod) -> None:
        self.touch(pod.ref, pod.owner, *(f"Vip/{name}" for name in pod.aaps))

    def _touch_ip(self, ip: IP) -> None:
        owner = owner_of(ip)
        self._touch_owner(owner)
        self.touch(f"Subnet/{ip.spec.subnet}")
        self.touch(*(f"IPPool/{name}" for name in self.view.pools_of_subnet.get(ip.spec.subnet, ())))
        if self.view.pods_of_gateway and (subnet := self.view.subnets.get(ip.spec.subnet)) is not None:
            self.touch(f"Vpc/{subnet.spec.vpc}")
        if owner.startswith("Vip/"):
            self._touch_users_of_vip(ip.spec.pod_name)
        elif owner.startswith("Host/"):
            self._touch_centralized()

    def _touch_host(self, item: Host | Node, old: Resource | Host | None) -> None:
        """The host itself, those that say they have its addresses, and subnets that may leave by it."""
        known = old if isinstance(old, Host | Node) else None
        before = () if known is None else known.addresses
        others = {name for address in (*item.addresses, *before) for name in self.view.having(address)}
        self.touch(f"Host/{item.name}", *(f"Host/{name}" for name in sorted(others)))
        if known is None or known.ready != item.ready or _labels(known) != _labels(item):
            self._touch_centralized()

    def _touch_centralized(self) -> None:
        self.touch(*(f"Subnet/{name}" for name in sorted(self.view.centralized_subnets.get("", ()))))

    def _touch_peers(self, vpc: Vpc, old: Resource | Host | None) -> None:
        """VPCs whose links are what they are by this one."""
        links = [link for item in (vpc, old) if isinstance(item, Vpc) for link in item.spec.vpc_peerings]
        peers = {link.remote_vpc for link in links}
        self.touch(*(f"Vpc/{name}" for name in sorted(peers | self.view.vpcs_of_peer.get(vpc.name, set()))))

    def _touch_users_of_vip(self, vip: str) -> None:
        for ref in sorted(self.view.pods_of_vip.get(vip, ())):
            self._touch_pod(self.view.pods[ref])

    def _touch_kept(self, item: StatefulSet | VirtualMachine) -> None:
        """Those whose addresses are kept for the sake of this workload."""
        names = self.view.ips_of_statefulset.get(item.ref, ())
        self.touch(*(owner_of(self.view.ips[name]) for name in sorted(names)))
        if isinstance(item, VirtualMachine):
            self.touch(item.ref)


def _labels(item: Host | Node) -> Mapping[str, str]:
    return item.metadata.labels if isinstance(item, Node) else {}
