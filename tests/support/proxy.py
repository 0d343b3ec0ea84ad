"""A wire that can be cut: a unix socket in front of another one, or a TCP port in front of another one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Wire:
    """Carries bytes both ways until `cut`; then every connection ends and new ones are refused, until `mend`."""

    def __init__(self, near: str, far: str) -> None:
        self.near = near
        self._far = far
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def mend(self) -> None:
        self._server = await asyncio.start_unix_server(self._carry, self.near)

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self._far)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_pump(reader, far_writer))
                    group.create_task(_pump(far_reader, writer))
            finally:
                far_writer.close()
        except* OSError:
            pass
        finally:
            writer.close()
            self._tasks.discard(task)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    raise ConnectionResetError("one side has gone")


@contextlib.asynccontextmanager
async def wire(near: str, remote: str) -> AsyncIterator[Wire]:
    """`remote` as OVSDB has it, "unix:/path"; `near` is the path of the new socket."""
    made = Wire(near, remote.removeprefix("unix:"))
    await made.mend()
    try:
        yield made
    finally:
        await made.cut()
