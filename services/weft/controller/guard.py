"""Half a view deletes nothing: what is known to be gone only because it is not there.

After a start, or after a connection came back, an object is missing either because somebody deleted it meanwhile or
because the view is not whole (a store that was restored from an old copy, a list cut short). Few may go; when it is
more than max(50, 5 %) of a kind, all of that kind stay until an operator has looked: `weftctl approve DIGEST`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

FEW = 50
SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Hold:
    """Owners of one kind whose deletion waits for `weftctl approve`."""

    kind: str
    owners: frozenset[str]
    known: int

    @property
    def digest(self) -> str:
        """Short name of just this set: an approval cannot approve another one."""
        return hashlib.sha256("\n".join(sorted(self.owners)).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        some = ", ".join(sorted(self.owners)[:3])
        return (
            f"{len(self.owners)} of {self.known} {self.kind} objects that have rows are missing from the store "
            f"({some} …); nothing of them is deleted until: weftctl approve {self.digest}"
        )


def kind_of(owner: str) -> str:
    """`Pod` of `Pod/ns1/web`."""
    return owner.partition("/")[0]


def sort_out(absent: Iterable[str], known: Collection[str]) -> tuple[list[str], dict[str, Hold]]:
    """`absent` owners that may go, and by kind those that are held. `known` is all that have rows."""
    totals = Counter(map(kind_of, known))
    by_kind: dict[str, list[str]] = {}
    for owner in absent:
        by_kind.setdefault(kind_of(owner), []).append(owner)
    free: list[str] = []
    held: dict[str, Hold] = {}
    for kind, owners in by_kind.items():
        if len(owners) > max(FEW, SHARE * totals[kind]):
            held[kind] = Hold(kind, frozenset(owners), totals[kind])
        else:
            free.extend(owners)
    return free, held
