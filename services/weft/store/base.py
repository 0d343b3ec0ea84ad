"""What a store says and what it is told.

A store hands out typed objects as they change, in order, and takes writes in batches. The first changes are its whole
content. Whoever writes gives its fence: a store refuses a writer whose epoch is over.
"""

from __future__ import annotations

import time
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
    at: float = field(default_factory=time.monotonic, compare=False, repr=False)
    """When it was seen, in monotonic seconds."""


@dataclass(frozen=True, slots=True)
class Removed:
    """An object is gone. `seen` is False when nobody saw it go: it is missing after a reconnection."""

    ref: str
    seen: bool = True
    at: float = field(default_factory=time.monotonic, compare=False, repr=False)


ObjectChange = Stored | Removed


class Changes:
    """Changes that nobody has taken yet: of each object only what they come to, so never more than objects.

    An object that was replaced by another one of its name is two changes. Until `follow` nothing is kept: who begins
    reads the whole content first, and a controller that stands by would else gather without end.
    """

    def __init__(self) -> None:
        self._pending: dict[str, list[ObjectChange]] = {}
        self._following = False

    def __len__(self) -> int:
        return len(self._pending)

    def follow(self, following: bool = True) -> None:
        """From now on changes are kept, or none are any more."""
        self._pending.clear()
        self._following = following

    def add(self, change: ObjectChange) -> None:
        if not self._following:
            return
        before = self._pending.get(change.ref, [])
        if isinstance(change, Stored) and before and isinstance(before[0], Removed):
            self._pending[change.ref] = [Removed(change.ref), change]  # it came back, so it was surely gone
        else:
            self._pending[change.ref] = [change]

    def take(self) -> list[ObjectChange]:
        pending, self._pending = self._pending, {}
        return [change for changes in pending.values() for change in changes]


@dataclass(frozen=True, slots=True)
class NetworkHealth:
    """Whether a node's network is there for new pods, and why not, in the words of a condition."""

    available: bool
    reason: str
    message: str


@dataclass(slots=True)
class Writes:
    """A batch, by reference of the object. What is so already is not written.

    `annotations` and `networks` are what Kube-OVN writes on Kubernetes' own objects; a store without such objects has
    no use for them.
    `finalize` are objects that leave: their rows are gone, so their deletion may end.
    """

    create: list[Resource] = field(default_factory=list)
    update: Sequence[Resource] = ()
    """Of these `spec` and labels are ours, and have changed."""
    delete: list[str] = field(default_factory=list)
    statuses: dict[str, Status] = field(default_factory=dict)
    annotations: dict[str, Annotations] = field(default_factory=dict)
    finalize: list[str] = field(default_factory=list)
    networks: dict[str, NetworkHealth] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


class StoreError(Exception):
    """The store did not take a write, or cannot be read now. Retry."""


KUBERNETES, FABRIC = "kubernetes", "fabric"
"""What the fabric's row says of its store (`external_ids:store`), so that none writes where nobody reads."""


class Store(Protocol):
    """See the module's text. `name` is one of the above."""

    name: str

    async def start(self, poke: Callable[[], None]) -> None:
        """Connect. `poke` is called, on the event loop, whenever there is something new."""

    async def close(self) -> None:
        """Let go of connections."""

    async def load(self) -> Sequence[ObjectChange]:
        """The whole content as it is now; what changes later comes by `take_changes`."""

    def take_changes(self) -> list[ObjectChange]:
        """What happened since it was last asked, in order."""

    def rest(self) -> None:
        """Nobody takes changes any more, until the next `load`."""

    def unsynced(self) -> Collection[str]:
        """Kinds of which the content is not known yet."""

    def __contains__(self, ref: object) -> bool:
        """Is there an object of this reference?"""

    def refs(self) -> Collection[str]:
        """References of all objects."""

    async def write(self, writes: Writes, fence: Fence) -> None:
        """Carry out a batch, skipping what is so already. Raises StoreError, CommitError, FencedError."""
