"""Further networks of a pod: `NetworkAttachmentDefinition`, and how a pod asks for them.

The format is the Kubernetes Network Custom Resource Definition De-facto Standard, version 1.3: the annotation
`k8s.v1.cni.cncf.io/networks` names definitions, `namespace/name@interface, …`, or lists them as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_interface
from typing import Any, ClassVar

from weft.api.base import KindInfo, Projected, Resource
from weft.net.addresses import Address, parse_address, split_list

PLUGIN = "kube-ovn"
RESOURCE = "k8s.v1.cni.cncf.io/resourceName"
"""Annotation of a definition: the resource of a device plugin, of which each pod on the network has one."""
DEVICE_TYPES = ("veth", "vf", "vdpa", "vhostuser", "vduse")


class NetworkAttachmentDefinitionSpec(Projected):
    """The configuration that a CNI runtime gives to plugins."""

    config: str = ""


class NetworkAttachmentDefinition(Resource):
    """A network that pods may be attached to."""

    INFO: ClassVar = KindInfo(
        "k8s.cni.cncf.io/v1",
        "NetworkAttachmentDefinition",
        "network-attachment-definitions",
        namespaced=True,
        short_names=("net-attach-def",),
        optional=True,
    )
    spec: NetworkAttachmentDefinitionSpec = NetworkAttachmentDefinitionSpec()

    @cached_property
    def is_overlay(self) -> bool:
        """Whether our plugin makes the interface; otherwise it is somebody else's, and at most addresses are ours."""
        return any(plugin.get("type") == PLUGIN for plugin in self._plugins)

    @cached_property
    def wants_addresses(self) -> bool:
        """Whether addresses of the network are ours to give."""
        return self.is_overlay or any(_ipam_type(plugin) == PLUGIN for plugin in self._plugins)

    @cached_property
    def device_type(self) -> str:
        """What our plugin makes the interface of; "none" where another plugin makes it.

        A socket for DPDK is told by its volume (Kube-OVN 1.15 manual, section 7.20), a virtual function by the resource
        (section 7.16); `device_type` in our plugin's configuration says it outright.
        """
        own = next((plugin for plugin in self._plugins if plugin.get("type") == PLUGIN), None)
        if own is None:
            return "none"
        if own.get("device_type") in DEVICE_TYPES:
            return str(own["device_type"])
        if own.get("vhost_user_socket_volume_name"):
            return "vhostuser"
        return "vf" if self.metadata.annotations.get(RESOURCE) else "veth"

    @property
    def provider(self) -> str:
        """The provider of its subnets (Kube-OVN 1.15 manual, section 7.1)."""
        return provider_of(self.namespace, self.name, self.is_overlay)

    @property
    def _plugins(self) -> list[Mapping[str, Any]]:
        try:
            config = json.loads(self.spec.config or "{}")
        except json.JSONDecodeError:
            return []
        if not isinstance(config, dict):
            return []
        plugins = config.get("plugins", [])
        found = [config, *plugins] if isinstance(plugins, list) else [config]
        return [plugin for plugin in found if isinstance(plugin, dict)]


def _ipam_type(plugin: Mapping[str, Any]) -> str:
    ipam = plugin.get("ipam")
    return str(ipam.get("type", "")) if isinstance(ipam, dict) else ""


def provider_of(namespace: str, name: str, is_overlay: bool) -> str:
    """`<name>.<namespace>.ovn` of our own interfaces, `<name>.<namespace>` of others'."""
    return f"{name}.{namespace}.ovn" if is_overlay else f"{name}.{namespace}"


@dataclass(frozen=True, slots=True)
class NetworkRequest:
    """One attachment that a pod asks for."""

    namespace: str
    name: str
    interface: str = ""
    addresses: tuple[Address, ...] = ()
    mac: str = ""
    default_route: tuple[Address, ...] = ()

    @property
    def ref(self) -> str:
        return f"NetworkAttachmentDefinition/{self.namespace}/{self.name}"


def parse_requests(text: str, namespace: str) -> list[NetworkRequest]:
    """The annotation's text, in either form; definitions of no namespace are of the pod's. Raises ValueError."""
    if not text.strip():
        return []
    if text.lstrip()[0] not in "[{":
        return [_short(part, namespace) for part in split_list(text)]
    try:
        items = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError('is not a list like [{"name": "net1", "namespace": "default"}]')
    return [_long(item, namespace) for item in items]


def _short(text: str, namespace: str) -> NetworkRequest:
    place, _, interface = text.partition("@")
    given, slash, name = place.rpartition("/")
    if not name or (slash and not given):
        raise ValueError(f"{text!r} is not [namespace/]name[@interface]")
    return NetworkRequest(given or namespace, name, interface)


def _long(item: Mapping[str, Any], namespace: str) -> NetworkRequest:
    name = item.get("name")
    if not isinstance(name, str) or not name:
        raise ValueError("an item has no name")
    return NetworkRequest(
        str(item.get("namespace") or namespace),
        name,
        str(item.get("interface") or ""),
        tuple(ip_interface(ip).ip for ip in _texts(item, "ips")),
        str(item.get("mac") or "").lower(),
        tuple(parse_address(gateway) for gateway in _texts(item, "default-route")),
    )


def _texts(item: Mapping[str, Any], field: str) -> list[str]:
    values = item.get(field) or []
    valid = isinstance(values, list) and all(isinstance(value, str) for value in values)
    if not valid:
        raise ValueError(f"{item['name']}: {field} is not a list of addresses")
    return list(values)
