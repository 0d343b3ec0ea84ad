"""`nb|sb|weft|ic status`: each member's word, and the cluster's as its leader sees it.

The databases tell who leads and how far each has come (`_Server`); names of servers, terms and who was heard when only
the servers' control sockets do, on their hosts. A host that cannot be reached costs that much and is named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from weft.ctl.central.databases import Central, address_of, control_of, remotes
from weft.ctl.central.raft import Cluster, Server, parse_cluster
from weft.ctl.errors import CtlError, UnreachableError
from weft.ctl.hosts.run import Hosts, run_here
from weft.ctl.members import Member, ask_members
from weft.ctl.session import Session


@dataclass(frozen=True, slots=True)
class Seen:
    """A member: what it says through its remote, and through its control socket."""

    member: Member
    host: str = ""
    cluster: Cluster | None = None
    unseen: str = ""
    """Why its control socket was not asked."""


@dataclass(slots=True)
class Status:
    """A database with its members."""

    database: Central
    seen: Sequence[Seen]
    findings: list[str] = field(default_factory=list)

    @property
    def leader(self) -> Seen | None:
        leading = [one for one in self.seen if one.member.role in ("leader", "standalone") and one.member.connected]
        return next(iter(sorted(leading, key=lambda one: one.cluster is None)), None)

    @property
    def view(self) -> Cluster | None:
        """The cluster as its leader sees it."""
        return self.leader.cluster if self.leader is not None else None

    def document(self) -> dict[str, Any]:
        members = [
            {
                **asdict(one.member),
                "role": one.member.role,
                "host": one.host,
                "cluster": None if one.cluster is None else asdict(one.cluster),
                "unseen": one.unseen,
            }
            for one in self.seen
        ]
        leader = self.leader.member.remote if self.leader is not None else ""
        return {"database": self.database.name, "leader": leader, "findings": self.findings, "members": members}


async def read_status(session: Session, hosts: Hosts, database: Central) -> Status:
    """Ask all members. Raises CtlError when weftctl does not know the database."""
    places = remotes(session.config, database)
    members = await ask_members(",".join(places), database.name, session.config.tls)
    seen = await asyncio.gather(*(_look(hosts, database, member) for member in members))
    status = Status(database, seen)
    status.findings.extend(_findings(status))
    return status


async def _look(hosts: Hosts, database: Central, member: Member) -> Seen:
    address = address_of(member.remote)
    host = hosts.places.by_address(address) if address else ""
    if member.model not in ("", "clustered"):
        return Seen(member, host)
    try:
        text = await control(hosts, database, member.remote, "cluster/status", database.name)
    except CtlError as error:
        return Seen(member, host, None, error.lines[0])
    return Seen(member, host, parse_cluster(text))


async def control(hosts: Hosts, database: Central, remote: str, *words: str) -> str:
    """Say something to the server behind a remote. Raises CtlError with its answer when it refuses."""
    line = ["ovs-appctl", "--timeout=10", "-t", control_of(remote, database), *words]
    if not (address := address_of(remote)):
        ran = await run_here(line)
        if ran.code:
            raise CtlError(f"{remote}: {ran.words}")
        return ran.out
    host = hosts.places.by_address(address)
    if not host:
        raise UnreachableError(f"no host is known to have {address}: name it in [hosts] of weftctl.toml")
    return await hosts.ask(host, line)


def _findings(status: Status) -> Iterator[str]:
    for one in status.seen:
        if one.member.problem:
            yield f"{one.host or one.member.remote} does not answer: {one.member.problem}"
        elif not one.member.connected:
            yield f"{one.host or one.member.remote} has lost its cluster: it serves no writes"
    if status.leader is None:
        yield "no member leads: nothing can be written. A majority of the members has to run and reach each other"
    if (view := status.view) is not None:
        yield from _cluster_findings(view, len(status.seen))


def _cluster_findings(view: Cluster, configured: int) -> Iterator[str]:
    for server in view.servers:
        if not view.alive(server):
            ago = "never" if server.heard is None else f"{server.heard / 1000:.0f} s ago"
            yield f"the leader has not heard server {server.sid} ({server.address}) in time: last {ago}"
    if len(view.servers) > configured:
        known = f"the cluster has {len(view.servers)} servers, weftctl.toml names {configured}"
        yield f"{known}: is one of them gone for good? Then kick it"


def server_of(status: Status, one: Seen) -> Server | None:
    """A member as the leader sees it."""
    if status.view is None or one.cluster is None:
        return None
    return status.view.find(one.cluster.sid)
