"""Programs on hosts: run to their end with what they said, or in the foreground with the terminal for themselves."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from weft.ctl.ask import Select, ask, elements
from weft.ctl.errors import CtlError, UnreachableError
from weft.ctl.hosts.places import UNREACHED, Places, Reported
from weft.ctl.session import Session

TIMEOUT = 30.0
_LONGEST = 300
AT_ONCE = 16
"""Hosts that are spoken to at a time."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A program that ran to its end."""

    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        """Why it failed, in its own words."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return "; ".join(lines)[-_LONGEST:] or f"exit code {self.code}"


class Hosts:
    """Runs programs on hosts."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def run(self, host: str, words: Sequence[str], *, stdin: str = "", timeout: float = TIMEOUT) -> Ran:
        """Run a program to its end. Raises UnreachableError when the host, or the program there, does not answer."""
        line = self.places.command(host, words)
        async with self._turns:
            ran = await run_here(line, stdin=stdin, timeout=timeout, where=f"host {host}")
        if ran.code == UNREACHED and line[0] == "ssh":
            raise unreached(host, self.places, ran.words)
        return ran

    async def ask(self, host: str, words: Sequence[str], *, timeout: float = TIMEOUT) -> str:
        """What a program prints. Raises CtlError with its words when it fails."""
        ran = await self.run(host, words, timeout=timeout)
        if ran.code:
            raise CtlError(f"host {host}: {shlex.join(words[:3])}: {ran.words}")
        return ran.out

    def foreground(self, host: str, words: Sequence[str]) -> int:
        """Run a program with our own terminal, input and output; its exit code."""
        terminal = sys.stdin.isatty() and sys.stdout.isatty()
        line = self.places.command(host, words, terminal=terminal)
        code = foreground(line)
        if code == UNREACHED and line[0] == "ssh":
            raise unreached(host, self.places, "see above")
        return code


async def run_here(
    line: Sequence[str], *, stdin: str = "", timeout: float = TIMEOUT, where: str = "this machine"
) -> Ran:
    """Run a program of this machine to its end."""
    try:
        process = await asyncio.create_subprocess_exec(
            *line, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
    except FileNotFoundError:
        raise CtlError(f"{where}: there is no program {line[0]}") from None
    try:
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), timeout)
    except TimeoutError:
        raise UnreachableError(f"{where}: no answer within {timeout:g} s from {shlex.join(line[-3:])}") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    return Ran(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))


def foreground(line: Sequence[str]) -> int:
    """Run a program of this machine with our own terminal; its exit code, as a shell has it."""
    try:
        code = subprocess.run(line, check=False).returncode
    except FileNotFoundError:
        raise CtlError(f"there is no program {line[0]} on this machine") from None
    return code if code >= 0 else 128 - code


def unreached(host: str, places: Places, words: str) -> UnreachableError:
    """Nobody answered at the other end of SSH."""
    return UnreachableError(
        f"host {host}: SSH to {places.address(host)} failed: {words}",
        "  its address, user and key: [hosts] and [ssh] in weftctl.toml, or ~/.ssh/config",
    )


async def find_hosts(session: Session) -> Hosts:
    """All hosts that the configuration names or whose agents have reported. No database is needed for the former."""
    try:
        [rows] = await ask(session, "Weft", Select("Host_Status"))
    except CtlError:
        rows = []
    return Hosts(Places(session.config, reported(rows)))


def reported(rows: Iterable[Mapping[str, object]]) -> dict[str, Reported]:
    """From rows of `Host_Status`."""
    return {
        str(row["name"]): Reported(
            str(row["hostname"]), tuple(map(str, elements(row["addresses"]))), str(row["encap_ip"])
        )
        for row in rows
    }
