"""A few rows of a database, asked for once: no replica is kept and no leader is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from weft.ctl.config import Config
from weft.ctl.errors import CtlError, UnreachableError
from weft.ctl.members import find_members, transact
from weft.ctl.session import Session
from weft.service import Remote

_LIMIT = 256 << 20
"""Bytes of an answer: rows of a hundred thousand pods."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Select:
    """Rows of a table; `where` are conditions of RFC 7047, section 5.1, `columns` () means all."""

    table: str
    columns: tuple[str, ...] = ()
    where: tuple[tuple[str, str, Any], ...] = ()

    def operation(self) -> dict[str, Any]:
        operation: dict[str, Any] = {"op": "select", "table": self.table, "where": [list(item) for item in self.where]}
        return operation | ({"columns": list(self.columns)} if self.columns else {})


async def ask(session: Session, database: str, *questions: Select) -> list[list[Row]]:
    """The rows that answer each question. Raises UnreachableError, or CtlError with the server's words."""
    remote = _remote(session, database)
    if remote is None:
        raise UnreachableError(f"database {database}: weftctl.toml has no remote for it")
    members = await find_members(remote.remote, database, session.config.tls, any_member=True)
    if not members:
        raise UnreachableError(*await session.explain(database, remote.remote))
    parameters = [database, *(question.operation() for question in questions)]
    try:
        reply = await transact(members[0].remote, parameters, session.config.tls, _LIMIT)
    except (OSError, ValueError) as error:
        raise UnreachableError(f"database {database}: {members[0].remote}: {error}") from None
    results = reply["result"] or []
    for result in results:
        if result is None or "error" in result:
            raise CtlError(f"database {database}: {(result or {}).get('details') or result}")
    return [[_plain_row(row) for row in result["rows"]] for result in results]


def _remote(session: Session, database: str) -> Remote | None:
    return remotes_of(session.config)[database]


def remotes_of(config: Config) -> dict[str, Remote | None]:
    """Where each database is, by its name; None for those that the configuration does not have."""
    return {
        "OVN_Northbound": config.northbound,
        "OVN_Southbound": config.southbound,
        "Weft": config.weft,
        "OVN_IC_Northbound": config.ic_northbound,
        "OVN_IC_Southbound": config.ic_southbound,
    }


def _plain_row(row: Mapping[str, Any]) -> Row:
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """RFC 7047's writing of a value, section 5.1, as Python has it: sets are lists, UUIDs texts."""
    match value:
        case ["set", items]:
            return [_plain(item) for item in items]
        case ["map", pairs]:
            return {_plain(key): _plain(item) for key, item in pairs}
        case ["uuid" | "named-uuid", text]:
            return text
    return value


def elements(value: Any) -> Sequence[Any]:
    """The elements of a set: one alone is written bare."""
    return value if isinstance(value, list) else [value]
