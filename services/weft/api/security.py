"""`SecurityGroup`: who may speak with a group of ports (Kube-OVN 1.15 manual, section 5.6)."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from weft.api.base import EVERYTHING, Resource, Strict, kubeovn
from weft.api.common import Status
from weft.api.fields import Destination, Items, Name
from weft.api.rule import Rule


def _in_order(low: str, high: str) -> Any:
    def holds(rule: Any) -> bool:
        least, most = getattr(rule, low), getattr(rule, high)
        return least is None or most is None or least <= most

    return holds


class SecurityGroupRule(Strict):
    """What becomes of some of the traffic."""

    RULES: ClassVar = (
        Rule(
            "is less than portRangeMin",
            "!has(self.portRangeMin) || !has(self.portRangeMax) || self.portRangeMin <= self.portRangeMax",
            _in_order("port_range_min", "port_range_max"),
            field="portRangeMax",
        ),
        Rule(
            "is less than sourcePortRangeMin",
            "!has(self.sourcePortRangeMin) || !has(self.sourcePortRangeMax) || "
            "self.sourcePortRangeMin <= self.sourcePortRangeMax",
            _in_order("source_port_range_min", "source_port_range_max"),
            field="sourcePortRangeMax",
        ),
        Rule(
            "is required with remoteType securityGroup",
            "!has(self.remoteType) || self.remoteType != 'securityGroup' || "
            "(has(self.remoteSecurityGroup) && self.remoteSecurityGroup != '')",
            lambda rule: rule.remote_type != "securityGroup" or bool(rule.remote_security_group),
            field="remoteSecurityGroup",
        ),
    )
    ip_version: Literal["", "ipv4", "ipv6"] = Field("", description="Address family.")
    protocol: Literal["", "all", "icmp", "tcp", "udp"] = Field("", description="Protocol; all of them when empty.")
    priority: int | None = Field(None, description="The lowest one that matches decides.", ge=1, le=16384)
    remote_type: Literal["", "address", "securityGroup"] = Field("", description="What the other side is told by.")
    remote_address: Destination = Field("", description="Address or CIDR of the other side.")
    remote_security_group: Name = Field("", description="Security group of the other side.")
    local_address: Destination = Field("", description="Address or CIDR of our side; all of the port's when empty.")
    port_range_min: int | None = Field(None, description="First destination port.", ge=1, le=65535)
    port_range_max: int | None = Field(None, description="Last destination port.", ge=1, le=65535)
    source_port_range_min: int | None = Field(None, description="First source port.", ge=1, le=65535)
    source_port_range_max: int | None = Field(None, description="Last source port.", ge=1, le=65535)
    policy: Literal["", "allow", "drop", "deny"] = Field("", description="What becomes of it; deny is drop.")


class SecurityGroupSpec(Strict):
    """Fields as Kube-OVN has them."""

    ingress_rules: Items[SecurityGroupRule] = Field((), description="Rules for what reaches ports.", max_length=512)
    egress_rules: Items[SecurityGroupRule] = Field((), description="Rules for what leaves ports.", max_length=512)
    allow_same_group_traffic: bool = Field(False, description="Whether ports of the group may speak with each other.")
    tier: int = Field(0, description="Tier of OVN's ACLs; lower ones come first.", ge=0, le=3)


class SecurityGroupStatus(Status):
    """What the controller says of a group."""

    port_group: str = Field("", description="OVN's port group.")
    allow_same_group_traffic: bool = Field(False, description="Whether its ports may speak with each other.")
    ingress_md5: str = Field("", description="Digest of the rules in effect.")
    egress_md5: str = Field("", description="Digest of the rules in effect.")
    ingress_last_sync_success: bool = Field(False, description="Whether the rules are in effect.")
    egress_last_sync_success: bool = Field(False, description="Whether the rules are in effect.")


class SecurityGroup(Resource):
    """Who may speak with a group of ports."""

    INFO: ClassVar = kubeovn("SecurityGroup", "security-groups", "sg")
    STATUS: ClassVar = SecurityGroupStatus
    PENDING: ClassVar = EVERYTHING
    spec: SecurityGroupSpec = Field(default_factory=SecurityGroupSpec)
