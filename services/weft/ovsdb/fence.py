"""Fencing: a controller that lost its leadership without knowing it cannot write.

The fabric has an epoch, kept in both databases. A leader raises it before its first write; every transaction begins by
waiting (timeout 0) for the epoch that its writer raised, so the server itself refuses a stale writer. The OVSDB lock
only elects: it is per server, and two clients on two members of a cluster may both hold it.

The epoch is raised when there is something to write and not before: a restart that changes nothing writes nothing.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from weft.ovsdb.database import Database, Operation
from weft.ovsdb.errors import CommitError, FencedError
from weft.ovsdb.identity import EPOCH, FABRIC
from weft.ovsdb.plan import encode


class ForeignFabricError(Exception):
    """The Northbound holds the rows of another fabric."""

    def __init__(self, ours: UUID, theirs: str) -> None:
        super().__init__(
            f"the Northbound belongs to the fabric {theirs}, this controller serves {ours}: nothing is written. "
            f"If the other fabric is gone for good, remove {FABRIC} and {EPOCH} from NB_Global external_ids"
        )


class Fence:
    """The epoch of one leader. `raised` is None until its first write."""

    def __init__(self, fabric: UUID, leader: str, weft: Database, northbound: Database) -> None:
        self.fabric = fabric
        self.leader = leader
        self._weft = weft
        self._northbound = northbound
        self.raised: int | None = None
        self._found: int | None = None

    async def check_fabric(self) -> None:
        """Raises ForeignFabricError when the Northbound is not this fabric's (or nobody's yet)."""
        self._found = (await self._weft.call(_weft_epoch))[0]
        theirs = (await self._northbound.call(_northbound_state))[1].get(FABRIC)
        if theirs not in (None, str(self.fabric)):
            raise ForeignFabricError(self.fabric, theirs)

    async def weft_operations(self) -> list[Operation]:
        """What a transaction on the Weft database begins with. Raises the epoch before the first write."""
        if self.raised is None:
            await self._raise()
        return [_wait("Fabric", [["epoch", "==", self.raised]], "epoch")]

    async def northbound_operations(self) -> list[Operation]:
        """The same for the Northbound."""
        if self.raised is None:
            await self._raise()
        mine = encode({EPOCH: str(self.raised), FABRIC: str(self.fabric)})
        return [_wait("NB_Global", [["external_ids", "includes", mine]], "name")]

    async def check(self) -> None:
        """For writes that no database fences: raises FencedError when another leader has taken over."""
        if self.raised is None:
            await self._raise()
        await self._compare(None)

    async def explain(self, error: CommitError) -> None:
        """After a failed transaction: raises FencedError when the reason is that another leader has taken over."""
        await self._compare(error)

    async def look(self) -> None:
        """Raises FencedError when another leader has begun since this one did, also before our first write."""
        epoch, leader = await self._weft.call(_weft_epoch)
        if self.raised is not None:
            await self._compare(None)
        elif self._found is not None and epoch > self._found and leader != self.leader:
            raise FencedError(f"{leader} leads since {self.leader} began: the fabric is at epoch {epoch}")

    async def _compare(self, cause: Exception | None) -> None:
        epoch, _ = await self._weft.call(_weft_epoch)
        held = (await self._northbound.call(_northbound_state))[1].get(EPOCH, "")
        newest = max(epoch, int(held) if held.isdigit() else 0)
        if self.raised is not None and newest > self.raised:
            raise FencedError(f"epoch {self.raised} of {self.leader} is over: the fabric is at {newest}") from cause

    async def _raise(self) -> None:
        epoch, _ = await self._weft.call(_weft_epoch)
        uuid, ids = await self._northbound.call(_northbound_state)
        held = ids.get(EPOCH, "0")
        raised = max(epoch, int(held) if held.isdigit() else 0) + 1
        await self._weft.commit(
            [
                _wait("Fabric", [["epoch", "==", epoch]], "epoch"),
                {"op": "update", "table": "Fabric", "where": [], "row": {"epoch": raised, "leader": self.leader}},
            ]
        )
        ours = {EPOCH: str(raised), FABRIC: str(self.fabric)}
        if uuid is None:
            insert = {"op": "insert", "table": "NB_Global", "row": {"external_ids": encode(ours)}}
            await self._northbound.commit([insert])
        else:
            await self._northbound.commit(
                [
                    {
                        "op": "wait",
                        "timeout": 0,
                        "table": "NB_Global",
                        "where": [["_uuid", "==", ["uuid", str(uuid)]]],
                        "columns": ["external_ids"],
                        "until": "==",
                        "rows": [{"external_ids": encode(ids)}],
                    },
                    {
                        "op": "mutate",
                        "table": "NB_Global",
                        "where": [],
                        "mutations": [
                            ["external_ids", "delete", ["set", list(ours)]],
                            ["external_ids", "insert", encode(ours)],
                        ],
                    },
                ]
            )
        self.raised = raised


def _wait(table: str, where: list[Any], column: str) -> Operation:
    """Abort unless a row of the table matches."""
    return {"op": "wait", "timeout": 0, "table": table, "where": where, "columns": [column], "until": "!=", "rows": []}


def _weft_epoch(replica: Any) -> tuple[int, str]:
    """The epoch, and who raised it."""
    return next(((int(row.epoch), str(row.leader)) for row in replica.tables["Fabric"].rows.values()), (0, ""))


def _northbound_state(replica: Any) -> tuple[UUID | None, dict[str, str]]:
    for row in replica.tables["NB_Global"].rows.values():
        return row.uuid, dict(row.external_ids)
    return None, {}
