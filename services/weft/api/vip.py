"""`Vip`: an address that is kept for something other than a pod (Kube-OVN 1.15 manual, section 3.14)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from weft.api.base import Resource, Strict, kubeovn
from weft.api.common import Status
from weft.api.fields import Address4, Address6, Items, LabelPair, Mac, Name, NamespaceName, Word
from weft.api.rule import FIXED


class VipSpec(Strict):
    """Fields as Kube-OVN has them."""

    subnet: Annotated[Name, FIXED] = Field("", description="Subnet that the address is of.")
    namespace: NamespaceName = Field("", description="Namespace of the pods that may have it.")
    type: Word = Field("", description="What it is for, like switch_lb_vip; a mere reservation when empty.")
    v4ip: Address4 = Field("", alias="v4ip", description="IPv4 address; chosen when empty.")
    v6ip: Address6 = Field("", alias="v6ip", description="IPv6 address; chosen when empty.")
    mac_address: Mac = Field("", description="MAC address; chosen when empty.")
    selector: Items[LabelPair] = Field((), description="Labels of the pods that may have it.")
    attach_subnets: Items[Name] = Field((), description="Further subnets.")


class VipStatus(Status):
    """What the controller says of the address."""

    mac: str = Field("", description="MAC address.")
    selector: Items[str] = Field((), description="Labels of the pods that may have it.")
    type: str = Field("", description="What it is for.")
    v4ip: str = Field("", alias="v4ip", description="IPv4 address.")
    v6ip: str = Field("", alias="v6ip", description="IPv6 address.")


class Vip(Resource):
    """An address that is kept for something other than a pod, or shared by several."""

    INFO: ClassVar = kubeovn(
        "Vip",
        "vips",
        "vip",
        columns=(
            ("Namespace", "spec.namespace"),
            ("V4IP", "status.v4ip"),
            ("V6IP", "status.v6ip"),
            ("Mac", "status.mac"),
            ("Subnet", "spec.subnet"),
            ("Type", "status.type"),
        ),
    )
    STATUS: ClassVar = VipStatus
    PENDING: ClassVar = frozenset({"attachSubnets"})
    spec: VipSpec = Field(default_factory=VipSpec)
