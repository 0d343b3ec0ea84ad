"""What is wrong with a document, in words that name the object, the field, the value and what is allowed.

The words come from strangers: what is long is cut, what cannot be printed is escaped, so that a message is one line.
"""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from typing import Any

_LONGEST = 120
_REPR = reprlib.Repr()
_REPR.maxlevel = 3


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


def shown(value: Any) -> str:
    """A value as a message quotes it."""
    if isinstance(value, int) and abs(value) >= 1 << 128:
        return f"a number of {value.bit_length()} bits"
    text = repr(value[:_LONGEST]) if isinstance(value, str | bytes) else _REPR.repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def plain(name: Any) -> str:
    """The name of an object or a field as a message has it: as it is, unless that would break the message."""
    text = str(name) if not isinstance(name, int) or abs(name) < 1 << 64 else shown(name)
    return text if len(text) <= 253 and text.isprintable() else shown(text)
