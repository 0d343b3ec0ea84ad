"""The socket between the CNI plugin and the agent.

The plugin is started for every command, so it must start fast: it sends the request as one line of JSON,
`{"env": {"CNI_COMMAND": "ADD", …}, "config": "<its standard input>"}`, and gets back a digit (its exit status), a
newline, and the text for its standard output. It parses nothing. A plugin that closes the socket before that was
killed by its runtime: its command is cancelled, and an ADD undone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
from pathlib import Path
from typing import Any

from weft.agent import cni_types, metrics
from weft.agent.cni_commands import Commands
from weft.agent.cni_types import CniError
from weft.log import get_logger

_log = get_logger(__name__)
_LINE_LIMIT = 1 << 20
_CLOSE_TIMEOUT = 5.0
_PEER = struct.Struct("3i")
_ROOT_ONLY = "the CNI socket of weft-agent is for root only: got user {}"


class CniServer:
    """Serves `commands` on the unix socket at `path`, which only root may open."""

    def __init__(self, path: Path, commands: Commands) -> None:
        self._path = path
        self._commands = commands
        self._server: asyncio.Server | None = None
        self._work: set[asyncio.Task[bytes]] = set()

    async def start(self) -> None:
        """Listen; a socket that an earlier agent left is replaced."""
        self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, str(self._path), limit=_LINE_LIMIT, backlog=512)
        finally:
            os.umask(mask)
        _log.info("CNI server is listening", socket=self._path)

    async def close(self) -> None:
        """Take no more requests, and undo what is on its way; the runtime is told to try again."""
        if self._server is None:
            return
        self._server.close()
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        for work in self._work:
            work.cancel()
        if self._work:
            await asyncio.wait(self._work, timeout=_CLOSE_TIMEOUT)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            if (user := _user(writer)) != 0:
                _log.warning("CNI request of another user than root refused", uid=user)
                error = CniError(cni_types.INVALID_ENVIRONMENT, _ROOT_ONLY.format(user), reason="user")
                writer.write(_failure(error, "1.0.0", ""))
                await writer.drain()
                return
            work = asyncio.create_task(answer(self._commands, line))
            self._work.add(work)
            work.add_done_callback(self._work.discard)
            gone = asyncio.ensure_future(reader.read(1))
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                _log.warning("plugin went away before its answer, command is undone")
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                return
            gone.cancel()
            if not work.cancelled():
                writer.write(work.result())
                await writer.drain()
        except (ConnectionError, ValueError) as error:
            _log.warning("CNI connection failed", error=error)
        finally:
            writer.close()


def _user(writer: asyncio.StreamWriter) -> int:
    """Who opened the connection (unix(7), SO_PEERCRED): the file's mode alone is a chmod away from everybody."""
    channel = writer.get_extra_info("socket")
    _, uid, _ = _PEER.unpack(channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return int(uid)


async def answer(commands: Commands, line: bytes) -> bytes:
    """The bytes that answer a request line."""
    version, command = "1.0.0", ""
    try:
        environment, config = _decode(line)
        command = environment.get("CNI_COMMAND", "")
        request = cni_types.parse_request(environment, config)
        version = request.version
        result = await commands.run(request)
        return b"0\n" + (json.dumps(result).encode() if result is not None else b"")
    except CniError as error:
        return _failure(error, version, command)
    except Exception as error:  # noqa: BLE001 - the runtime is told, whatever it is
        _log.exception("CNI request failed")
        text = f"{type(error).__name__}: {error}"
        return _failure(CniError(cni_types.WIRING_FAILED, text, "see the log of weft-agent"), version, command)


def _decode(line: bytes) -> tuple[dict[str, str], str]:
    try:
        document: dict[str, Any] = json.loads(line)
        return dict(document["env"]), str(document["config"])
    except (ValueError, KeyError, TypeError) as error:
        raise CniError(cni_types.DECODING_FAILURE, f"request of the plugin: {error}") from error


def _failure(error: CniError, version: str, command: str) -> bytes:
    metrics.cni_failures.labels(command if command in cni_types.COMMANDS else "", error.reason).inc()
    return b"1\n" + json.dumps(error.document(version)).encode()
