"""How a command fails: a text for a person, and an exit code for a script."""

from __future__ import annotations

FAILED = 1
USAGE = 2
UNREACHABLE = 3


class CtlError(Exception):
    """Something was refused or failed. `lines` are what the user reads, one problem each."""

    code = FAILED

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class UsageError(CtlError):
    """The command line or weftctl's own configuration cannot be used."""

    code = USAGE


class UnreachableError(CtlError):
    """No member of a database answers, or none leads."""

    code = UNREACHABLE
