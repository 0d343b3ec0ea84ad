"""Handing the engine what stores and databases say, in an order that spares it work.

What several changes of one object come to was worked out by the store: of each object there is one change here, or
two when another one has its name now (`weft.store.base.Changes`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from weft.api.kinds import RANK
from weft.controller.guard import kind_of
from weft.ovsdb.database import RowChange, row_to_dict
from weft.store.base import ObjectChange, Removed, Stored
from weft.topology.engine import Engine
from weft.topology.view import Host


def feed_objects(engine: Engine, changes: Iterable[ObjectChange]) -> None:
    """In the order in which kinds depend on each other, the oldest object first.

    Reservations that went come before all: a subnet may have changed since they are not in its way any more.
    """
    for change in sorted(changes, key=_precedence):
        if isinstance(change, Removed):
            engine.remove_ref(change.ref)
        elif change.resource is not None:
            (engine.leave if change.leaving else engine.put)(change.resource)
        else:
            engine.reject(change.ref, list(change.problems))


def _precedence(change: ObjectChange) -> tuple[bool, int, bool, str, str]:
    """What went comes before what came in its place."""
    resource = change.resource if isinstance(change, Stored) else None
    created = "" if resource is None else resource.metadata.creation_timestamp
    kind, stored = kind_of(change.ref), isinstance(change, Stored)
    return stored or kind != "IP", RANK.get(kind, len(RANK)), stored, created, change.ref


def feed_host(engine: Engine, change: RowChange) -> None:
    """A change of a row of `Host_Status`."""
    if not change.row:
        return  # it vanished unseen: a host is forgotten only when its status is deleted
    host = Host.of(change.row)
    if change.op == "delete":
        engine.remove(host)
    else:
        engine.put(host)


def host_rows(replica: Any) -> list[dict[str, Any]]:
    """All that `Host_Status` has."""
    return [row_to_dict(row) for row in replica.tables["Host_Status"].rows.values()]
