"""weftctl as a user runs it: a process of its own, with what it printed and its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.ovn import OvnSandbox, OvsHost, namespace_command, path_of_programs

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Weftctl:
    """Calls weftctl against the databases of a sandbox."""

    def __init__(self, ovn: OvnSandbox, **remotes: str) -> None:
        where = {"weft": ovn.weft, "northbound": ovn.northbound, **remotes}
        self.config = ovn.folder / "weftctl.toml"
        self.config.write_text("".join(f'[{name}]\nremote = "{remote}"\n' for name, remote in where.items()))

    def add_hosts(self, *hosts: OvsHost) -> None:
        """Hosts of the sandbox, whose programs know their daemons by the environment, in their namespaces."""
        with self.config.open("a") as file:
            for host in hosts:
                variables = [f"{project}_RUNDIR={host.rundir}" for project in ("OVS", "OVN")]
                command = ["env", *variables, *namespace_command(host.ns)]
                file.write(f"[hosts.{host.name}]\ncommand = {json.dumps(command)}\n")

    async def __call__(self, *arguments: str, stdin: str = "") -> Said:
        process = await self._start(*arguments)
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
        assert process.returncode is not None
        assert b"Traceback" not in err, err.decode()
        return Said(process.returncode, out.decode(), err.decode())

    @contextlib.asynccontextmanager
    async def lines(self, *arguments: str) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
        """Runs until the block ends; each call of what is yielded waits for one more line of JSON."""
        process = await self._start(*arguments)
        assert process.stdout is not None
        reader = process.stdout

        async def next_line() -> Any:
            return json.loads(await asyncio.wait_for(reader.readline(), 30))

        try:
            yield next_line
        finally:
            process.kill()
            await process.wait()

    async def _start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "weft.ctl.main", "--config", str(self.config), *arguments),
            env={**os.environ, "PATH": path_of_programs(), "PYTHONPATH": str(ROOT / "services"), "COLUMNS": "200"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
