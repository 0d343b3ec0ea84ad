"""What ovn-controller of this host says of itself, by its control socket (ovn-controller(8), Runtime Management)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from weft.agent.rpc import command, control_socket


@dataclass(frozen=True, slots=True)
class OvnController:
    """`version` is "" and `connected` False when it does not run; `error` says why."""

    version: str = ""
    connected: bool = False
    error: str = ""


def inspect(rundir: Path) -> OvnController:
    """Ask the ovn-controller whose sockets are in `rundir`. Blocks for milliseconds, at most a few seconds."""
    try:
        path = control_socket(rundir, "ovn-controller")
    except LookupError as error:
        return OvnController(error=str(error))
    try:
        version = command(path, "version").splitlines()[0].rpartition(" ")[2]
        status = command(path, "connection-status").strip()
    except (OSError, ValueError, LookupError) as error:
        return OvnController(error=f"ovn-controller is not running or does not answer on {path}: {error}")
    if status != "connected":
        return OvnController(version, False, "ovn-controller is not connected to the Southbound database")
    return OvnController(version, True)
