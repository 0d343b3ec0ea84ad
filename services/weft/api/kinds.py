"""All kinds, found by the words that users write."""

from __future__ import annotations

from weft.api.attachment import NetworkAttachmentDefinition
from weft.api.base import Resource
from weft.api.bgp import BgpConf, EvpnConf
from weft.api.core import Namespace, Pod
from weft.api.dns import DNSNameResolver, VpcDns
from weft.api.egress_gateway import VpcEgressGateway
from weft.api.ip import IP
from weft.api.ippool import IPPool
from weft.api.lb import RouterLBRule, SwitchLBRule
from weft.api.nat_gateway import VpcNatGateway
from weft.api.nat_iptables import IptablesDnatRule, IptablesEIP, IptablesFIPRule, IptablesSnatRule
from weft.api.nat_ovn import OvnDnatRule, OvnEip, OvnFip, OvnSnatRule
from weft.api.problem import InvalidError, Problem
from weft.api.qos import QoSPolicy
from weft.api.security import SecurityGroup
from weft.api.subnet import Subnet
from weft.api.vip import Vip
from weft.api.vlan import ProviderNetwork, Vlan
from weft.api.vpc import Vpc
from weft.api.workloads import StatefulSet, VirtualMachine

_IN_ORDER: tuple[type[Resource], ...] = (
    Namespace,
    Vpc,
    ProviderNetwork,
    Vlan,
    Subnet,
    IPPool,
    IP,
    Vip,
    QoSPolicy,
    SecurityGroup,
    DNSNameResolver,
    BgpConf,
    EvpnConf,
    VpcNatGateway,
    VpcEgressGateway,
    IptablesEIP,
    IptablesFIPRule,
    IptablesDnatRule,
    IptablesSnatRule,
    OvnEip,
    OvnFip,
    OvnDnatRule,
    OvnSnatRule,
    SwitchLBRule,
    RouterLBRule,
    VpcDns,
    NetworkAttachmentDefinition,
    StatefulSet,
    VirtualMachine,
    Pod,
)

KINDS: dict[str, type[Resource]] = {cls.INFO.kind: cls for cls in _IN_ORDER}
"""By kind, in the order in which objects depend on each other: what is used comes before its users."""

RANK: dict[str, int] = {kind: rank for rank, kind in enumerate(KINDS)}
"""The same order as numbers, for sorting."""


def find_kind(word: str) -> type[Resource]:
    """A kind by its name, plural or short name, in any case. Raises InvalidError."""
    wanted = word.lower()
    for cls in KINDS.values():
        if wanted in (cls.INFO.kind.lower(), cls.INFO.plural, *cls.INFO.short_names):
            return cls
    raise InvalidError([Problem("", "kind", f"{word!r} is not known; allowed: {', '.join(KINDS)}")])
