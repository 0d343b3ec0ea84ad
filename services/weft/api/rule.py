"""Rules in two languages: as Python for every store, and as CEL for an API server.

A rule stands next to the model that it is about, so that neither form can be forgotten:

- `Check`, in a value's type: what one value must be, beyond its JSON type, range and pattern;
- `Rule`, in a model's `RULES`: what the fields of one object must be to each other;
- `FIXED`, in a field's type: what cannot be changed once it was given.

Where CEL cannot say it, or only for more than its cost limit (arithmetic over lists of ranges), `cel` is empty and the
description says "Checked by the controller": such an object is taken by the API server and gets a condition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from weft.api.problem import shown

VALIDATIONS = "x-kubernetes-validations"
CANNOT_CHANGE = "cannot be changed"


@dataclass(frozen=True, slots=True)
class Rule:
    """What must hold of a model. `holds` is None where the kind's own `rules()` say the same in more detail."""

    message: str
    cel: str = ""
    holds: Callable[[Any], bool] | None = None
    field: str = ""
    """The field to blame, by its name in documents."""

    def validation(self) -> dict[str, str]:
        """As a CRD has it."""
        blamed = {"fieldPath": f".{self.field}"} if self.field else {}
        return {"rule": self.cel, "message": self.message, **blamed}


@dataclass(frozen=True, slots=True)
class Check:
    """What must hold of a value: `test` raises ValueError with a text that names the value."""

    test: Callable[[Any], object]
    message: str
    cel: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._tested, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        result = handler(schema)
        result["x-weft-allowed"] = self.message
        if self.cel:
            rule = {"rule": self.cel, "message": f"must be {self.message}"}
            result[VALIDATIONS] = [*result.get(VALIDATIONS, ()), rule]
        return result

    def _tested(self, value: Any) -> Any:
        self.test(value)
        return value


@dataclass(frozen=True, slots=True)
class Fixed:
    """See `FIXED`."""


FIXED = Fixed()
"""Metadata of a field that cannot be changed once it was given."""


def fixed_fields(cls: type[BaseModel]) -> Mapping[str, str]:
    """Attribute -> name in documents, of a model's fields that cannot be changed."""
    return {
        name: field.alias or name
        for name, field in cls.model_fields.items()
        if any(isinstance(item, Fixed) for item in field.metadata)
    }


def fixed_validations(cls: type[BaseModel]) -> Iterator[dict[str, str]]:
    """The same as CEL, on the object that has the fields: so taking one out is a change too."""
    for name in fixed_fields(cls).values():
        cel = f"!has(oldSelf.{name}) || (has(self.{name}) && self.{name} == oldSelf.{name})"
        yield {"rule": cel, "message": CANNOT_CHANGE, "fieldPath": f".{name}"}


def broken(model: BaseModel, path: str) -> Iterator[tuple[str, str]]:
    """(field, message) of each rule that does not hold, in this model and those within it."""
    for rule in getattr(model, "RULES", ()):
        if rule.holds is not None and not rule.holds(model):
            yield f"{path}.{rule.field}" if rule.field else path, _blame(model, rule)
    for name in model.model_fields_set:
        field = type(model).model_fields[name].alias or name
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from broken(value, f"{path}.{field}")
        elif isinstance(value, tuple):
            for position, item in enumerate(value):
                if isinstance(item, BaseModel):
                    yield from broken(item, f"{path}.{field}.{position}")


def _blame(model: BaseModel, rule: Rule) -> str:
    """The rule's message, after the value that it is about, if there is one."""
    names = (name for name, field in type(model).model_fields.items() if (field.alias or name) == rule.field)
    value = getattr(model, next(names, ""), None)
    return f"{shown(value)} {rule.message}" if isinstance(value, str | int) and value != "" else rule.message


def changed(new: BaseModel, old: BaseModel, path: str) -> Iterator[tuple[str, Any, Any]]:
    """(field, before, after) of each field that was given, cannot be changed, and was."""
    fixed = fixed_fields(type(new))
    for name in old.model_fields_set:
        before, after = getattr(old, name), getattr(new, name)
        if name in fixed and before != after:
            yield f"{path}.{fixed[name]}", before, after
        elif isinstance(before, BaseModel) and isinstance(after, BaseModel):
            yield from changed(after, before, f"{path}.{type(new).model_fields[name].alias or name}")
