"""What a clustered server says of its cluster: the text of `cluster/status` (ovsdb-server(1), "Cluster Commands")."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SERVER = re.compile(r"^\s+(?P<sid>[0-9a-f]{4}) \([0-9a-f]{4} at (?P<address>\S+)\)(?P<rest>.*)$", re.MULTILINE)
_HEARD = re.compile(r"last msg (\d+) ms ago")
_INDEX = re.compile(r"match_index=(\d+)")
PATIENCE = 3
"""Election timers after which a server that the leader has not heard is called lost."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server of the cluster, as the leader sees it; `heard` is in milliseconds, None when it never was."""

    sid: str
    address: str
    own: bool = False
    heard: int | None = None
    match: int = 0


@dataclass(frozen=True, slots=True)
class Cluster:
    """One server's view of its cluster."""

    sid: str = ""
    cid: str = ""
    role: str = ""
    status: str = ""
    term: int = 0
    leader: str = ""
    election_timer: int = 0
    servers: tuple[Server, ...] = field(default_factory=tuple)

    def alive(self, server: Server) -> bool:
        return server.own or (server.heard is not None and server.heard <= PATIENCE * self.election_timer)

    def find(self, name: str) -> Server | None:
        """By the beginning of its identifier, or its address."""
        return next((server for server in self.servers if name in (server.sid, server.address)), None)

    def obstacle(self, leaving: Server) -> str:
        """Why a server must not be removed now; "" when it may. Asked of the leader's view."""
        if leaving.own:
            return "it leads: restart it first, and another one takes over"
        staying = [server for server in self.servers if server is not leaving]
        living = [server for server in staying if self.alive(server)]
        needed = len(staying) // 2 + 1
        if len(living) < needed:
            return f"of the {len(staying)} servers that stay {len(living)} live, and {needed} are needed for writes"
        return ""


def parse_cluster(text: str) -> Cluster:
    """Read what `cluster/status` printed."""
    servers = tuple(
        Server(
            found["sid"],
            found["address"],
            "(self)" in found["rest"],
            int(heard[1]) if (heard := _HEARD.search(found["rest"])) else None,
            int(index[1]) if (index := _INDEX.search(found["rest"])) else 0,
        )
        for found in _SERVER.finditer(text)
    )
    return Cluster(
        sid=_value(text, "Server ID")[:4],
        cid=_value(text, "Cluster ID").partition(" ")[0],
        role=_value(text, "Role"),
        status=_value(text, "Status"),
        term=int(_value(text, "Term") or 0),
        leader=_value(text, "Leader"),
        election_timer=int(_value(text, "Election timer") or 0),
        servers=servers,
    )


def _value(text: str, key: str) -> str:
    found = re.search(rf"^{re.escape(key)}: (.*)$", text, re.MULTILINE)
    return found[1].strip() if found else ""
