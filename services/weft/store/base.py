"""What a store says and what it is told.

A store hands out typed objects as they change, in order, and takes writes in batches. The first changes are its whole
content. Whoever writes gives its fence: a store refuses a writer whose epoch is over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from weft.api.base import Resource
from weft.api.problem import Problem
from weft.ovsdb.fence import Fence

Status = Mapping[str, Any]
Annotations = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stored:
    """An object was created or changed. `resource` is None when the stored document is invalid: see `problems`."""

    ref: str
    resource: Resource | None
    problems: tuple[Problem, ...] = ()
    leaving: bool = False
    """Its deletion was asked for, and waits for us: until nobody uses it and its rows are gone."""


@dataclass(frozen=True, slots=True)
class Removed:
    """An object is gone. `seen` is False when nobody saw it go: it is missing after a reconnection."""

    ref: str
    seen: bool = True


ObjectChange = Stored | Removed


@dataclass(slots=True)
class Writes:
    """A batch, by reference of the object. What is so already is not written.

    `annotations` are what Kube-OVN writes on Kubernetes' own objects; a store without such objects has no use for them.
    `finalize` are objects that leave: their rows are gone, so their deletion may end.
    """

    create: list[Resource] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)
    statuses: dict[str, Status] = field(default_factory=dict)
    annotations: dict[str, Annotations] = field(default_factory=dict)
    finalize: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.create or self.delete or self.statuses or self.annotations or self.finalize)


class StoreError(Exception):
    """The store did not take a write, or cannot be read now. Retry."""


class Store(Protocol):
    """See the module's text."""

    async def start(self, poke: Callable[[], None]) -> None:
        """Connect. `poke` is called, on the event loop, whenever there is something new."""

    async def close(self) -> None:
        """Let go of connections."""

    async def load(self) -> Sequence[ObjectChange]:
        """The whole content as it is now; what changes later comes by `take_changes`."""

    def take_changes(self) -> list[ObjectChange]:
        """What happened since it was last asked, in order."""

    def __contains__(self, ref: object) -> bool:
        """Is there an object of this reference?"""

    def refs(self) -> Collection[str]:
        """References of all objects."""

    async def write(self, writes: Writes, fence: Fence) -> None:
        """Carry out a batch, skipping what is so already. Raises StoreError, CommitError, FencedError."""
