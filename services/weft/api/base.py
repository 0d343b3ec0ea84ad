"""What all kinds have in common: metadata, naming, parsing.

Every kind is a pydantic model: structure, types, enums, ranges and patterns are checked there, and everything that is
wrong is reported at once. Rules between fields of one object are its models' `RULES` and its own `rules()`; what may
not change is `changes()`; rules between objects are in `weft.topology`.

Kinds of `kubeovn.io` refuse unknown fields, and values of another JSON type ("1" is no number), as an API server does;
those of Kubernetes itself (Pod, Namespace) are projections of documents that have many more, so they ignore the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic.alias_generators import to_camel

from weft.api.fields import NAME_PATTERN, NAMESPACE_PATTERN, PATTERNS
from weft.api.problem import InvalidError, Problem, plain, shown
from weft.api.rule import CANNOT_CHANGE, Rule, broken, changed

GROUP_VERSION = "kubeovn.io/v1"

STORED: dict[str, Any] = {"x-weft-stored": True}
"""`json_schema_extra` of a field whose default the API server writes into objects; others are what absence means."""

EVERYTHING = frozenset({"*"})
"""`PENDING` of a kind that is accepted as a whole and has no effect yet."""

Opaque = dict[str, JsonValue]
"""Something that Kubernetes defines and we only hand on; whoever gets it checks it."""


class Strict(BaseModel):
    """A part of a kind that we define: unknown fields are errors."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        defer_build=True,
    )
    RULES: ClassVar[tuple[Rule, ...]] = ()


class Projected(BaseModel):
    """A part of a kind that Kubernetes defines: what we do not need is ignored."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, populate_by_name=True, frozen=True)


class OwnerReference(Projected):
    """An object that another one belongs to."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class Metadata(Projected):
    """What of an object's metadata the fabric needs."""

    name: str = Field(pattern=NAME_PATTERN)
    namespace: str = Field("", pattern=NAMESPACE_PATTERN)
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    creation_timestamp: str = ""
    owner_references: tuple[OwnerReference, ...] = ()


@dataclass(frozen=True, slots=True)
class KindInfo:
    """How a kind is called, and how it is shown."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    """What `get` prints: (heading, path)."""
    wide: frozenset[str] = frozenset()
    """Headings that `weftctl get` leaves to `-o wide`. kubectl prints all, as it does for Kube-OVN."""
    shows_state: bool = False
    """Whether `weftctl get` adds the state of an object, from its conditions."""
    scale: tuple[str, str, str] | None = None
    """Paths of the scale subresource: replicas wanted, replicas there, label selector."""
    optional: bool = False
    """Whether an API may lack the kind, which then means that there are no such objects."""


class Resource(BaseModel):
    """An object of any kind. `uid` and `generation` are the store's."""

    model_config = ConfigDict(
        extra="forbid", alias_generator=to_camel, populate_by_name=True, frozen=True, defer_build=True
    )
    INFO: ClassVar[KindInfo]
    STATUS: ClassVar[type[BaseModel] | None] = None
    """What `status` may say; None for kinds that are not ours."""
    PENDING: ClassVar[frozenset[str]] = frozenset()
    """Fields of `spec` that are accepted and have no effect yet, or `EVERYTHING`.

    By their names in documents; those within others by their path (`staticRoutes.bfdId`), lists or not.
    """
    OBSERVED: ClassVar[tuple[str, ...]] = ("uid", "generation")
    """Fields that the store fills, and no document."""

    metadata: Metadata
    uid: str = ""
    generation: int = 1

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def namespace(self) -> str:
        return self.metadata.namespace

    @cached_property
    def ref(self) -> str:
        return object_ref(self.INFO, self.metadata.namespace, self.metadata.name)

    @classmethod
    def parse(cls, document: Mapping[str, Any], *, uid: str = "", generation: int = 1, source: str = "") -> Self:
        """A typed object from a document (`apiVersion`, `kind`, `metadata`, `spec`). Raises InvalidError."""
        metadata = document.get("metadata")
        name = metadata.get("name", "?") if isinstance(metadata, Mapping) else "?"
        namespace = metadata.get("namespace", "") if isinstance(metadata, Mapping) else ""
        ref = object_ref(cls.INFO, plain(namespace or ""), plain(name))
        body = {key: value for key, value in document.items() if key not in ("apiVersion", "kind", "status")}
        if stray := [Problem(ref, key, "no such field", source) for key in ("uid", "generation") if key in document]:
            raise InvalidError(stray)
        body |= {"uid": uid, "generation": generation}
        try:
            parsed = cls._validated(body)
        except ValidationError as error:
            raise InvalidError([_problem(ref, detail, source) for detail in error.errors()]) from None
        problems = [Problem(ref, p.field, p.message, source) for p in parsed._broken()]
        if problems:
            raise InvalidError(problems)
        return parsed

    @classmethod
    def _validated(cls, body: dict[str, Any]) -> Self:
        """A field whose value is null was not given, as for an API server. Few have one, so it is looked for last."""
        try:
            return cls.model_validate(body, by_alias=True, by_name=False)
        except ValidationError as error:
            if all(detail.get("input", "") is not None for detail in error.errors()):
                raise
        return cls.model_validate(_without_null(body), by_alias=True, by_name=False)

    def _broken(self) -> Iterator[Problem]:
        spec = getattr(self, "spec", None)
        if spec is not None:
            for field, message in broken(spec, "spec"):
                yield self.problem(field, message)
        yield from self.rules()

    def rules(self) -> Iterator[Problem]:
        """Rules between fields of this one object that its models' `RULES` cannot tell, or not in enough detail."""
        yield from ()

    def changes(self, old: Resource) -> Iterator[Problem]:
        """What differs from an older version of the same object and may not."""
        ours, theirs = getattr(self, "spec", None), getattr(old, "spec", None)
        if ours is None or theirs is None:
            return
        for field, before, after in changed(ours, theirs, "spec"):
            yield self.problem(field, f"{shown(after)}: {CANNOT_CHANGE} from {shown(before)}")

    def problem(self, field: str, message: str) -> Problem:
        return Problem(self.ref, field, message)

    def spec_document(self) -> dict[str, Any]:
        """`spec` as a document, without what was not given."""
        spec = getattr(self, "spec", None)
        return {} if spec is None else spec.model_dump(by_alias=True, exclude_unset=True, mode="json")


def kubeovn(
    kind: str,
    plural: str,
    *short_names: str,
    namespaced: bool = False,
    columns: tuple[tuple[str, str], ...] = (),
    shows_state: bool = True,
    **more: Any,
) -> KindInfo:
    """How a kind of `kubeovn.io` is called."""
    return KindInfo(GROUP_VERSION, kind, plural, namespaced, short_names, columns, shows_state=shows_state, **more)


def _without_null(value: Any, depth: int = 0) -> Any:
    """Mappings without the keys that have no value. What we define is not as deep as this, nor in lists of lists."""
    if isinstance(value, dict) and depth < 16:
        return {key: _without_null(item, depth + 1) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_null(item, depth + 1) if isinstance(item, dict) else item for item in value]
    return value


def object_ref(info: KindInfo, namespace: str, name: str) -> str:
    """`Subnet/blue`, `Pod/ns1/web`: how an object is called everywhere."""
    return f"{info.kind}/{namespace}/{name}" if info.namespaced else f"{info.kind}/{name}"


def _problem(ref: str, detail: Any, source: str) -> Problem:
    field = ".".join(plain(part) for part in detail["loc"])
    return Problem(ref, field, _message(detail), source)


_SECRETS = ("password",)
"""Fields whose value no message shows."""
_WORDS = {"extra_forbidden": "no such field", "missing": "is required"}


def _message(detail: Any) -> str:
    given, context = detail.get("input"), detail.get("ctx", {})
    if detail["loc"] and detail["loc"][-1] in _SECRETS:
        return str(detail["msg"])
    message = _WORDS.get(detail["type"], str(detail["msg"]))
    match detail["type"]:
        case "value_error":
            message = str(context["error"])
        case "string_pattern_mismatch" if context["pattern"] in PATTERNS:
            message = f"{shown(given)} is not {PATTERNS[context['pattern']]}"
        case "too_long":
            message = f"has {context['actual_length']} items; allowed: at most {context['max_length']}"
        case kind if kind not in _WORDS and not isinstance(given, dict | list | tuple):
            message = f"{shown(given)}: {message}"
    return message
