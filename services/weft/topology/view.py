"""The world as it is known now: typed objects and the indexes by which compile functions find them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from weft.api.attachment import NetworkAttachmentDefinition
from weft.api.base import Resource
from weft.api.core import NORTH_GATEWAY, VIP, Namespace, Node, Pod
from weft.api.ip import IP
from weft.api.ippool import IPPool
from weft.api.kinds import KINDS
from weft.api.subnet import Subnet
from weft.api.subnet_spec import OVERLAY_PROVIDER
from weft.api.vip import Vip
from weft.api.vpc import Vpc
from weft.api.workloads import StatefulSet, VirtualMachine
from weft.net.addresses import Address, Network, is_address, parse_address, parse_networks, split_list
from weft.net.tunnels import largest_mtu
from weft.topology.names import router_port, switch_port
from weft.topology.selector import matches
from weft.topology.settings import Settings

DEFAULT_VPC = "ovn-cluster"
JOIN_SUBNET = "join"
SERVICE_CIDRS = ("10.96.0.0/12",)
"""Where Kubernetes has its services unless told otherwise."""
Index = defaultdict[str, set[str]]


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
    carries: int = 0
    """The largest MTU of workloads that fits through its tunnels; 0 when it is not known."""
    networks: tuple[str, ...] = ()
    """Networks of nodes that it has an address in, which tunnels can begin at."""
    vxlan: bool = False
    """Whether VXLAN is among its tunnels' protocols, whose limits are then the whole fabric's."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Host:
        """From a row of `Host_Status`; one that an agent of before wrote has no networks."""
        mtu, address, networks = row["mtu"], row.get("encap_ip", ""), row.get("networks") or {}
        types = split_list(row.get("encap_type", ""))
        carries = largest_mtu(mtu, types, address) if mtu and address else 0
        addresses, vxlan = tuple(sorted(row["addresses"])), "vxlan" in types
        return cls(row["name"], addresses, mtu, row["ready"], carries, tuple(sorted(networks)), vxlan)

    @property
    def ref(self) -> str:
        return f"Host/{self.name}"

    @property
    def port_name(self) -> str:
        return f"node-{self.name}"


def _index() -> Index:
    return defaultdict(set)


def owner_of(ip: IP) -> str:
    """Reference of the pod, machine, host or virtual address that a reservation is for."""
    spec = ip.spec
    match spec.pod_type:
        case "Vip":
            return f"Vip/{spec.pod_name}"
        case "VirtualMachine":
            return f"VirtualMachine/{spec.namespace}/{spec.pod_name}"
    return f"Pod/{spec.namespace}/{spec.pod_name}" if spec.namespace else f"Host/{spec.node_name}"


@dataclass(slots=True)
class View:
    """Objects by name, those of a namespace by reference. Only `put` and `remove` change it, so that the indexes stay
    right.

    Kinds that something depends on have a field here; the others are kept by their kind alone.
    """

    vpcs: dict[str, Vpc] = field(default_factory=dict)
    subnets: dict[str, Subnet] = field(default_factory=dict)
    namespaces: dict[str, Namespace] = field(default_factory=dict)
    pods: dict[str, Pod] = field(default_factory=dict)
    ips: dict[str, IP] = field(default_factory=dict)
    ippools: dict[str, IPPool] = field(default_factory=dict)
    vips: dict[str, Vip] = field(default_factory=dict)
    networks: dict[str, NetworkAttachmentDefinition] = field(default_factory=dict)
    statefulsets: dict[str, StatefulSet] = field(default_factory=dict)
    machines: dict[str, VirtualMachine] = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    """Hosts that have not been heard of for too long."""
    subnets_of_vpc: Index = field(default_factory=_index)
    subnets_of_namespace: Index = field(default_factory=_index)
    subnets_of_provider: Index = field(default_factory=_index)
    default_subnets: Index = field(default_factory=_index)
    """Overlay subnets that are marked `default`, all under one key."""
    choosing_subnets: Index = field(default_factory=_index)
    """Those that choose their namespaces by labels."""
    centralized_subnets: Index = field(default_factory=_index)
    """Those that leave the fabric by chosen hosts."""
    vpcs_of_namespace: Index = field(default_factory=_index)
    vpcs_of_peer: Index = field(default_factory=_index)
    """VPCs by those that they peer with."""
    subnets_of_router_port: Index = field(default_factory=_index)
    subnets_of_switch_port: Index = field(default_factory=_index)
    """Subnets by the names of the ports between them and their VPC."""
    vpcs_of_port: Index = field(default_factory=_index)
    """VPCs by the names of their ports towards others."""
    pools_of_subnet: Index = field(default_factory=_index)
    pools_of_namespace: Index = field(default_factory=_index)
    ips_of_subnet: Index = field(default_factory=_index)
    ips_of_owner: Index = field(default_factory=_index)
    ips_of_statefulset: Index = field(default_factory=_index)
    vips_of_subnet: Index = field(default_factory=_index)
    pods_of_owner: Index = field(default_factory=_index)
    """References of pods by what owns their ports: themselves, or the machine that runs in them."""
    pods_of_vip: Index = field(default_factory=_index)
    """References of pods that use a virtual address, or may take it over."""
    pods_of_namespace: Index = field(default_factory=_index)
    pods_of_gateway: Index = field(default_factory=_index)
    """References of pods that leave their VPC by a gateway of their own."""
    ips_of_address: Index = field(default_factory=_index)
    """Reservations of one address, by `SUBNET ADDRESS`."""
    hosts_of_mtu: Index = field(default_factory=_index)
    """Hosts by the MTU that their tunnels carry."""
    hosts_of_network: Index = field(default_factory=_index)
    """Hosts by the networks of nodes that they have an address in."""
    hosts_with_vxlan: Index = field(default_factory=_index)
    """Hosts with VXLAN among their tunnels' protocols, all under one key."""
    subnets_of_network: Index = field(default_factory=_index)
    """Subnets by the network of nodes that their tunnels are to use."""
    subnets_with_mtu: Index = field(default_factory=_index)
    """Overlay subnets that choose their MTU, all under one key."""
    hosts_of_address: Index = field(default_factory=_index)
    nodes_of_address: Index = field(default_factory=_index)
    """By what they say are their own addresses."""
    services: tuple[Network, ...] = parse_services(SERVICE_CIDRS)
    """CIDRs of services: pods of the default VPC cannot have their addresses."""
    settings: Settings = field(default_factory=Settings)
    groups: dict[str, dict[str, Any]] = field(init=False, repr=False)
    """All objects by kind, then by name, or by reference where a name needs a namespace."""

    def __post_init__(self) -> None:
        self.groups = {kind: {} for kind in KINDS} | {
            "Vpc": self.vpcs,
            "Subnet": self.subnets,
            "Namespace": self.namespaces,
            "IP": self.ips,
            "IPPool": self.ippools,
            "Vip": self.vips,
            "NetworkAttachmentDefinition": self.networks,
            "StatefulSet": self.statefulsets,
            "VirtualMachine": self.machines,
            "Host": self.hosts,
            "Node": self.nodes,
            "Pod": self.pods,
        }

    def put(self, item: Resource | Host) -> None:
        """Add an object, or replace its older version."""
        self.remove(item)
        group, place = self._place(item.ref)
        group[place] = item
        for index, value in self._edges(item):
            index[value].add(place)

    def remove(self, item: Resource | Host) -> None:
        """Take an object out, in whatever version it is here."""
        group, place = self._place(item.ref)
        known = group.pop(place, None)
        if known is None:
            return
        for index, value in self._edges(known):
            index[value].discard(place)
            if not index[value]:
                del index[value]

    def find(self, ref: str) -> Resource | Host | None:
        """The object of a reference like `Subnet/blue` or `Pod/ns1/web`."""
        group, place = self._place(ref)
        return group.get(place)

    def _place(self, ref: str) -> tuple[dict[str, Any], str]:
        kind, _, name = ref.partition("/")
        return self.groups.get(kind, {}), ref if "/" in name else name

    def _edges(self, item: Resource | Host) -> list[tuple[Index, str]]:
        """The indexes that an object stands in, and under what."""
        edges: list[tuple[Index, str]] = []
        match item:
            case Vpc():
                edges = [(self.vpcs_of_namespace, namespace) for namespace in item.spec.namespaces]
                peers = [peering.remote_vpc for peering in item.spec.vpc_peerings]
                edges += [(self.vpcs_of_peer, peer) for peer in peers]
                edges += [(self.vpcs_of_port, router_port(item.name, peer)) for peer in peers]
            case Subnet():
                edges = self._edges_of_subnet(item)
            case IP():
                edges = self._edges_of_ip(item)
            case IPPool():
                bound = [(self.pools_of_namespace, namespace) for namespace in item.spec.namespaces]
                edges = [(self.pools_of_subnet, item.spec.subnet), *bound]
            case Vip():
                edges = [(self.vips_of_subnet, item.spec.subnet)]
            case Host():
                edges = [(self.hosts_of_network, name) for name in item.networks]
                edges += [(self.hosts_of_mtu, str(item.carries))] if item.carries else []
                edges += [(self.hosts_with_vxlan, "")] if item.vxlan else []
                edges += [(self.hosts_of_address, address) for address in item.addresses]
            case Pod():
                edges = self._edges_of_pod(item)
            case Node():
                edges = [(self.nodes_of_address, address) for address in item.addresses]
        return edges

    def _edges_of_subnet(self, subnet: Subnet) -> list[tuple[Index, str]]:
        edges = [(self.subnets_of_provider, subnet.spec.provider)]
        edges += [(self.subnets_of_network, subnet.spec.node_network)] if subnet.spec.node_network else []
        edges += [(self.centralized_subnets, "")] if subnet.spec.gateway_type == "centralized" else []
        if subnet.is_overlay:
            vpc = subnet.spec.vpc
            edges += [(self.subnets_with_mtu, "")] if subnet.spec.mtu else []
            edges.append((self.subnets_of_vpc, vpc))
            edges.append((self.subnets_of_router_port, router_port(vpc, subnet.name)))
            edges.append((self.subnets_of_switch_port, switch_port(subnet.name, vpc)))
        if subnet.spec.provider == OVERLAY_PROVIDER:
            edges += [(self.subnets_of_namespace, namespace) for namespace in subnet.spec.namespaces]
            edges += [(self.default_subnets, "")] if subnet.spec.default else []
            edges += [(self.choosing_subnets, "")] if subnet.spec.namespace_selectors else []
        return edges

    def _edges_of_ip(self, ip: IP) -> list[tuple[Index, str]]:
        edges = [(self.ips_of_subnet, ip.spec.subnet), (self.ips_of_owner, owner_of(ip))]
        edges += [(self.ips_of_address, f"{ip.spec.subnet} {address}") for address in ip.addresses]
        if ip.spec.pod_type == "StatefulSet":
            name = ip.spec.pod_name.rpartition("-")[0]
            edges.append((self.ips_of_statefulset, f"StatefulSet/{ip.spec.namespace}/{name}"))
        return edges

    def _edges_of_pod(self, pod: Pod) -> list[tuple[Index, str]]:
        named = [pod.metadata.annotations.get(VIP, "").strip(), *pod.aaps]
        vips = [(self.pods_of_vip, name) for name in named if name]
        gateway = pod.metadata.annotations.get(NORTH_GATEWAY, "").strip()
        left = [(self.pods_of_gateway, gateway)] if gateway else []
        return [(self.pods_of_owner, pod.owner), (self.pods_of_namespace, pod.namespace), *vips, *left]

    def narrowest_host(self) -> tuple[str, int] | None:
        """The host whose tunnels carry least, and how much."""
        least = min(map(int, self.hosts_of_mtu), default=None)
        return None if least is None else (min(self.hosts_of_mtu[str(least)]), least)

    def holders(self, subnet: str, address: Address) -> set[str]:
        """Names of the reservations that have an address."""
        return self.ips_of_address.get(f"{subnet} {address}", set())

    def addresses_of(self, host: Host) -> list[Address]:
        """A host's own addresses, on the network of hosts: as its node says, or else as its agent does.

        What several say they have (each its own bridge for containers) leads to none of them.
        """
        node = self.nodes.get(host.name)
        texts = node.addresses if node is not None and node.addresses else host.addresses
        own = (text for text in texts if self.having(text) == {host.name})
        return [parse_address(text) for text in own if is_address(text)]

    def having(self, address: str) -> set[str]:
        """Names of the hosts that have an address, by their agents or their nodes."""
        return self.hosts_of_address.get(address, set()) | self.nodes_of_address.get(address, set())

    def resources(self) -> Iterator[Resource]:
        """All objects of the store, in the order in which they depend on each other."""
        for kind in KINDS:
            yield from self.groups[kind].values()

    def running(self, owner: str) -> list[Pod]:
        """The pods that an owner of ports runs in, the oldest first: one, or two while a machine is moved."""
        pods = [self.pods[ref] for ref in self.pods_of_owner.get(owner, ())]
        alive = [pod for pod in pods if not pod.finished and not pod.spec.host_network]
        if len(alive) > 1:
            alive.sort(key=lambda pod: (pod.metadata.creation_timestamp, pod.name))
        return alive

    def vpcs_left_by_pods(self) -> set[str]:
        """VPCs that some pods leave by gateways of their own."""
        pods = (self.pods[ref] for refs in self.pods_of_gateway.values() for ref in refs)
        ips = (self.ips[name] for pod in pods for name in self.ips_of_owner.get(pod.owner, ()))
        return {self.subnets[ip.spec.subnet].spec.vpc for ip in ips if ip.spec.subnet in self.subnets}

    def default_subnet(self) -> str | None:
        """Name of the subnet that is marked `default`."""
        return min(self.default_subnets.get("", ()), default=None)

    def subnets_in(self, namespace: str) -> list[str]:
        """Subnets of a namespace's pods that ask for none, in the order in which they are tried.

        Those that are bound to it, the default of its VPC, or the fabric's (Kube-OVN 1.15 manual, section 3.1.3).
        """
        if bound := self.subnets_of_namespace.get(namespace, set()) | self._choosing(namespace):
            return sorted(bound)
        for vpc in sorted(self.vpcs_of_namespace.get(namespace, ())):
            if name := self.vpcs[vpc].spec.default_subnet:
                return [name]
        default = self.default_subnet()
        return [] if default is None else [default]

    def _choosing(self, namespace: str) -> set[str]:
        known = self.namespaces.get(namespace)
        if known is None:
            return set()
        chosen = (name for name in self.choosing_subnets.get("", ()) if self._chooses(name, known))
        return set(chosen)

    def _chooses(self, subnet: str, namespace: Namespace) -> bool:
        selectors = self.subnets[subnet].spec.namespace_selectors
        return any(matches(selector, namespace.metadata.labels) for selector in selectors)
