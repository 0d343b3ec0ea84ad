"""`Namespace`, `Node` and `Pod`: Kubernetes' own kinds, as far as a network needs to know them.

Without Kubernetes a Pod stands for a workload of any sort: a network namespace that the agent keeps, a machine, a
process. The annotation `weft.ovn/netns` asks the agent of `spec.nodeName` to keep that namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar, Self

from weft.api.annotations import DEFAULT_NETWORK, DEFAULT_PROVIDER, NETNS, NETWORKS, key, wrong
from weft.api.attachment import parse_requests
from weft.api.base import KindInfo, OwnerReference, Projected, Resource
from weft.api.problem import Problem
from weft.net.addresses import parse_addresses, split_list
from weft.net.tunnels import parse_interfaces, parse_node_networks

LOGICAL_SWITCH = key(DEFAULT_PROVIDER, "logical_switch")
IP_ADDRESS = key(DEFAULT_PROVIDER, "ip_address")
MAC_ADDRESS = key(DEFAULT_PROVIDER, "mac_address")
NORTH_GATEWAY = key(DEFAULT_PROVIDER, "north_gateway")
VIP = key(DEFAULT_PROVIDER, "vip")
AAPS = key(DEFAULT_PROVIDER, "aaps")
ALLOCATED = key(DEFAULT_PROVIDER, "allocated")
TUNNEL_INTERFACE = key(DEFAULT_PROVIDER, "tunnel_interface")
NODE_NETWORKS = key(DEFAULT_PROVIDER, "node_networks")


_OF_TUNNELS: Mapping[str, Callable[[str], object]] = {
    TUNNEL_INTERFACE: parse_interfaces,
    NODE_NETWORKS: parse_node_networks,
}
"""Annotations of nodes by which tunnels are chosen, and what says whether they are right."""


class Namespace(Resource):
    """A namespace: its name, and the labels that subnets may select it by."""

    INFO: ClassVar = KindInfo("v1", "Namespace", "namespaces", namespaced=False, short_names=("ns",))
    spec: Projected = Projected()


class Node(Resource):
    """A node: it is annotated with the place of the host of its name, and says whether that is fit to be a gateway."""

    INFO: ClassVar = KindInfo("v1", "Node", "nodes", namespaced=False, short_names=("no",))
    spec: Projected = Projected()
    addresses: tuple[str, ...] = ()
    """Its own addresses on the network of hosts."""
    ready: bool = True
    """Its condition Ready, if it has one, is True."""

    @classmethod
    def parse(cls, document: Mapping[str, Any], **more: Any) -> Self:
        """Of a node its status is what says where it is and how it is."""
        status = document.get("status") or {}
        told, conditions = status.get("addresses") or (), status.get("conditions") or ()
        addresses = tuple(str(item.get("address")) for item in told if item.get("type") == "InternalIP")
        ready = all(item.get("status") == "True" for item in conditions if item.get("type") == "Ready")
        return super().parse({**document, "addresses": addresses, "ready": ready}, **more)

    def rules(self) -> Iterator[Problem]:
        for text in self.addresses:
            try:
                parse_addresses(text)
            except ValueError as error:
                yield self.problem("status.addresses", str(error))
        for name, parse in _OF_TUNNELS.items():
            try:
                parse(self.metadata.annotations.get(name, ""))
            except ValueError as error:
                yield self.problem(f"metadata.annotations[{name}]", str(error))


class PodSpec(Projected):
    """Where the pod runs."""

    node_name: str = ""
    host_network: bool = False


class Pod(Resource):
    """A workload."""

    INFO: ClassVar = KindInfo(
        "v1",
        "Pod",
        "pods",
        namespaced=True,
        short_names=("po",),
        columns=(
            ("PHASE", "status.phase"),
            ("IPS", "status.podIPs"),
            ("NODE", "spec.nodeName"),
            ("SUBNET", "status.subnet"),
            ("READY", "status.conditions"),
        ),
    )
    spec: PodSpec = PodSpec()
    finished: bool = False
    """Its phase is Succeeded or Failed: nothing of it will run again, so it needs no network."""

    @classmethod
    def parse(cls, document: Mapping[str, Any], **more: Any) -> Self:
        """Of a pod's status its end is all that matters."""
        phase = (document.get("status") or {}).get("phase")
        return super().parse({**document, "finished": phase in ("Succeeded", "Failed")}, **more)

    @property
    def controller(self) -> OwnerReference | None:
        """The workload that made it."""
        return next((owner for owner in self.metadata.owner_references if owner.controller), None)

    @cached_property
    def machine(self) -> str:
        """Name of the virtual machine that runs in it; empty for other pods."""
        maker = self.controller
        return maker.name if maker is not None and maker.kind == "VirtualMachineInstance" else ""

    @cached_property
    def owner(self) -> str:
        """Reference of what owns its ports and addresses: the pod, or the machine that outlives it."""
        return f"VirtualMachine/{self.namespace}/{machine}" if (machine := self.machine) else self.ref

    @cached_property
    def port_name(self) -> str:
        """Name of its first logical switch port, of the `IP` object, and the OVS interface's iface-id."""
        return f"{self.machine or self.metadata.name}.{self.metadata.namespace}"

    @property
    def ordinal(self) -> int | None:
        """Its number in its StatefulSet; None of other pods."""
        maker = self.controller
        number = self.name.rpartition("-")[2]
        return int(number) if maker is not None and maker.kind == "StatefulSet" and number.isdecimal() else None

    @property
    def aaps(self) -> list[str]:
        """Vips that it may take over: allowed address pairs."""
        return split_list(self.metadata.annotations.get(AAPS, ""))

    def rules(self) -> Iterator[Problem]:
        annotations = self.metadata.annotations
        for name, message in wrong(annotations):
            yield self.problem(f"metadata.annotations[{name}]", message)
        for name in (NETWORKS, DEFAULT_NETWORK):
            try:
                parse_requests(annotations.get(name, ""), self.namespace)
            except ValueError as error:
                yield self.problem(f"metadata.annotations[{name}]", str(error))
        netns = annotations.get(NETNS, "")
        if "/" in netns or len(netns) > 255 or netns in {".", ".."}:
            yield self.problem(f"metadata.annotations[{NETNS}]", f"{netns!r} is not a file name")
        if netns and not self.spec.node_name:
            yield self.problem(
                "spec.nodeName", f"is required with the annotation {NETNS}: which host keeps the namespace?"
            )
