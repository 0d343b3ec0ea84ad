"""Connections for one command, and words for why there is none."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from weft.ctl.config import DEFAULT_PATH, VARIABLE, Config
from weft.ctl.errors import CtlError, UnreachableError, UsageError
from weft.ctl.members import Member, ask_members, find_members
from weft.ovsdb import columns
from weft.ovsdb.database import Database, Observer, RowChange, row_to_dict
from weft.ovsdb.errors import NotConnectedError
from weft.service import ConfigError, load_config
from weft.store.base import KUBERNETES
from weft.store.fabric import Record, to_record

CONNECT_TIMEOUT = 10.0
Changes = Callable[[list[RowChange]], None]


def read_config(path: str | None) -> Config:
    """The configuration at `path`, else where the environment says, else at its usual place."""
    try:
        return load_config(path or os.environ.get(VARIABLE) or DEFAULT_PATH, Config)
    except ConfigError as error:
        raise UsageError(str(error)) from None


class Session:
    """What a command works with: the configuration, and databases that are opened as they are needed."""

    def __init__(self, config: Config, timeout: float = CONNECT_TIMEOUT) -> None:
        self.config = config
        self.timeout = timeout

    @contextlib.asynccontextmanager
    async def weft(
        self,
        tables: Iterable[str] = ("Object", "Host_Status", "Fabric"),
        *,
        conditions: Mapping[str, list[Any]] | None = None,
        on_change: Changes | None = None,
        observer: Observer | None = None,
        any_member: bool = False,
    ) -> AsyncIterator[Database]:
        """The Weft database. A follower may lag behind, so what is read comes from the leader unless `any_member`."""
        database = Database(
            "Weft",
            await self._usable("Weft", self.config.weft.remote, any_member=any_member, one=on_change is None),
            dict.fromkeys(tables),
            tls=self.config.tls,
            leader_only=not any_member,
            conditions=conditions,
            on_change=on_change,
            observer=observer,
        )
        async with self._opened(database):
            yield database

    @contextlib.asynccontextmanager
    async def northbound(self, observer: Observer) -> AsyncIterator[Database]:
        """The Northbound, as far as the fabric writes it."""
        database = Database(
            "OVN_Northbound",
            await self._usable("OVN_Northbound", self.config.northbound.remote),
            {**{table: tuple(names) for table, names in columns.NORTHBOUND.items()}, "NB_Global": ("external_ids",)},
            tls=self.config.tls,
            leader_only=True,
            observer=observer,
        )
        async with self._opened(database):
            yield database

    async def _usable(self, name: str, remotes: str, *, any_member: bool = False, one: bool = True) -> str:
        """The remotes to connect to: the leader's, and for who stays longer than a moment (not `one`) all."""
        deadline = time.monotonic() + self.timeout
        while not (members := await find_members(remotes, name, self.config.tls, any_member=any_member)):
            if any_member or time.monotonic() >= deadline:
                raise UnreachableError(*await self.explain(name, remotes))
            await asyncio.sleep(0.2)  # an election may be on; nobody would tell us of its end
        return members[0].remote if one else remotes

    async def explain(self, name: str, remotes: str) -> list[str]:
        members = await ask_members(remotes, name, self.config.tls)
        return list(_unreachable(name, members, self.timeout))

    @contextlib.asynccontextmanager
    async def _opened(self, database: Database) -> AsyncIterator[None]:
        try:
            await database.start(self.timeout)
        except NotConnectedError:
            raise UnreachableError(*await self.explain(database.schema_name, database.remote)) from None
        try:
            yield
        finally:
            await database.close()


def _unreachable(name: str, members: list[Member], timeout: float) -> Iterable[str]:
    yield f"database {name}: no usable member within {timeout:g} s; tried:"
    for member in members:
        if member.problem:
            yield f"  {member.remote}: {member.problem}"
        elif member.connected:
            yield f"  {member.remote}: answers, {member.role}"
        else:
            yield f"  {member.remote}: answers, but has lost its cluster (no quorum)"


async def read_records(weft: Database) -> dict[str, Record]:
    """All objects of the replica, by reference."""
    rows = await weft.call(lambda idl: [(row.uuid, row_to_dict(row)) for row in idl.tables["Object"].rows.values()])
    records = [to_record(uuid, row) for uuid, row in rows]
    return {record.ref: record for record in records}


async def read_rows(weft: Database, table: str) -> list[dict[str, Any]]:
    """All rows of a table of the replica."""
    return await weft.call(lambda idl: [row_to_dict(row) for row in idl.tables[table].rows.values()])


async def read_fabric(weft: Database) -> dict[str, Any]:
    """The fabric's own row. Raises CtlError when the database was never bootstrapped."""
    rows = await read_rows(weft, "Fabric")
    if not rows:
        raise CtlError(f"database Weft at {weft.remote} has no Fabric row: the role ovn_central makes it")
    return rows[0]


async def check_store(weft: Database) -> None:
    """Raises CtlError when what is written here nobody would read."""
    if (await read_fabric(weft))["external_ids"].get("store") == KUBERNETES:
        raise CtlError("this fabric has its objects from a Kubernetes API: write them with kubectl")


async def fabric_uid(weft: Database) -> UUID:
    """What names the rows of this fabric."""
    return UUID((await read_fabric(weft))["uid"])
