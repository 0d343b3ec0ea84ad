"""The world as it is known now: typed objects and the indexes by which compile functions find them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from weft.api.base import Resource
from weft.api.core import LOGICAL_SWITCH, Namespace, Pod
from weft.api.ip import IP
from weft.api.kinds import KINDS
from weft.api.subnet import Subnet
from weft.api.subnet_spec import OVERLAY_PROVIDER
from weft.api.vpc import Vpc
from weft.net.addresses import Address, Network, parse_networks

DEFAULT_VPC = "ovn-cluster"
JOIN_SUBNET = "join"
SERVICE_CIDRS = ("10.96.0.0/12",)
"""Where Kubernetes has its services unless told otherwise."""


def parse_services(texts: Iterable[str]) -> tuple[Network, ...]:
    """The CIDRs of services, of both families in any order. ValueError when one is no CIDR."""
    return tuple(network for text in texts for network in parse_networks(text))


@dataclass(frozen=True, slots=True)
class Host:
    """A host of the fabric, known from the status that its agent writes."""

    name: str
    addresses: tuple[str, ...] = ()
    mtu: int = 0
    ready: bool = False

    @property
    def ref(self) -> str:
        return f"Host/{self.name}"

    @property
    def port_name(self) -> str:
        return f"node-{self.name}"


@dataclass(slots=True)
class View:
    """Objects by name. Only `put` and `remove` change it, so that the indexes stay right.

    Kinds that something depends on have a field here; the others are kept by their kind alone.
    """

    vpcs: dict[str, Vpc] = field(default_factory=dict)
    subnets: dict[str, Subnet] = field(default_factory=dict)
    namespaces: dict[str, Namespace] = field(default_factory=dict)
    pods: dict[str, Pod] = field(default_factory=dict)
    """By reference, `Pod/namespace/name`."""
    ips: dict[str, IP] = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)
    subnets_of_vpc: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    ips_of_subnet: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    subnets_of_namespace: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    vpcs_of_namespace: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    ips_of_address: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Reservations of one address, by `SUBNET ADDRESS`."""
    services: tuple[Network, ...] = parse_services(SERVICE_CIDRS)
    """CIDRs of services: pods of the default VPC cannot have their addresses."""
    groups: dict[str, dict[str, Any]] = field(init=False, repr=False)
    """All objects by kind, then by name, or by reference where a name needs a namespace."""

    def __post_init__(self) -> None:
        self.groups = {kind: {} for kind in KINDS} | {
            "Vpc": self.vpcs,
            "Subnet": self.subnets,
            "Namespace": self.namespaces,
            "IP": self.ips,
            "Host": self.hosts,
            "Node": {},
            "Pod": self.pods,
        }

    def put(self, item: Resource | Host) -> None:
        """Add an object, or replace its older version."""
        self.remove(item)
        group, key = self._place(item.ref)
        group[key] = item
        for index, value in self._edges(item):
            index[value].add(item.name)

    def remove(self, item: Resource | Host) -> None:
        """Take an object out, in whatever version it is here."""
        group, key = self._place(item.ref)
        known = group.pop(key, None)
        if known is not None:
            for index, value in self._edges(known):
                index[value].discard(known.name)

    def find(self, ref: str) -> Resource | Host | None:
        """The object of a reference like `Subnet/blue` or `Pod/ns1/web`."""
        group, key = self._place(ref)
        return group.get(key)

    def _place(self, ref: str) -> tuple[dict[str, Any], str]:
        kind, _, name = ref.partition("/")
        return self.groups.get(kind, {}), ref if "/" in name else name

    def _edges(self, item: Resource | Host) -> list[tuple[defaultdict[str, set[str]], str]]:
        """The indexes that an object stands in, and under what."""
        match item:
            case Vpc():
                return [(self.vpcs_of_namespace, namespace) for namespace in item.spec.namespaces]
            case Subnet():
                bound = [(self.subnets_of_namespace, namespace) for namespace in item.spec.namespaces]
                return [(self.subnets_of_vpc, item.spec.vpc), *bound]
            case IP():
                taken = [(self.ips_of_address, f"{item.spec.subnet} {address}") for address in item.addresses]
                return [(self.ips_of_subnet, item.spec.subnet), *taken]
        return []

    def holders(self, subnet: str, address: Address) -> set[str]:
        """Names of the reservations that have an address."""
        return self.ips_of_address.get(f"{subnet} {address}", set())

    def resources(self) -> Iterator[Resource]:
        """All objects of the store, in the order in which they depend on each other."""
        for kind in KINDS:
            yield from self.groups[kind].values()

    def default_subnet(self) -> str | None:
        """Name of the subnet that is marked `default`."""
        overlay = (subnet for subnet in self.subnets.values() if subnet.spec.provider == OVERLAY_PROVIDER)
        return next((subnet.name for subnet in overlay if subnet.spec.default), None)

    def subnet_name_of(self, pod: Pod) -> str | None:
        """The subnet of a pod: its annotation's, its namespace's, the default of its namespace's VPC, or of the fabric.

        Kube-OVN 1.15 manual, section 3.1.3; of several subnets bound to one namespace the first by name.
        """
        return pod.metadata.annotations.get(LOGICAL_SWITCH, "").strip() or self.subnet_name_in(pod.namespace)

    def subnet_name_in(self, namespace: str) -> str | None:
        """The subnet of a namespace's pods that ask for none."""
        if bound := self.subnets_of_namespace.get(namespace):
            return min(bound)
        for vpc in sorted(self.vpcs_of_namespace.get(namespace, ())):
            if name := self.vpcs[vpc].spec.default_subnet:
                return name
        return self.default_subnet()
