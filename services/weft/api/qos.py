"""`QoSPolicy`: rates of external addresses and of NAT gateways (Kube-OVN 1.15 manual, section 5.3)."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from weft.api.base import EVERYTHING, Resource, Strict, kubeovn
from weft.api.common import Status
from weft.api.fields import TRAFFIC_PATTERN, Items, Rate
from weft.api.rule import Rule

BindingType = Literal["", "EIP", "NATGW"]


class BandwidthLimitRule(Strict):
    """A rate of some of the traffic."""

    RULES: ClassVar = (
        Rule(
            "is required with matchType ip, like 'src 172.18.11.22/32'",
            "!has(self.matchType) || self.matchType == '' || (has(self.matchValue) && self.matchValue != '')",
            lambda rule: not rule.match_type or bool(rule.match_value),
            field="matchValue",
        ),
    )
    name: str = Field(description="Name of the rule.", min_length=1, max_length=253)
    direction: Literal["", "ingress", "egress"] = Field("", description="To or from the address or gateway.")
    interface: str = Field("", description="Interface of the gateway; all when empty.", max_length=15)
    match_type: Literal["", "ip"] = Field("", description="What `matchValue` is; all traffic when empty.")
    match_value: str = Field(
        "", description="Traffic that it is for, like `src 172.18.11.22/32`.", max_length=64, pattern=TRAFFIC_PATTERN
    )
    priority: int = Field(0, description="The lowest one that matches decides.", ge=0, le=65535)
    rate_max: Rate = Field("", description="Rate, in Mbit/s.")
    burst_max: Rate = Field("", description="Burst, in Mbit.")


class QoSPolicySpec(Strict):
    """Fields as Kube-OVN has them."""

    bandwidth_limit_rules: Items[BandwidthLimitRule] = Field((), description="Rates.", max_length=256)
    binding_type: BindingType = Field("", description="What the policy is for: IptablesEIP or VpcNatGateway.")
    shared: bool = Field(False, description="Whether several may have it.")


class QoSPolicyStatus(Status):
    """What the controller says of a policy."""

    bandwidth_limit_rules: Items[BandwidthLimitRule] = Field((), description="Rates in effect.")
    binding_type: str = Field("", description="What the policy is for.")
    shared: bool = Field(False, description="Whether several may have it.")


class QoSPolicy(Resource):
    """Rates of external addresses and of NAT gateways."""

    INFO: ClassVar = kubeovn(
        "QoSPolicy",
        "qos-policies",
        "qos",
        columns=(("Shared", "spec.shared"), ("BindingType", "spec.bindingType")),
    )
    STATUS: ClassVar = QoSPolicyStatus
    PENDING: ClassVar = EVERYTHING
    spec: QoSPolicySpec = Field(default_factory=QoSPolicySpec)
