"""What a store says and what it is told.

A store hands out typed objects as they change, in order, and takes writes in batches. The first changes are its whole
content. Whoever writes for the fabric gives the operations of a fence that the store carries out with each write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from weft.api.base import Resource
from weft.api.problem import Problem

Status = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """An object was created or changed. `resource` is None when the stored document is invalid: see `problems`."""

    ref: str
    resource: Resource | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Removed:
    """An object is gone. `seen` is False when nobody saw it go: it is missing after a reconnection."""

    ref: str
    seen: bool = True


ObjectChange = Stored | Removed


@dataclass(slots=True)
class Writes:
    """A batch: objects to create, references to delete, and statuses to set (left alone where nothing changed)."""

    create: list[Resource] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)
    statuses: dict[str, Status] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.create or self.delete or self.statuses)


class Store(Protocol):
    """See the module's text."""

    async def load(self) -> Sequence[ObjectChange]:
        """The whole content, and from now on changes are handed on."""

    async def write(self, writes: Writes) -> int:
        """Carry out a batch, skipping what is so already; how many objects were really written."""
