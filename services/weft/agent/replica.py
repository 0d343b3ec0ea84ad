"""A database that says at once when its connection is lost.

python-ovs keeps a replica in its state "monitoring" until the next connection is made, so the state alone does not
tell an outage. The agent must know of it as it happens: ADD is refused without the database.
"""

from __future__ import annotations

from typing import Any

from weft.ovsdb.database import Database


class LiveDatabase(Database):
    """A Database whose `connected` is False from the moment the session is down."""

    def _open(self, helper: Any) -> Any:
        replica: Any = super()._open(helper)
        filled = replica.is_synced
        replica.is_synced = lambda: bool(replica._session.is_connected() and filled())
        return replica
