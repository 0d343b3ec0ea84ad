"""A reference page of each kind, in Markdown, and the list of them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from weft.api.base import EVERYTHING, Resource
from weft.api.fields import PATTERNS
from weft.api.generate.crd import GROUP, VERSION, spec_of
from weft.api.generate.schema import ALLOWED, Schema, description, structural
from weft.api.rule import VALIDATIONS


def page(cls: type[Resource], example: str) -> str:
    """The page of a kind."""
    info = cls.INFO
    spec = structural(spec_of(cls), words=True)
    status = structural(cls.STATUS) if cls.STATUS is not None else {}
    return "\n".join(
        (
            f"# {info.kind}",
            "",
            *description(cls).splitlines(),
            "",
            *_facts(cls),
            "",
            "```yaml",
            example.strip(),
            "```",
            "",
            "## spec",
            "",
            *_table(("Field", "Type", "Default", "Allowed", "Meaning", "In effect"), _spec_rows(cls, spec)),
            *_rules(spec),
            "",
            "## status",
            "",
            *_table(("Field", "Type", "Meaning"), ((n, t, node["description"]) for n, t, node, _ in _fields(status))),
            "",
        )
    )


def index(kinds: Sequence[type[Resource]]) -> str:
    """The list of all pages."""
    rows = (
        (f"[{cls.INFO.kind}]({cls.INFO.kind.lower()}.md)", _codes(cls.INFO.short_names), description(cls), _effect(cls))
        for cls in kinds
    )
    return "\n".join(
        (
            f"# Kinds of `{GROUP}/{VERSION}`",
            "",
            "Fields, types, limits and rules of each kind. What has no effect yet is accepted, and the condition",
            "`Supported` of the object names it. An API server with the CRDs of the role `crds` refuses what these",
            "pages do not allow; rules that are checked by the controller show in the condition `Ready`.",
            "",
            *_table(("Kind", "Short names", "What it is", "In effect"), rows),
            "",
        )
    )


def _effect(cls: type[Resource]) -> str:
    if cls.PENDING == EVERYTHING:
        return "not yet"
    return "partly" if cls.PENDING else "yes"


def _facts(cls: type[Resource]) -> Iterator[str]:
    info = cls.INFO
    scope = "In a namespace" if info.namespaced else "Without a namespace"
    short = f", short {_codes(info.short_names)}" if info.short_names else ""
    yield f"`{GROUP}/{VERSION}`, `{info.plural}`{short}. {scope}."
    if cls.PENDING == EVERYTHING:
        yield ""
        yield "**Accepted, without effect in this version**: objects are checked and kept, and their condition says so."


def _codes(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _fields(schema: Schema, prefix: str = "") -> Iterator[tuple[str, str, Schema, bool]]:
    """(path, type, schema, required) of each field and of those within it."""
    for name, node in schema.get("properties", {}).items():
        inner, path = node, f"{prefix}{name}"
        kind = _type(node)
        while inner.get("type") == "array":
            inner, path = inner["items"], f"{path}[]"
        yield path, kind, node, name in schema.get("required", ())
        yield from _fields(inner, f"{path}.")


def _type(node: Schema) -> str:
    match node:
        case {"x-kubernetes-int-or-string": True}:
            return "integer or string"
        case {"type": "array", "items": items}:
            return f"list of {_type(items)}"
        case {"type": "object", "additionalProperties": values}:
            return f"map to {_type(values)}"
    return str(node["type"])


def _spec_rows(cls: type[Resource], spec: Schema) -> Iterator[tuple[str, ...]]:
    pending = cls.PENDING
    for path, kind, node, required in _fields(spec):
        parts = path.replace("[]", "").split(".")
        ways = {".".join(parts[: depth + 1]) for depth in range(len(parts))}
        default = "**required**" if required else _code(node.get("default"))
        effect = "no" if pending == EVERYTHING or ways & pending else "yes"
        yield f"`{path}`", kind, default, _allowed(node), node.get("description", ""), effect


def _code(value: Any) -> str:
    if not value or isinstance(value, dict | list):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _allowed(node: Schema) -> str:
    """What a value may be beyond its type, in words."""
    items = node["items"] if node.get("type") == "array" else node
    parts = list(_value_words(items))
    if (most := node.get("maxItems")) is not None:
        parts.append(f"at most {most} items")
    return "; ".join(parts)


def _value_words(node: Schema) -> Iterator[str]:
    if "enum" in node:
        yield ", ".join(f"`{value}`" if value else "empty" for value in node["enum"])
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None or high is not None:
        yield f"{low} to {high}"
    if ALLOWED in node:
        yield node[ALLOWED]
    elif (pattern := node.get("pattern")) is not None:
        yield PATTERNS.get(pattern, f"`{pattern}`")
    elif (longest := node.get("maxLength")) is not None:
        yield f"at most {longest} characters"


def _rules(spec: Schema) -> Iterator[str]:
    """Rules of models: those of single values are in the table."""
    found = list(dict.fromkeys(_found_rules(spec, "spec")))
    if found:
        yield from ("", "Rules:", "", *(f"- `{path}` {message}." for path, message in found))


def _found_rules(node: Schema, path: str) -> Iterator[tuple[str, str]]:
    if "properties" in node:
        for rule in node.get(VALIDATIONS, ()):
            yield f"{path}{rule.get('fieldPath', '')}", _rule_words(rule)
        for name, value in node["properties"].items():
            yield from _found_rules(value, f"{path}.{name}")
    elif "items" in node:
        yield from _found_rules(node["items"], f"{path}[]")


def _rule_words(rule: Mapping[str, str]) -> str:
    return (
        f"is refused when it {rule['message']}"
        if rule["message"].startswith(("is ", "has ", "does "))
        else rule["message"]
    )


def _table(heads: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |".replace("|  |", "| |") for line in lines
    ]
