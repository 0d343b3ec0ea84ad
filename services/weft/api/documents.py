"""From a text of YAML documents to typed objects, each on its own.

One broken document does not spoil the others: the text is cut at document markers before anything is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from weft.api.base import Resource, object_ref
from weft.api.kinds import KINDS
from weft.api.problem import InvalidError, Problem, plain, shown

_MARKER = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """A document that is a valid object of a kind. `source` is `file:line`."""

    raw: Mapping[str, Any]
    resource: Resource
    source: str


@dataclass(slots=True)
class Loaded:
    """What a text held: valid documents, and all that is wrong with the others."""

    documents: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


Kinds = Mapping[str, type[Resource]]


def load_documents(text: str, source: str, kinds: Kinds = KINDS) -> Loaded:
    """All documents of a text, `List`s unfolded; what is wrong with any is in `problems`."""
    loaded = Loaded()
    for part, line in _parts(text):
        where = f"{source}:{line}"
        try:
            value = yaml.load(part, Loader=_Loader)  # noqa: S506 - one of the safe loaders
        except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: an impossible date
            loaded.problems.append(Problem("", "", _yaml_message(error), _mark(source, line, error)))
            continue
        for raw in _unfold(value):
            try:
                loaded.documents.append(Document(raw, parse_document(raw, where, kinds), where))
            except InvalidError as error:
                loaded.problems.extend(error.problems)
    return loaded


def parse_document(raw: Any, source: str = "", kinds: Kinds = KINDS, *, uid: str = "", generation: int = 1) -> Resource:
    """A typed object of the document's kind. Raises InvalidError."""
    if not isinstance(raw, Mapping):
        raise InvalidError([Problem("", "", f"a document is a mapping, not {type(raw).__name__}", source)])
    kind, version = raw.get("kind"), raw.get("apiVersion")
    cls = kinds.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise InvalidError([Problem("", "kind", f"{shown(kind)} is not known; allowed: {', '.join(kinds)}", source)])
    if version != cls.INFO.api_version:
        message = f"{shown(version)} is not served; allowed: {cls.INFO.api_version}"
        raise InvalidError([Problem(str(kind), "apiVersion", message, source)])
    return _namespaced(cls, raw, source, uid, generation)


def _namespaced(cls: type[Resource], raw: Mapping[str, Any], source: str, uid: str, generation: int) -> Resource:
    metadata = raw.get("metadata")
    if cls.INFO.namespaced and isinstance(metadata, Mapping) and not metadata.get("namespace"):
        raw = {**raw, "metadata": {**metadata, "namespace": "default"}}
    resource = cls.parse(raw, uid=uid, generation=generation, source=source)
    if not cls.INFO.namespaced and resource.namespace:
        ref = object_ref(cls.INFO, "", resource.name)
        raise InvalidError([Problem(ref, "metadata.namespace", f"{cls.INFO.kind} is not namespaced", source)])
    return resource


def _parts(text: str) -> Iterator[tuple[str, int]]:
    """The texts between document markers and the line on which each begins; empty ones left out."""
    start, line = 0, 1
    for marker in [*_MARKER.finditer(text), None]:
        part = text[start : marker.start() if marker else len(text)]
        if any(not _is_blank(row) for row in part.splitlines()):
            body = part.lstrip("\r\n")
            yield body, line + part.count("\n", 0, len(part) - len(body))
        if marker:
            start = marker.end()
            line = text.count("\n", 0, start) + 1


def _is_blank(row: str) -> bool:
    return not row.strip() or row.lstrip().startswith("#")


def _unfold(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping) and value.get("kind") == "List" and isinstance(value.get("items"), list):
        yield from value["items"]
    else:
        yield value


def _yaml_message(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return f"not YAML: {plain(getattr(error, 'problem', None) or ' '.join(str(error).split()))}"


def _mark(source: str, line: int, error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"{source}:{line if mark is None else line + mark.line}"
