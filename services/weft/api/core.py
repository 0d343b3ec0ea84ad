"""`Namespace` and `Pod`: Kubernetes' own kinds, as far as a network needs to know them.

Without Kubernetes a Pod stands for a workload of any sort: a network namespace that the agent keeps, a machine, a
process. The annotation `weft.ovn/netns` asks the agent of `spec.nodeName` to keep that namespace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

from weft.api.base import KindInfo, Projected, Resource
from weft.api.problem import Problem
from weft.net.addresses import parse_addresses, split_list

LOGICAL_SWITCH = "ovn.kubernetes.io/logical_switch"
IP_ADDRESS = "ovn.kubernetes.io/ip_address"
MAC_ADDRESS = "ovn.kubernetes.io/mac_address"
NETNS = "weft.ovn/netns"
ALLOCATED = "ovn.kubernetes.io/allocated"
INPUTS = (LOGICAL_SWITCH, IP_ADDRESS, MAC_ADDRESS, NETNS)
"""Annotations by which a pod's owner asks for something."""

_MAC = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")


class Namespace(Resource):
    """A namespace: its name is all that matters here."""

    INFO: ClassVar = KindInfo("v1", "Namespace", "namespaces", namespaced=False, short_names=("ns",))
    spec: Projected = Projected()


class Node(Resource):
    """A node: it is annotated with the place of the host of its name."""

    INFO: ClassVar = KindInfo("v1", "Node", "nodes", namespaced=False, short_names=("no",))
    spec: Projected = Projected()
    addresses: tuple[str, ...] = ()
    """Its own addresses on the network of hosts."""

    @classmethod
    def parse(cls, document: Mapping[str, Any], **more: Any) -> Self:
        """Of a node its status is what says where it is."""
        told = (document.get("status") or {}).get("addresses") or ()
        addresses = tuple(str(item.get("address")) for item in told if item.get("type") == "InternalIP")
        return super().parse({**document, "addresses": addresses}, **more)

    def rules(self) -> Iterator[Problem]:
        for text in self.addresses:
            try:
                parse_addresses(text)
            except ValueError as error:
                yield self.problem("status.addresses", str(error))


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

    @property
    def port_name(self) -> str:
        """Name of the logical switch port, of the `IP` object, and the OVS interface's iface-id."""
        return f"{self.metadata.name}.{self.metadata.namespace}"

    def rules(self) -> Iterator[Problem]:
        annotations = self.metadata.annotations
        if IP_ADDRESS in annotations:
            try:
                parse_addresses(annotations[IP_ADDRESS])
            except ValueError as error:
                yield self.problem(f"metadata.annotations[{IP_ADDRESS}]", str(error))
        if MAC_ADDRESS in annotations and not _is_unicast_mac(annotations[MAC_ADDRESS]):
            yield self.problem(
                f"metadata.annotations[{MAC_ADDRESS}]",
                f"{annotations[MAC_ADDRESS]!r} is not a unicast MAC address like 0a:58:0a:42:00:0b",
            )
        if len(split_list(annotations.get(LOGICAL_SWITCH, ""))) > 1:
            yield self.problem(
                f"metadata.annotations[{LOGICAL_SWITCH}]", f"{annotations[LOGICAL_SWITCH]!r}: one subnet is allowed"
            )
        netns = annotations.get(NETNS, "")
        if "/" in netns or len(netns) > 255 or netns in {".", ".."}:
            yield self.problem(f"metadata.annotations[{NETNS}]", f"{netns!r} is not a file name")
        if netns and not self.spec.node_name:
            yield self.problem(
                "spec.nodeName", f"is required with the annotation {NETNS}: which host keeps the namespace?"
            )


def _is_unicast_mac(text: str) -> bool:
    return _MAC.fullmatch(text) is not None and not int(text[:2], 16) & 1
