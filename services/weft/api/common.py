"""Parts that several kinds share: selectors, what Kubernetes' schedulers read, conditions."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from weft.api.base import STORED, Opaque, Strict
from weft.api.fields import IntOrText, Items, Text
from weft.api.rule import Rule

Labels = dict[Annotated[str, Field(max_length=317)], Annotated[str, Field(max_length=63)]]
Operator = Literal["In", "NotIn", "Exists", "DoesNotExist"]


def _values_fit(requirement: Any) -> bool:
    return bool(requirement.values) == (requirement.operator in ("In", "NotIn"))


class LabelRequirement(Strict):
    """One requirement of a label selector."""

    RULES: ClassVar = (
        Rule(
            "values are for the operators In and NotIn, which need some",
            "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
            _values_fit,
            field="values",
        ),
    )
    key: str = Field(description="Label.", max_length=317)
    operator: Operator = Field(description="How the label's value relates to `values`.")
    values: Items[Annotated[str, Field(max_length=63)]] = Field((), description="Values.", max_length=64)


class LabelSelector(Strict):
    """Objects by their labels: all that is given must hold."""

    match_labels: Labels = Field(default_factory=dict, description="Labels with these values.")
    match_expressions: Items[LabelRequirement] = Field((), description="Requirements on labels.", max_length=64)


class GivenLabelSelector(LabelSelector):
    """Objects by their labels: all that is given must hold, and something must be given."""

    RULES: ClassVar = (
        Rule(
            "matchLabels or matchExpressions is required",
            "has(self.matchLabels) || has(self.matchExpressions)",
            lambda selector: bool(selector.model_fields_set),
        ),
    )


class NodeRequirement(Strict):
    """One requirement of a node selector (core/v1 NodeSelectorRequirement)."""

    key: str = Field(description="Label, or field of the node.", max_length=317)
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"] = Field(
        description="How the value relates to `values`."
    )
    values: Items[Text] = Field((), description="Values.")


class NodeSelector(Strict):
    """Nodes: all that is given must hold."""

    match_labels: Labels = Field(default_factory=dict, description="Labels with these values.")
    match_expressions: Items[NodeRequirement] = Field((), description="Requirements on labels.")
    match_fields: Items[NodeRequirement] = Field((), description="Requirements on fields of the node.")


class Toleration(Strict):
    """A taint that does not keep the pod away (core/v1 Toleration)."""

    key: str = Field("", description="Taint; all of them when empty and `operator` is Exists.", max_length=317)
    operator: Literal["", "Exists", "Equal", "Lt", "Gt"] = Field("", description="Equal when empty.")
    value: str = Field("", description="Value of the taint.", max_length=63)
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(
        "", description="All of them when empty."
    )
    toleration_seconds: int | None = Field(
        None, description="Seconds for which NoExecute is borne; for ever when absent.", ge=-(2**63), le=2**63 - 1
    )


Quantity = Annotated[
    IntOrText,
    Field(
        json_schema_extra={
            "x-kubernetes-int-or-string": True,
            "pattern": r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([EPTGMk]i?|[num]|[eE][+-]?[0-9]+)?$",
        }
    ),
]
"""An amount as Kubernetes has it. Kubernetes itself checks it when the pod is made."""


class Resources(Strict):
    """What a container needs and may use (core/v1 ResourceRequirements)."""

    limits: dict[str, Quantity] = Field(default_factory=dict, description="The most it may use.")
    requests: dict[str, Quantity] = Field(default_factory=dict, description="What is kept for it.")
    claims: Items[Opaque] = Field((), description="Names of resource claims (core/v1 ResourceClaim).")


class Bfd(Strict):
    """Bidirectional forwarding detection (RFC 5880)."""

    enabled: bool = Field(False, description="Whether sessions are kept.", json_schema_extra=STORED)
    min_rx: int = Field(
        1000,
        alias="minRX",
        description="Least interval of packets received, in milliseconds.",
        ge=1,
        le=3600000,
        json_schema_extra=STORED | {"format": "int32"},
    )
    min_tx: int = Field(
        1000,
        alias="minTX",
        description="Least interval of packets sent, in milliseconds.",
        ge=1,
        le=3600000,
        json_schema_extra=STORED | {"format": "int32"},
    )
    multiplier: int = Field(
        3,
        description="Packets missed before a session is down.",
        ge=1,
        le=3600000,
        json_schema_extra=STORED | {"format": "int32"},
    )


class Workload(Strict):
    """What Kubernetes runs for the object."""

    api_version: str = Field("", description="API version of the workload.")
    kind: str = Field("", description="Kind of the workload.")
    name: str = Field("", description="Name of the workload.")
    nodes: Items[str] = Field((), description="Nodes on which it runs.")


# -- status -----------------------------------------------------------------------------------------------------------


class Condition(Strict):
    """One aspect of the object's state, as Kubernetes has them."""

    type: str = Field(description="Aspect: Ready, Allocated, Supported …")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    reason: str = Field("", description="Why, in one word.")
    message: str = Field("", description="Why, in a sentence.")
    observed_generation: int = Field(0, description="`metadata.generation` that this was said of.", ge=0)
    last_update_time: str = Field("", description="When it was said last.", json_schema_extra={"format": "date-time"})
    last_transition_time: str = Field(
        "", description="When `status` changed last.", json_schema_extra={"format": "date-time"}
    )


class Status(Strict):
    """What every kind's status has. The controller writes it; what a document says of it is nobody's input."""

    conditions: Items[Condition] = Field(
        (),
        description="State, by aspect. `Supported` False names what is accepted and has no effect yet.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
