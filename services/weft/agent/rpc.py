"""One question to a daemon of this host, by its socket: no process is started, no replica is kept.

Both protocols are JSON-RPC 1.0 on a unix socket: a daemon's control socket (ovs-appctl(8), "unixctl") and a database's
(RFC 7047, section 4). All of it blocks, for a few seconds at most: call it from a thread.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

_TIMEOUT = 2.0


def control_socket(rundir: Path, daemon: str) -> Path:
    """Where a daemon that runs takes commands. Raises LookupError."""
    pid = process_id(rundir, daemon)
    return rundir / f"{daemon}.{pid}.ctl"


def process_id(rundir: Path, daemon: str) -> int:
    """By its pid file, which a daemon removes at its end. Raises LookupError."""
    try:
        return int((rundir / f"{daemon}.pid").read_text())
    except (OSError, ValueError):
        raise LookupError(f"{daemon} is not running: no {rundir}/{daemon}.pid") from None


def command(path: Path, method: str, *arguments: str) -> str:
    """What a daemon answers to a command. Raises OSError, ValueError, or LookupError with the daemon's own words."""
    return str(_ask(path, method, list(arguments)))


def select(path: Path, database: str, **tables: list[str]) -> dict[str, list[dict[str, Any]]]:
    """All rows of tables of a database, with those columns, as RFC 7047 writes them. Raises as `command`."""
    operations = [{"op": "select", "table": name, "where": [], "columns": names} for name, names in tables.items()]
    results = _ask(path, "transact", [database, *operations])
    for result in results:
        if result is None or "error" in result:
            raise LookupError(f"{database}: {result}")
    return {name: result["rows"] for name, result in zip(tables, results, strict=False)}


def _ask(path: Path, method: str, parameters: list[Any]) -> Any:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.settimeout(_TIMEOUT)
        channel.connect(str(path))
        channel.sendall(json.dumps({"id": 0, "method": method, "params": parameters}).encode())
        return _result(_receive(channel, method))


def _receive(channel: socket.socket, method: str) -> Any:
    """The answer is one JSON object; nothing follows it."""
    data = bytearray()
    while part := channel.recv(1 << 18):
        data += part
        if data[-8:].rstrip().endswith(b"}"):
            try:
                return json.loads(data)
            except ValueError:
                continue  # a brace inside of it
    raise ValueError(f"{method}: closed without an answer")


def _result(answer: Any) -> Any:
    if answer.get("error"):
        raise LookupError(str(answer["error"]).strip())
    return answer["result"]
