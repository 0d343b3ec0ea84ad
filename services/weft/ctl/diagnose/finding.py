"""A check and what it found. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """From well to wrong; `unknown` is what could not be looked at."""

    ok = "ok"
    warning = "warning"
    failed = "failed"
    unknown = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` is a host, a subnet or an address; `reason` and `advice` are for what is not well."""

    subject: str
    check: str
    state: State
    found: str
    reason: str = ""
    advice: str = ""

    def document(self) -> dict[str, Any]:
        return asdict(self)


def well(subject: str, check: str, found: str) -> Finding:
    """As it should be."""
    return Finding(subject, check, State.ok, found)


def bad(findings: Iterable[Finding]) -> bool:
    """Whether somebody should do something."""
    return any(finding.state in (State.failed, State.unknown) for finding in findings)
