"""What each member of a database cluster says of itself: the table `Database` of its `_Server` database.

Asked over connections of our own, one a remote, all at once and each with a deadline: a member that is down or hangs
must not keep the others from being seen (ovsdb-server(5), section "The _Server database").
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from weft.ovsdb.database import Tls

DEADLINE = 2.0
_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """One remote. `problem` is empty when it answered; then the rest is what it said."""

    remote: str
    problem: str = ""
    model: str = ""
    connected: bool = False
    leader: bool = False
    index: int = 0
    behind: int = 0

    @property
    def role(self) -> str:
        if self.problem:
            return ""
        if self.model != "clustered":
            return self.model
        return "leader" if self.leader else "follower"


async def ask_members(remotes: str, database: str, tls: Tls | None, deadline: float = DEADLINE) -> list[Member]:
    """Every member of a comma-separated list of remotes, in its order."""
    members = await asyncio.gather(*(_ask(remote.strip(), database, tls, deadline) for remote in remotes.split(",")))
    newest = max((member.index for member in members), default=0)
    return [_with_lag(member, newest) for member in members]


async def find_members(remotes: str, database: str, tls: Tls | None, *, any_member: bool = False) -> list[Member]:
    """Members worth connecting to: the leader first, then those that answered by then; without a leader none.

    A member that hangs costs no time when the leader answers. With `any_member`, a leader is not needed.
    """
    asking = [asyncio.ensure_future(_ask(remote.strip(), database, tls, DEADLINE)) for remote in remotes.split(",")]
    found: list[Member] = []
    for answer in asyncio.as_completed(asking):
        member = await answer
        if not member.problem and member.connected:
            found.insert(0 if _leads(member) else len(found), member)
        if found and (any_member or _leads(found[0])):
            break
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    return found if any_member or (found and _leads(found[0])) else []


def _leads(member: Member) -> bool:
    return member.leader or member.model != "clustered"


def _with_lag(member: Member, newest: int) -> Member:
    if member.problem:
        return member
    return Member(
        member.remote, "", member.model, member.connected, member.leader, member.index, max(newest - member.index, 0)
    )


async def _ask(remote: str, database: str, tls: Tls | None, deadline: float) -> Member:
    where = [["name", "==", database]]
    columns = ["model", "connected", "leader", "index"]
    select = {"op": "select", "table": "Database", "where": where, "columns": columns}
    try:
        async with asyncio.timeout(deadline):
            reply = await transact(remote, ["_Server", select], tls)
    except TimeoutError:
        return Member(remote, f"no answer within {deadline:g} s")
    except (OSError, ValueError) as error:
        return Member(remote, _reason(error))
    return _member(remote, database, reply)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__


def _member(remote: str, database: str, reply: Any) -> Member:
    result = reply.get("result") or []
    rows = result[0].get("rows", []) if result and isinstance(result[0], dict) else []
    if not rows:
        return Member(remote, f"serves no database {database}")
    row = rows[0]
    index = row["index"] if isinstance(row["index"], int) else 0
    return Member(remote, "", row["model"], row["connected"], row["leader"], index)


async def transact(remote: str, parameters: Sequence[Any], tls: Tls | None, limit: int = _LIMIT) -> Any:
    """One JSON-RPC request `transact` over a connection of its own, and its whole answer of at most `limit` bytes."""
    reader, writer = await _connect(remote, tls)
    try:
        writer.write(json.dumps({"method": "transact", "params": parameters, "id": 1}).encode())
        return await _read_reply(reader, limit)
    finally:
        writer.close()


async def _connect(remote: str, tls: Tls | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    kind, _, rest = remote.partition(":")
    if kind == "unix":
        return await asyncio.open_unix_connection(rest)
    host, _, port = rest.rpartition(":")
    if kind not in ("tcp", "ssl") or not port.isdigit():
        raise ValueError(f"{remote!r} is not a remote; allowed: unix:PATH, tcp:ADDRESS:PORT, ssl:ADDRESS:PORT")
    return await asyncio.open_connection(host.strip("[]"), int(port), ssl=_context(tls) if kind == "ssl" else None)


def _context(tls: Tls | None) -> ssl.SSLContext:
    if tls is None:
        raise ValueError("the configuration has no section [tls]")
    context = ssl.create_default_context(cafile=tls.ca_cert)
    context.check_hostname = False  # as OVSDB's own clients: any server that our CA vouches for
    context.load_cert_chain(tls.certificate, tls.private_key)
    return context


async def _read_reply(reader: asyncio.StreamReader, limit: int) -> Any:
    """JSON-RPC messages follow each other without a separator; the server may send an `echo` first."""
    data = bytearray()
    while chunk := await reader.read(1 << 18):
        data += chunk
        if data[-8:].rstrip().endswith(b"}"):  # else no message is at its end, and there is no need to look
            with contextlib.suppress(ValueError):
                return _find_reply(data.decode())
        if len(data) > limit:
            raise ConnectionError("the answer is not JSON-RPC, or too long")
    raise ConnectionError("the connection was closed before an answer")


def _find_reply(text: str) -> Any:
    """The answer to our request among whole messages. Raises ValueError when it is not there, or not whole."""
    decoder = json.JSONDecoder()
    while text:
        message, end = decoder.raw_decode(text)
        if message.get("id") == 1 and "result" in message:
            return message
        text = text[end:].lstrip()
    raise ValueError("no answer yet")
