"""A fabric of databases only: Northbound, Southbound, northd and Weft from a sandbox, and a real controller here.

What hosts would do is left out; ovn-trace says what their packets would do. Documents are applied as weftctl does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID, uuid4

from tests.support.ovn import OvnSandbox, schema
from tests.support.raft import RaftCluster
from weft.api.documents import load_documents
from weft.controller.config import Config, Kubernetes
from weft.controller.main import Controller
from weft.ovsdb.database import Database, Operation, row_to_dict
from weft.ovsdb.errors import CommitError, NotConnectedError
from weft.service import Remote
from weft.store.fabric import (
    Record,
    changed_columns,
    delete_operation,
    insert_operation,
    resource_row,
    to_record,
    update_operation,
)

CONTENT = ("Logical_Switch", "Logical_Switch_Port", "Logical_Router", "Logical_Router_Port")


class Fabric:
    """See the module's text. `client` is a connection of the test's own to the Weft database."""

    def __init__(self, ovn: OvnSandbox, uid: UUID, cluster: RaftCluster | None = None) -> None:
        self.ovn = ovn
        self.uid = uid
        self.cluster = cluster
        """The Northbound's members, when it is clustered."""
        self.kubeconfig = ""
        """When it is set, controllers have their objects from that Kubernetes API."""
        self.client: Database
        self.northbound: Database

    async def connect(self) -> None:
        tables = ("Object", "Fabric", "Host", "Subnet", "Nat_Rule", "Port", "Host_Status")
        self.client = Database("Weft", self.ovn.weft, dict.fromkeys(tables))
        tables = (*CONTENT, "NB_Global")
        self.northbound = Database("OVN_Northbound", self.ovn.northbound, dict.fromkeys(tables), leader_only=True)
        await self.client.start(60)
        await self.northbound.start(60)

    async def disconnect(self) -> None:
        await self.client.close()
        await self.northbound.close()

    def config(self, name: str = "c1") -> Config:
        kubernetes = Kubernetes(self.kubeconfig) if self.kubeconfig else None
        return Config(name, Remote(self.ovn.weft), Remote(self.ovn.northbound), kubernetes)

    @contextlib.asynccontextmanager
    async def controller(self, name: str = "c1", *, settled: bool = True) -> AsyncIterator[Controller]:
        """A running controller; with `settled`, one that leads and has nothing left to do."""
        controller = Controller(self.config(name))
        task = asyncio.ensure_future(controller.serve())
        try:
            if settled:
                waiting = asyncio.ensure_future(self.settled(controller))
                await asyncio.wait((waiting, task), return_when=asyncio.FIRST_COMPLETED)
                if task.done():
                    waiting.cancel()
                    task.result()
                await waiting
            yield controller
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def settled(self, controller: Controller, timeout: float = 30) -> None:
        """Until it leads, has seen all that was written before this call, and has nothing left to do."""
        mark = ["map", [["seen", uuid4().hex]]]
        change = [["external_ids", "delete", ["set", ["seen"]]], ["external_ids", "insert", mark]]
        await self.client.commit([{"op": "mutate", "table": "Fabric", "where": [], "mutations": change}])
        async with asyncio.timeout(timeout):
            while not (
                controller.term and controller.weft.connected and await _has_seen(controller.weft, mark[1][0][1])
            ):
                await asyncio.sleep(0.01)
            await controller.term.settled.wait()

    async def apply(self, text: str) -> list[str]:
        """Store these documents; the texts of those that are broken come back."""
        loaded = load_documents(text, "test.yml")
        records = await self.records()
        operations: list[Operation] = []
        for document in loaded.documents:
            record = records.get(document.resource.ref)
            if record is None:
                operations.append(insert_operation(resource_row(document.resource)))
            elif columns := changed_columns(record, document.resource):
                operations.append(update_operation(record, columns))
        if operations:
            await self.client.commit(operations)
        return [str(problem) for problem in loaded.problems]

    async def delete(self, *refs: str) -> None:
        records = await self.records()
        await self.client.commit([delete_operation(records[ref]) for ref in refs])

    async def records(self) -> dict[str, Record]:
        rows = await self.client.call(
            lambda idl: [(row.uuid, row_to_dict(row)) for row in idl.tables["Object"].rows.values()]
        )
        records = [to_record(uuid, row) for uuid, row in rows]
        return {record.ref: record for record in records}

    async def status(self, ref: str) -> dict[str, Any]:
        record = (await self.records())[ref]
        return dict(json.loads(record.status)) if record.status else {}

    async def add_host(self, name: str, **columns: Any) -> None:
        """What a host's agent writes of itself."""
        row = {"name": name, "hostname": name, "ready": True, **columns}
        await self.client.commit([{"op": "insert", "table": "Host_Status", "row": row}])

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table of either database, as they are now."""
        database = self.northbound if table in (*CONTENT, "NB_Global") else self.client
        await _up_to_date(database)
        return await database.call(
            lambda idl: [{"_uuid": row.uuid, **row_to_dict(row)} for row in idl.tables[table].rows.values()]
        )

    async def fabric_row(self) -> Mapping[str, Any]:
        return (await self.rows("Fabric"))[0]

    async def content(self) -> dict[str, Any]:
        """All that a controller writes, by table: to be compared before and after."""
        tables = (*CONTENT, "NB_Global", "Host", "Subnet", "Nat_Rule", "Port", "Object", "Fabric")
        return {
            table: sorted(json.dumps({**row, "external_ids": _ours(row)}, default=str, sort_keys=True) for row in rows)
            for table in tables
            for rows in [await self.rows(table)]
        }


def _ours(row: Mapping[str, Any]) -> dict[str, str]:
    """external_ids without the mark of `settled`."""
    return {key: value for key, value in row.get("external_ids", {}).items() if key != "seen"}


async def _up_to_date(database: Database, timeout: float = 30) -> None:
    """Until this replica holds all that was committed before; a server that was killed may be back for others first."""
    async with asyncio.timeout(timeout):
        while not await _reached(database):
            await asyncio.sleep(0.05)


async def _reached(database: Database) -> bool:
    try:
        await database.commit([{"op": "comment", "comment": "what came before this is known"}])
    except (NotConnectedError, CommitError):
        return False
    return True


async def _has_seen(database: Database, mark: str) -> bool:
    rows = await database.call(lambda idl: [dict(row.external_ids) for row in idl.tables["Fabric"].rows.values()])
    return rows[0].get("seen") == mark


@contextlib.asynccontextmanager
async def fabric(*, northd: bool = True, members: int = 1) -> AsyncIterator[Fabric]:
    """`members` of the Northbound: with more than one it is clustered."""
    with OvnSandbox() as ovn:
        cluster = RaftCluster.start(ovn, "OVN_Northbound", schema("ovn-nb"), members) if members > 1 else None
        if cluster is None:
            ovn.start_northbound()
        else:
            ovn.northbound_cluster = cluster.remote
        ovn.start_weft()
        if northd:
            ovn.start_southbound()
            ovn.start_northd()
        uid = uuid4()
        ovn.transact(ovn.weft, json.dumps(["Weft", {"op": "insert", "table": "Fabric", "row": {"uid": str(uid)}}]))
        made = Fabric(ovn, uid, cluster)
        await made.connect()
        try:
            yield made
        finally:
            await made.disconnect()
