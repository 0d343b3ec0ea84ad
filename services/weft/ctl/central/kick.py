"""`nb|sb|weft|ic kick`: a server that is gone for good leaves its cluster, and no longer counts for majorities."""

from __future__ import annotations

import asyncio
import time

from weft.ctl.central.databases import address_of
from weft.ctl.central.raft import Cluster, Server
from weft.ctl.central.status import Status, control, read_status
from weft.ctl.errors import CtlError, UnreachableError, UsageError
from weft.ctl.hosts.run import Hosts
from weft.ctl.session import Session

PATIENCE = 15.0
"""Seconds until a removal that was begun has to be done."""


def choose(status: Status, name: str) -> Server:
    """The server that is meant, by its identifier, its address, or the name of its host. Raises when it must stay."""
    view = _view(status)
    host = next((one.cluster.sid for one in status.seen if name and one.host == name and one.cluster), "")
    server = view.find(name) or view.find(host) or _by_host(status, view, name)
    if server is None:
        known = ", ".join(f"{server.sid} ({server.address})" for server in view.servers)
        raise UsageError(f"{status.database.name} has no server {name}; there are {known}")
    if obstacle := view.obstacle(server):
        raise CtlError(f"{status.database.name}: server {server.sid} ({server.address}) stays: {obstacle}")
    return server


def _view(status: Status) -> Cluster:
    if status.leader is None:
        raise UnreachableError(f"{status.database.name}: no member leads, and only a leader can remove a server")
    if status.leader.member.model == "standalone":
        raise CtlError(f"{status.database.name} is not clustered: there is nobody to remove")
    if status.view is None:
        raise UnreachableError(f"{status.database.name}: its leader was not asked: {status.leader.unseen}")
    return status.view


def _by_host(status: Status, view: Cluster, name: str) -> Server | None:
    """Of a host that is down: the server at an address that its remote has."""
    addresses = {address_of(one.member.remote) for one in status.seen if one.host == name}
    return next((server for server in view.servers if address_of(server.address) in addresses - {""}), None)


def consequences(status: Status, server: Server) -> str:
    """What is to be said before it is done."""
    view = _view(status)
    staying = len(view.servers) - 1
    state = "it is alive, and has to be stopped and joined anew" if view.alive(server) else "it was not heard of"
    spare = (staying - 1) // 2
    return (
        f"{status.database.name}: server {server.sid} ({server.address}) leaves the cluster ({state}). "
        f"{staying} stay, of which {spare} may fail"
    )


async def kick(session: Session, hosts: Hosts, status: Status, server: Server) -> None:
    """Remove it, and wait until it is gone. Raises CtlError when the cluster does not agree in time."""
    leader = status.leader
    assert leader is not None
    await control(hosts, status.database, leader.member.remote, "cluster/kick", status.database.name, server.sid)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        now = await read_status(session, hosts, status.database)
        if now.view is not None and now.view.find(server.sid) is None:
            return
        await asyncio.sleep(0.2)
    raise CtlError(
        f"{status.database.name}: the removal of {server.sid} was begun and is not done after {PATIENCE:g} s"
    )
