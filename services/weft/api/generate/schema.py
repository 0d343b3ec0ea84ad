"""From a pydantic model to a structural schema, as apiextensions.k8s.io/v1 wants it.

pydantic's own JSON schema says nearly all of it. What differs: a structural schema has no references and no unions,
says nothing of absent values, knows unknown fields as something to be pruned (not forbidden), and has rules as CEL.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from weft.api.rule import VALIDATIONS, fixed_validations

Schema = dict[str, Any]

_DROPPED = frozenset({"$defs", "additionalProperties", "anyOf", "const", "default", "title"})
_INT_OR_STRING = "x-kubernetes-int-or-string"
ALLOWED = "x-weft-allowed"
"""What a `Check` allows, in words: for pages, not for CRDs."""
STORED = "x-weft-stored"


def structural(model: type[BaseModel], *, words: bool = False) -> Schema:
    """The schema of a model. With `words`, also what only pages show: all defaults, and what checks allow."""
    whole = model.model_json_schema(by_alias=True)
    return _Converter(whole.get("$defs", {}), dict(_models(model)), words).convert(whole, model.__name__)


def description(model: type[BaseModel]) -> str:
    """The text of a model's docstring, a paragraph a line."""
    return inspect.cleandoc(model.__doc__ or "").replace("\n\n", "\0").replace("\n", " ").replace("\0", "\n")


def _models(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """All models that a model is made of, by the names that pydantic gives them."""
    yield model.__name__, model
    for field in model.model_fields.values():
        for part in _classes(field.annotation):
            yield from _models(part)


def _classes(annotation: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _classes(argument)


class _Converter:
    """Carries the definitions while it descends."""

    def __init__(self, definitions: Mapping[str, Schema], models: Mapping[str, type[BaseModel]], words: bool) -> None:
        self._definitions = definitions
        self._models = models
        self._words = words

    def convert(self, node: Schema, model: str = "") -> Schema:
        node, name = self._resolved(node)
        model = model or name
        result = {key: value for key, value in node.items() if key not in _DROPPED and self._is_kept(key)}
        if "const" in node:
            result["enum"] = [node["const"]]
        if node.get("default") is not None and (self._words or node.get(STORED)):
            result["default"] = node["default"]
        if node.get(_INT_OR_STRING):
            result["anyOf"] = [{"type": "integer"}, {"type": "string"}]
            result.pop("type", None)
        if "properties" in node:
            result["properties"] = {key: self.convert(value) for key, value in node["properties"].items()}
        elif isinstance(node.get("items"), dict):
            result["items"] = self.convert(node["items"])
        elif node.get("type") == "object":
            result |= self._map(node)
        if model:
            self._add_rules(result, self._models[model])
        return result

    def _is_kept(self, key: str) -> bool:
        return self._words or not key.startswith("x-weft-")

    def _map(self, node: Schema) -> Schema:
        """An object with any keys. Where any values too, it is something that Kubernetes defines (`Opaque`)."""
        values = node.get("additionalProperties")
        if not isinstance(values, dict) or "$ref" in values or not values:
            return {"x-kubernetes-preserve-unknown-fields": True}
        return {"additionalProperties": self.convert(values)}

    def _resolved(self, node: Schema) -> tuple[Schema, str]:
        """The node itself, where it is a reference or a value that may be absent. The field's words win."""
        outer = {key: value for key, value in node.items() if key not in ("$ref", "anyOf", "propertyNames")}
        if "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            return {**self._definitions[name], **outer}, name
        parts = [part for part in node.get("anyOf", ()) if part.get("type") != "null"]
        if len(parts) == 1:
            inner, name = self._resolved(parts[0])
            return {**inner, **outer}, name
        if parts and not any(_INT_OR_STRING in part for part in (node, *parts)):
            raise TypeError(f"a structural schema has no unions: {node}")
        return outer, ""

    @staticmethod
    def _add_rules(result: Schema, model: type[BaseModel]) -> None:
        rules = [rule.validation() for rule in getattr(model, "RULES", ()) if rule.cel]
        rules += fixed_validations(model)
        if rules:
            result[VALIDATIONS] = [*result.get(VALIDATIONS, ()), *rules]
