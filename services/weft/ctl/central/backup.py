"""`nb|sb|weft|ic backup`: a copy of a database in a file that was read again before anybody relies on it.

`ovsdb-client backup` asks the leader for all rows and writes a standalone database; `ovsdb-tool` then reads the file as
a server would, and the numbers of rows in the summary are the file's. A file that cannot be read is not left behind.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from weft.ctl.central.databases import Central, remotes
from weft.ctl.errors import CtlError, UnreachableError, UsageError
from weft.ctl.hosts.run import run_here
from weft.ctl.members import find_members
from weft.ctl.session import Session
from weft.ovsdb.database import Tls

TIMEOUT = 300.0


@dataclass(frozen=True, slots=True)
class Backup:
    """A file that holds a database, and what is in it."""

    database: str
    path: Path
    schema: str
    bytes: int
    sha256: str
    rows: dict[str, int]
    """By table, those that have any."""

    def document(self) -> dict[str, Any]:
        return asdict(self)

    def line(self) -> str:
        total = f"{sum(self.rows.values())} rows of {len(self.rows)} tables"
        return f"{self.database}: {self.path}: {total}, schema {self.schema}, {self.bytes} bytes, sha256 {self.sha256}"


async def make_backup(session: Session, database: Central, target: Path) -> Backup:
    """Write a backup to the file `target`, or into that folder. Raises CtlError; nothing is left behind then."""
    path = _path(database, target)
    part = path.with_name(f".{path.name}.part")
    try:
        await asyncio.to_thread(_write, part, await _copy(session, database))
        backup = await read_backup(part, database.name)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return Backup(backup.database, path, backup.schema, backup.bytes, backup.sha256, backup.rows)


async def read_backup(path: Path, database: str) -> Backup:
    """Read a backup as a server would. Raises CtlError when it is none, or another database's."""
    name = await _tool("db-name", str(path))
    if name != database:
        raise CtlError(f"{path}: holds the database {name}, not {database}")
    version = await _tool("db-version", str(path))
    tables = await _tables(path)
    questions = [{"op": "select", "table": table, "where": [], "columns": ["_uuid"]} for table in tables]
    answers = json.loads(await _tool("query", str(path), json.dumps([database, *questions])))
    rows = {table: len(answer["rows"]) for table, answer in zip(tables, answers, strict=True) if answer["rows"]}
    content = await asyncio.to_thread(path.read_bytes)
    return Backup(database, path, version, len(content), hashlib.sha256(content).hexdigest(), rows)


async def _tables(path: Path) -> list[str]:
    """Names of the tables of the schema that the file begins with: its second line (ovsdb(5), "Standalone Format")."""

    def read() -> Any:
        with path.open(encoding="utf-8") as file:
            file.readline()
            return json.loads(file.readline())

    schema = await asyncio.to_thread(read)
    return sorted(schema["tables"])


def _path(database: Central, target: Path) -> Path:
    """Where a backup goes that overwrites nothing."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = target / f"{database.stem}-{now}.backup" if target.is_dir() else target
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent}: is no folder to write a backup to")
    if path.exists():
        raise UsageError(f"{path}: exists already, and a backup overwrites nothing")
    return path


async def _copy(session: Session, database: Central) -> str:
    listed = ",".join(remotes(session.config, database))
    members = await find_members(listed, database.name, session.config.tls)
    if not members:
        raise UnreachableError(*await session.explain(database.name, listed))
    line = ["ovsdb-client", *tls_options(session.config.tls), "--timeout=300", "backup", members[0].remote]
    ran = await run_here([*line, database.name], timeout=TIMEOUT)
    if ran.code:
        raise CtlError(f"database {database.name}: {members[0].remote}: {ran.words}")
    return ran.out


def tls_options(tls: Tls | None) -> list[str]:
    """What OVSDB's own programs take for TLS."""
    if tls is None:
        return []
    return [f"--private-key={tls.private_key}", f"--certificate={tls.certificate}", f"--ca-cert={tls.ca_cert}"]


def _write(path: Path, text: str) -> None:
    """Only its owner may read it, and it is on the disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


async def _tool(verb: str, *words: str) -> str:
    ran = await run_here(["ovsdb-tool", verb, *words], timeout=TIMEOUT)
    if ran.code:
        raise CtlError(f"{words[0]}: cannot be read in again (ovsdb-tool {verb}): {ran.words}")
    return ran.out.strip()
