"""Asks hosts for their facts: one program, one connection a host."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weft.ctl.errors import CtlError
from weft.ctl.hosts.run import Hosts

TIMEOUT = 60.0
PROGRAM = Path(__file__).with_name("facts.py")


@dataclass(frozen=True, slots=True)
class Seen:
    """A host's facts, or why there are none; `skew` is how many seconds its clock is ahead of ours."""

    host: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    skew: float = 0.0
    error: str = ""


async def look(hosts: Hosts, host: str, tries: Mapping[str, Any] | None = None) -> Seen:
    """Facts of a host, and what became of `tries` (`pings`, `connects`) there."""
    begin = time.time()
    try:
        words = ["python3", "-", json.dumps(tries or {})]
        ran = await hosts.run(host, words, stdin=PROGRAM.read_text(encoding="utf-8"), timeout=TIMEOUT)
    except CtlError as error:
        return Seen(host, error=error.lines[0])
    if ran.code:
        return Seen(host, error=f"python3 there: {ran.words}")
    facts = json.loads(ran.out)
    end = time.time()
    ahead = facts["time"] - end if facts["time"] > end else min(facts["time"] - begin, 0.0)
    return Seen(host, facts, ahead)


async def look_at_all(hosts: Hosts, names: Iterable[str], tries: Mapping[str, Mapping[str, Any]]) -> list[Seen]:
    """The same of several at once, each with its own tries."""
    return list(await asyncio.gather(*(look(hosts, name, tries.get(name)) for name in names)))
