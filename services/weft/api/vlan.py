"""The underlay: networks that hosts' interfaces are on, and their VLANs (Kube-OVN 1.15 manual, section 2.3)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from weft.api.base import EVERYTHING, Resource, Strict, kubeovn
from weft.api.common import LabelSelector, Status
from weft.api.fields import Interface, Items, Name, Text


class CustomInterface(Strict):
    """Hosts whose interface has another name."""

    interface: Interface = Field(description="Their interface.")
    nodes: Items[Name] = Field((), description="The hosts.")


class ProviderNetworkSpec(Strict):
    """Fields as Kube-OVN has them."""

    default_interface: Interface = Field(description="Interface that hosts are on the network by.")
    custom_interfaces: Items[CustomInterface] = Field((), description="Hosts whose interface has another name.")
    exclude_nodes: Items[Name] = Field((), description="Hosts that are not on the network.")
    node_selector: LabelSelector | None = Field(
        None, description="Hosts that are on the network, by labels; all when absent."
    )
    exchange_link_name: bool = Field(
        False, description="Whether the bridge gets the interface's name, and it the bridge's."
    )
    auto_create_vlan_subinterfaces: bool = Field(
        False, description="Whether an interface like eth0.341 is made where it is missing."
    )
    preserve_vlan_interfaces: bool = Field(False, description="Whether the host's own VLAN interfaces stay in use.")
    vlan_interfaces: Items[Text] = Field((), description="Those VLAN interfaces; all when empty.")


class ProviderNetworkStatus(Status):
    """What the controller says of a network."""

    ready: bool = Field(False, description="Whether all its hosts are on it.")
    ready_nodes: Items[str] = Field((), description="Hosts that are.")
    not_ready_nodes: Items[str] = Field((), description="Hosts that ought to be and are not.")
    vlans: Items[str] = Field((), description="Its Vlans.")


class ProviderNetwork(Resource):
    """A network outside the fabric that hosts are on, each by an interface of its own."""

    INFO: ClassVar = kubeovn(
        "ProviderNetwork",
        "provider-networks",
        "pn",
        columns=(("DefaultInterface", "spec.defaultInterface"), ("Ready", "status.ready")),
    )
    STATUS: ClassVar = ProviderNetworkStatus
    PENDING: ClassVar = EVERYTHING
    spec: ProviderNetworkSpec


class VlanSpec(Strict):
    """Fields as Kube-OVN has them."""

    id: int = Field(0, description="Tag; 0 for frames without one.", ge=0, le=4095)
    provider: Name = Field(description="ProviderNetwork that the VLAN is on.")
    provider_interface_name: Text = Field("", description="Older name for the interface; use ProviderNetwork.")
    vlan_id: int = Field(0, description="Older name for `id`.", ge=0, le=4095)


class VlanStatus(Status):
    """What the controller says of a VLAN."""

    conflict: bool = Field(False, description="Whether another Vlan has the same tag on the same network.")
    subnets: Items[str] = Field((), description="Subnets on it.")


class Vlan(Resource):
    """A VLAN of a provider network; subnets on it are underlay subnets."""

    INFO: ClassVar = kubeovn(
        "Vlan",
        "vlans",
        "vlan",
        columns=(("ID", "spec.id"), ("Provider", "spec.provider"), ("conflict", "status.conflict")),
    )
    STATUS: ClassVar = VlanStatus
    PENDING: ClassVar = EVERYTHING
    spec: VlanSpec
