"""A host of a lab, container or virtual machine: runs commands there and tells what they left behind."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass


class CommandError(AssertionError):
    """A command on a host failed; the message has all that it printed."""


@dataclass(frozen=True)
class Result:
    """What a command on a host left behind."""

    command: str
    code: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        return self.code == 0


@dataclass(frozen=True)
class Machine:
    """One host; how it is entered is its kind's own affair."""

    name: str

    def argv(self, command: str | list[str], *, stdin: bool = False) -> list[str]:
        """The command line on this machine that runs `command` (text for a shell, or a list) on the host."""
        raise NotImplementedError

    def run(self, command: str | list[str], *, check: bool = True, timeout: float = 60, stdin: str = "") -> Result:
        """Run `command` and wait for it; a failure raises CommandError unless `check` is off."""
        argv = self.argv(command, stdin=bool(stdin))
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
        text = command if isinstance(command, str) else shlex.join(command)
        result = Result(text, done.returncode, done.stdout.strip(), done.stderr.strip())
        if check and not result.ok:
            raise CommandError(f"{self.name}: {text}: exit code {result.code}\n{result.stdout}\n{result.stderr}")
        return result

    def start(self, command: str | list[str]) -> subprocess.Popen[str]:
        """Start `command` and return at once, for what runs while something else happens."""
        return subprocess.Popen(self.argv(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def active(self, unit: str) -> bool:
        return self.run(["systemctl", "is-active", "--quiet", unit], check=False).ok
