"""What all kinds have in common: metadata, naming, parsing.

Every kind is a pydantic model: structure, types, enums and ranges are checked there, and everything that is wrong is
reported at once. Rules between fields of one object are its `rules()`; rules between objects are in `weft.topology`.
Kinds of `kubeovn.io` refuse unknown fields; those of Kubernetes itself (Pod, Namespace) are projections of documents
that have many more, so they ignore the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from weft.api.problem import InvalidError, Problem

NAME_PATTERN = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
"""RFC 1123 subdomain, as Kubernetes has it."""

NAMESPACE_PATTERN = r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$"
"""RFC 1123 label: without dots, so that `<pod>.<namespace>` names one pod."""


class Strict(BaseModel):
    """A part of a kind that we define: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True, frozen=True)


class Projected(BaseModel):
    """A part of a kind that Kubernetes defines: what we do not need is ignored."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, populate_by_name=True, frozen=True)


class Metadata(Projected):
    """What of an object's metadata the fabric needs."""

    name: str = Field(pattern=NAME_PATTERN)
    namespace: str = Field("", pattern=NAMESPACE_PATTERN)
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    creation_timestamp: str = ""


@dataclass(frozen=True, slots=True)
class KindInfo:
    """How a kind is called."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    """What `get` prints: (heading, path)."""


class Resource(BaseModel):
    """An object of any kind. `uid` and `generation` are the store's."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True, frozen=True)
    INFO: ClassVar[KindInfo]
    PENDING: ClassVar[frozenset[str]] = frozenset()
    """Fields of `spec` (by their names in documents) that are accepted and have no effect yet."""

    metadata: Metadata
    uid: str = ""
    generation: int = 1

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def namespace(self) -> str:
        return self.metadata.namespace

    @property
    def ref(self) -> str:
        return object_ref(self.INFO, self.metadata.namespace, self.metadata.name)

    @classmethod
    def parse(cls, document: Mapping[str, Any], *, uid: str = "", generation: int = 1, source: str = "") -> Self:
        """A typed object from a document (`apiVersion`, `kind`, `metadata`, `spec`). Raises InvalidError."""
        metadata = document.get("metadata")
        name = metadata.get("name", "?") if isinstance(metadata, Mapping) else "?"
        namespace = metadata.get("namespace", "") if isinstance(metadata, Mapping) else ""
        ref = object_ref(cls.INFO, str(namespace or ""), str(name))
        body = {key: value for key, value in document.items() if key not in ("apiVersion", "kind", "status")}
        try:
            parsed = cls.model_validate({**body, "uid": uid, "generation": generation}, by_alias=True, by_name=False)
        except ValidationError as error:
            raise InvalidError([_problem(ref, detail, source) for detail in error.errors()]) from None
        problems = [Problem(ref, p.field, p.message, source) for p in parsed.rules()]
        if problems:
            raise InvalidError(problems)
        return parsed

    def rules(self) -> Iterator[Problem]:
        """Rules between fields of this one object."""
        yield from ()

    def problem(self, field: str, message: str) -> Problem:
        return Problem(self.ref, field, message)

    def spec_document(self) -> dict[str, Any]:
        """`spec` as a document, without what was not given."""
        spec = getattr(self, "spec", None)
        return {} if spec is None else spec.model_dump(by_alias=True, exclude_unset=True, mode="json")


def object_ref(info: KindInfo, namespace: str, name: str) -> str:
    """`Subnet/blue`, `Pod/ns1/web`: how an object is called everywhere."""
    return f"{info.kind}/{namespace}/{name}" if info.namespaced else f"{info.kind}/{name}"


def _problem(ref: str, detail: Any, source: str) -> Problem:
    field = ".".join(str(part) for part in detail["loc"])
    message = detail["msg"]
    if detail["type"] == "extra_forbidden":
        message = "no such field"
    elif detail["type"] == "missing":
        message = "is required"
    elif not isinstance(detail.get("input"), dict | list):
        message = f"{detail['input']!r}: {message}"
    return Problem(ref, field, message, source)
