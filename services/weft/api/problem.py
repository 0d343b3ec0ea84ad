"""What is wrong with a document, in words that name the object, the field, the value and what is allowed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `object` is like `Subnet/blue` or `Pod/ns1/web`, `field` like `spec.gateway`."""

    object: str
    field: str
    message: str
    source: str = ""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.object, self.field, self.message) if part)


class InvalidError(Exception):
    """A document or object was refused; `problems` says all that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems
