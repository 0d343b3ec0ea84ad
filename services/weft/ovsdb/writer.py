"""Commits what owners want to one database: compare, send in few fenced transactions, isolate what the server refuses.

A transaction carries many owners. When the server refuses it for good (a constraint), it is compared again and sent in
halves, until the owner that is to blame stands alone; the others are committed. Any other failure is the caller's: it
keeps the owners dirty and comes again, comparing anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from weft.ovsdb.database import Database, Operation
from weft.ovsdb.errors import CommitError
from weft.ovsdb.index import OwnerIndex
from weft.ovsdb.plan import Plan, Planner
from weft.topology.rows import Row

Desired = Mapping[str, Sequence[Row]]


@dataclass(slots=True)
class Outcome:
    """What was committed, in how many transactions, and which owners the server refused, with its words."""

    changes: dict[str, int] = field(default_factory=lambda: {"insert": 0, "update": 0, "delete": 0})
    sizes: list[int] = field(default_factory=list)
    """Rows of each transaction."""
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def transactions(self) -> int:
        return len(self.sizes)

    def add(self, other: Outcome) -> None:
        for op, count in other.changes.items():
            self.changes[op] += count
        self.sizes += other.sizes
        self.refused |= other.refused


class Writer:
    """See the module's text. `fence` gives what a transaction begins with, `explain` looks for why one failed."""

    def __init__(
        self,
        database: Database,
        index: OwnerIndex,
        planner: Planner,
        fence: Callable[[], Awaitable[list[Operation]]],
        explain: Callable[[CommitError], Awaitable[None]],
    ) -> None:
        self.database = database
        self.index = index
        self.planner = planner
        self._fence = fence
        self._explain = explain

    async def plan(self, desired: Desired) -> Plan:
        """What would change; writes nothing."""
        return await self.database.call(lambda replica: self.planner.diff(replica, self.index, desired))

    async def owners(self) -> list[str]:
        """All owners that have rows in the database."""
        return await self.database.call(lambda _: self.index.owners())

    async def apply(self, desired: Desired) -> Outcome:
        """Make it so. Raises CommitError, FencedError, NotConnectedError; then compare again later."""
        outcome = Outcome()
        plan = await self.plan(desired)
        for owners, operations in self.planner.transactions(plan):
            part = plan if len(owners) == len(plan.owners()) else plan.of(owners)
            outcome.add(await self._commit(part, owners, operations, desired))
        return outcome

    async def _commit(self, plan: Plan, owners: list[str], operations: list[Operation], desired: Desired) -> Outcome:
        fence = await self._fence()
        try:
            await self.database.commit([*fence, *operations], then=lambda: self.index.forget(owners))
        except CommitError as error:
            await self._explain(error)
            if error.status != "error":
                raise
            if len(owners) == 1:
                return Outcome(refused={owners[0]: error.detail})
            middle = len(owners) // 2
            outcome = Outcome()
            for half in (owners[:middle], owners[middle:]):
                outcome.add(await self.apply({owner: desired[owner] for owner in half}))
            return outcome
        return Outcome(plan.count(), [len(plan.changes)], {})
