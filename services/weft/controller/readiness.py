"""Which hosts' networks are fit for pods, by what their agents say and by their silence.

A host's word counts when it has lasted: what comes back within seconds, as after a restart of vswitchd, makes no
scheduler turn away, and one that is up and down by turns changes its node every few seconds at most. Silence is
measured by this controller's own clock, from when a heartbeat was seen: clocks of hosts may be wrong. Pure; callers say
what time it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from weft.store.base import NetworkHealth

SILENT = 90.0
"""Seconds without a heartbeat (three are due) after which a host counts as not ready."""
DOWN, UP = 10.0, 3.0
"""Seconds for which a host has to be not ready, or ready again, before it is said of its node."""
OF_ONE_WORKLOAD = ("port/", "netns/")
"""Beginnings of the names of problems that do not concern the host as a whole."""


@dataclass(slots=True)
class _Host:
    """`since` is when `ready`, heartbeats included, became what it is; `told` is the verdict."""

    ready: bool
    problems: Mapping[str, str]
    heard: float
    since: float
    alive: bool = True
    told: NetworkHealth | None = None

    @property
    def fit(self) -> bool:
        return self.ready and self.alive


class Readiness:
    """All hosts. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Host] = {}

    def put(self, row: Mapping[str, Any], now: float) -> None:
        """A row of `Host_Status` as it is now: each change of it is a sign of life."""
        name, ready = row["name"], bool(row["ready"])
        host = self._hosts.setdefault(name, _Host(ready, {}, now, now))
        fit = host.fit
        host.ready, host.problems, host.heard, host.alive = ready, row["problems"], now, True
        if host.fit != fit:
            host.since = now

    def remove(self, name: str) -> None:
        """A host that is forgotten is not judged any more."""
        self._hosts.pop(name, None)

    def excuse(self, now: float) -> None:
        """Nobody could be heard until now, for want of the database."""
        for host in self._hosts.values():
            host.heard = now

    def judge(self, now: float) -> dict[str, NetworkHealth]:
        """What is to be said of each host; those of which nothing can be said yet are left out."""
        for name, host in self._hosts.items():
            self._judge(name, host, now)
        return {name: host.told for name, host in self._hosts.items() if host.told is not None}

    @staticmethod
    def _judge(name: str, host: _Host, now: float) -> None:
        if host.alive and now - host.heard > SILENT:
            fit, host.alive = host.fit, False
            host.since = now - DOWN if fit else host.since  # silence has lasted long enough
        if host.fit:
            if host.told is None or host.told.available or now - host.since >= UP:
                host.told = NetworkHealth(True, "NetworkReady", f"weft-agent of {name} says that its network is ready")
        elif now - host.since >= DOWN:
            host.told = NetworkHealth(False, *_reason(name, host))


def _reason(name: str, host: _Host) -> tuple[str, str]:
    if not host.alive:
        return "HostSilent", f"weft-agent of {name} has said nothing for {SILENT:g} s"
    named = {key: text for key, text in host.problems.items() if not key.startswith(OF_ONE_WORKLOAD)}
    why = "; ".join(f"{key}: {text}" for key, text in sorted(named.items()))
    return "NetworkNotReady", f"weft-agent of {name} says: {why or 'not ready'}"[:1024]
