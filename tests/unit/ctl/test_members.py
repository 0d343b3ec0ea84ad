"""What members of a cluster say, asked over real sockets of this process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from weft.ctl.members import ask_members, find_members, transact

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def says(**row: Any) -> Answer:
    """A server that asks for an echo first, as ovsdb-server may, and then answers in two pieces."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        echo = json.dumps({"id": "echo", "method": "echo", "params": []})
        reply = json.dumps({"id": 1, "error": None, "result": [{"rows": [row] if row else []}]})
        writer.write((echo + reply[:20]).encode())
        await writer.drain()
        await asyncio.sleep(0.01)
        writer.write(reply[20:].encode())
        await reader.read()
        writer.close()

    return answer


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


@contextlib.asynccontextmanager
async def cluster(folder: Path, *answers: Answer) -> AsyncIterator[str]:
    paths = [folder / f"{number}.sock" for number in range(len(answers))]
    servers = [await asyncio.start_unix_server(answer, path) for path, answer in zip(paths, answers, strict=True)]
    try:
        yield ",".join(f"unix:{path}" for path in paths)
    finally:
        for server in servers:
            server.close()


LEADER = {"model": "clustered", "connected": True, "leader": True, "index": 40}
FOLLOWER = {**LEADER, "leader": False, "index": 33}
CUT_OFF = {**FOLLOWER, "connected": False}


async def test_roles_and_lag(tmp_path: Path) -> None:
    async with cluster(tmp_path, says(**LEADER), says(**FOLLOWER), says(**CUT_OFF)) as remotes:
        members = await ask_members(remotes, "Weft", None)
    assert [(member.role, member.behind, member.connected) for member in members] == [
        ("leader", 0, True),
        ("follower", 7, True),
        ("follower", 7, False),
    ]


async def test_a_long_answer_comes_in_pieces_that_split_letters(tmp_path: Path) -> None:
    rows = [{"name": "ü}" * 40_000}, {"name": "}"}]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        reply = json.dumps({"id": 1, "error": None, "result": [{"rows": rows}]}, ensure_ascii=False).encode() + b"\n"
        for start in range(0, len(reply), 999):
            writer.write(reply[start : start + 999])
            await writer.drain()
        await reader.read()
        writer.close()

    async with cluster(tmp_path, answer) as remote:
        assert (await transact(remote, ["Weft"], None))["result"][0]["rows"] == rows
        with pytest.raises(ConnectionError, match="too long"):
            await transact(remote, ["Weft"], None, limit=50_000)


async def test_each_problem_in_words(tmp_path: Path) -> None:
    async with cluster(tmp_path, silent, says()) as remotes:
        members = await ask_members(f"{remotes},unix:/nonexistent,ssl:127.0.0.1:1,what", "Weft", None, deadline=0.2)
    assert [member.problem for member in members] == [
        "no answer within 0.2 s",
        "serves no database Weft",
        "No such file or directory",
        "the configuration has no section [tls]",
        "'what' is not a remote; allowed: unix:PATH, tcp:ADDRESS:PORT, ssl:ADDRESS:PORT",
    ]


async def test_the_leader_is_found_without_waiting_for_who_hangs(tmp_path: Path) -> None:
    started = time.monotonic()
    async with cluster(tmp_path, silent, says(**FOLLOWER), says(**LEADER)) as remotes:
        members = await find_members(remotes, "Weft", None)
    assert members[0].leader
    assert time.monotonic() - started < 1


async def test_without_a_leader_only_who_does_not_need_one_goes_on(tmp_path: Path) -> None:
    async with cluster(tmp_path, says(**FOLLOWER), says(**CUT_OFF)) as remotes:
        assert await find_members(remotes, "Weft", None) == []
        assert [member.role for member in await find_members(remotes, "Weft", None, any_member=True)] == ["follower"]
