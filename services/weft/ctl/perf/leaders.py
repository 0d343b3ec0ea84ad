"""`perf leaders`: kills the server that leads a database, and counts the time until another one does.

The time is from the last answer of a leader to the first one of a leader again, looked at every 20 ms: what a client
that must write has to wait at least. Only with all members well, since for that time one less may fail.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from weft.ctl.central.databases import Central, remotes
from weft.ctl.central.status import Status, read_status
from weft.ctl.errors import CtlError, UnreachableError
from weft.ctl.hosts.run import Hosts
from weft.ctl.members import ask_members
from weft.ctl.session import Session

LOOK_EVERY, ANSWER_WITHIN, PATIENCE = 0.02, 0.5, 60.0
FEWEST = 3
"""Servers with which one may fail."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """How long nobody led."""

    database: str
    before: str
    after: str
    seconds: float


async def check(session: Session, hosts: Hosts, database: Central) -> Status:
    """The cluster, when it is fit for it. Raises CtlError."""
    status = await read_status(session, hosts, database)
    if status.findings:
        raise CtlError(f"{database.name}: not with a cluster that is not well: {status.findings[0]}")
    view = status.view
    if view is None or len(view.servers) < FEWEST:
        have = 0 if view is None else len(view.servers)
        raise CtlError(f"{database.name}: not with {have} clustered servers: at least {FEWEST} are needed to lose one")
    if status.leader is None or not status.leader.host:
        raise CtlError(f"{database.name}: no host is known to have the leader's address")
    return status


async def measure_recovery(session: Session, hosts: Hosts, status: Status) -> Recovery:
    """Kill the leader and wait for the next one; its service manager starts it again. Raises UnreachableError."""
    leader = status.leader
    assert leader is not None
    listed = ",".join(remotes(session.config, status.database))
    unit = status.database.unit
    kill = asyncio.ensure_future(hosts.ask(leader.host, ["systemctl", "kill", "--signal=SIGKILL", unit]))
    last, lost = time.monotonic(), False
    end = last + PATIENCE
    while time.monotonic() < end:
        members = await ask_members(listed, status.database.name, session.config.tls, ANSWER_WITHIN)
        now = time.monotonic()
        led = next((member.remote for member in members if member.role == "leader" and member.connected), "")
        if led == leader.member.remote and not lost:
            last = now
        elif led:
            await kill
            return Recovery(status.database.name, leader.member.remote, led, now - last)
        else:
            lost = True
        await asyncio.sleep(LOOK_EVERY)
    await kill
    raise UnreachableError(f"{status.database.name}: no leader within {PATIENCE:g} s after the last one was killed")
