"""What ovn-controller of this host says of itself, by its control socket (ovn-controller(8), Runtime Management)."""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TIMEOUT = 2.0


@dataclass(frozen=True, slots=True)
class OvnController:
    """`version` is "" and `connected` False when it does not run; `error` says why."""

    version: str = ""
    connected: bool = False
    error: str = ""


def inspect(rundir: Path) -> OvnController:
    """Ask the ovn-controller whose sockets are in `rundir`. Blocks for milliseconds, at most a few seconds."""
    try:
        pid = int((rundir / "ovn-controller.pid").read_text())
    except (OSError, ValueError):
        return OvnController(error=f"ovn-controller is not running: no {rundir}/ovn-controller.pid")
    path = rundir / f"ovn-controller.{pid}.ctl"
    try:
        version = command(path, "version").splitlines()[0].rpartition(" ")[2]
        status = command(path, "connection-status").strip()
    except (OSError, ValueError, LookupError) as error:
        return OvnController(error=f"ovn-controller is not running or does not answer on {path}: {error}")
    if status != "connected":
        return OvnController(version, False, "ovn-controller is not connected to the Southbound database")
    return OvnController(version, True)


def command(path: Path, method: str) -> str:
    """One command of the unixctl protocol: JSON-RPC on a unix socket, the answer one JSON object."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.settimeout(_TIMEOUT)
        channel.connect(str(path))
        channel.sendall(json.dumps({"id": 0, "method": method, "params": []}).encode())
        data = b""
        while part := channel.recv(65536):
            data += part
            with contextlib.suppress(ValueError):
                return _result(json.loads(data))
    raise ValueError(f"{method}: closed without an answer")


def _result(answer: dict[str, Any]) -> str:
    if answer.get("error"):
        raise LookupError(str(answer["error"]).strip())
    return str(answer["result"])
