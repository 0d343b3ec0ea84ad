"""The world as it is known now: typed objects and the indexes by which compile functions find them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from weft.api.base import Resource
from weft.api.core import LOGICAL_SWITCH, Namespace, Pod
from weft.api.ip import IP
from weft.api.subnet import OVERLAY_PROVIDER, Subnet
from weft.api.vpc import Vpc

DEFAULT_VPC = "ovn-cluster"
JOIN_SUBNET = "join"


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
    """Objects by name. Only `put` and `remove` change it, so that the indexes stay right."""

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

    def put(self, item: Resource | Host) -> None:
        self.remove(item)
        match item:
            case Vpc():
                self.vpcs[item.name] = item
                for namespace in item.spec.namespaces:
                    self.vpcs_of_namespace[namespace].add(item.name)
            case Subnet():
                self.subnets[item.name] = item
                self.subnets_of_vpc[item.spec.vpc].add(item.name)
                for namespace in item.spec.namespaces:
                    self.subnets_of_namespace[namespace].add(item.name)
            case IP():
                self.ips[item.name] = item
                self.ips_of_subnet[item.spec.subnet].add(item.name)
            case Pod():
                self.pods[item.ref] = item
            case Namespace():
                self.namespaces[item.name] = item
            case Host():
                self.hosts[item.name] = item

    def remove(self, item: Resource | Host) -> None:
        match item:
            case Vpc():
                if (vpc := self.vpcs.pop(item.name, None)) is not None:
                    for namespace in vpc.spec.namespaces:
                        self.vpcs_of_namespace[namespace].discard(vpc.name)
            case Subnet():
                if (subnet := self.subnets.pop(item.name, None)) is not None:
                    self.subnets_of_vpc[subnet.spec.vpc].discard(subnet.name)
                    for namespace in subnet.spec.namespaces:
                        self.subnets_of_namespace[namespace].discard(subnet.name)
            case IP():
                if (ip := self.ips.pop(item.name, None)) is not None:
                    self.ips_of_subnet[ip.spec.subnet].discard(ip.name)
            case Pod():
                self.pods.pop(item.ref, None)
            case Namespace():
                self.namespaces.pop(item.name, None)
            case Host():
                self.hosts.pop(item.name, None)

    def resources(self) -> Iterator[Resource]:
        for group in (self.namespaces, self.vpcs, self.subnets, self.ips, self.pods):
            yield from group.values()

    def default_subnet(self) -> str | None:
        """Name of the subnet that is marked `default`."""
        return next((s.name for s in self.subnets.values() if s.spec.default and s.spec.provider == OVERLAY_PROVIDER), None)

    def subnet_name_of(self, pod: Pod) -> str | None:
        """The subnet of a pod: its annotation, its namespace's subnet, its namespace's VPC's default, the fabric's default.

        Kube-OVN 1.15 manual, section 3.1.3; of several subnets bound to one namespace the first by name.
        """
        if name := pod.metadata.annotations.get(LOGICAL_SWITCH, "").strip():
            return name
        if bound := self.subnets_of_namespace.get(pod.namespace):
            return min(bound)
        for vpc in sorted(self.vpcs_of_namespace.get(pod.namespace, ())):
            if name := self.vpcs[vpc].spec.default_subnet:
                return name
        return self.default_subnet()
