"""What `why` answers, and from what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from weft.store.fabric import Record


@dataclass(slots=True)
class Answer:
    """`reasons` why it is not ready, and `facts` that are well."""

    ref: str
    reasons: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        return not self.reasons

    def document(self) -> dict[str, Any]:
        return {"object": self.ref, "ready": self.ready, "reasons": self.reasons, "facts": self.facts}

    def lines(self) -> Iterator[str]:
        yield f"{self.ref}: {'ready' if self.ready else 'not ready'}"
        yield from (f"  - {reason}" for reason in self.reasons)
        yield from (f"    {fact}" for fact in self.facts)


@dataclass(slots=True)
class World:
    """What the databases say."""

    fabric: Mapping[str, Any]
    records: Mapping[str, Record]
    hosts: Mapping[str, Mapping[str, Any]]
    ports: Sequence[Mapping[str, Any]]
    """Rows of Weft's `Port`."""
    up: frozenset[str]
    """Names of ports that are bound on their host, by the Northbound."""
