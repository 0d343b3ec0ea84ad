"""`status`: all that an operator needs to know first, gathered from any member that answers.

It must work when little else does: it reads from followers too, and says for each database what its members say.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from weft.ctl.errors import UnreachableError
from weft.ctl.members import Member, ask_members
from weft.ctl.session import Session, read_records, read_rows
from weft.store.fabric import Record

STALE_AFTER = 90
"""Seconds after which a host that said nothing is called silent."""
NEARLY_FULL = 0.9
TABLES = ("Object", "Host_Status", "Fabric")

ADVICE: Mapping[str, str] = {
    "held": "are they really gone from your source of documents? Then approve as it says, else apply them again",
    "paused": "weftctl resume, when whoever paused it agrees",
    "store": "restore the Weft database from a backup; nothing is written until then",
    "fabric": "check [northbound] of controller.toml: it points to another fabric's database",
    "conflict": "two reservations claim one address: delete one of the IP objects and recreate its pod",
    "rejected": "correct the object: weftctl describe it, then weftctl apply",
    "refused": "the database's server refused rows of this object: see the controller's journal",
}


@dataclass(slots=True)
class Kind:
    """Objects of one kind: how many, and which are not ready, with why."""

    total: int = 0
    not_ready: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Host:
    """What a host's agent says of it."""

    name: str
    ready: bool
    seen: float
    """Seconds ago."""
    encap: str
    versions: dict[str, str]
    problems: dict[str, str]
    mtu: int = 0
    """That of the interface below its tunnels."""

    @property
    def silent(self) -> bool:
        return self.seen > STALE_AFTER


@dataclass(slots=True)
class Report:
    """Everything on the screen."""

    unreachable: str = ""
    fabric: dict[str, Any] = field(default_factory=dict)
    alarms: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)
    full: dict[str, str] = field(default_factory=dict)
    """Subnets of which few addresses are left."""
    hosts: list[Host] = field(default_factory=list)
    uneven: str = ""
    """Which hosts differ by the MTU below their tunnels, and how."""
    databases: dict[str, list[Member]] = field(default_factory=dict)
    relays: dict[str, list[Member]] = field(default_factory=dict)
    """Of some databases: what hosts connect to."""

    @property
    def healthy(self) -> bool:
        """Is there nothing that somebody should look at?"""
        return not (
            self.unreachable
            or self.alarms
            or self.full
            or any(kind.not_ready for kind in self.kinds.values())
            or any(host.silent or host.problems or not host.ready for host in self.hosts)
            or any(member.problem or not member.connected for members in self._asked for member in members)
            or any(not any(m.role in ("leader", "standalone") for m in members) for members in self.databases.values())
        )

    @property
    def _asked(self) -> Iterator[list[Member]]:
        return itertools.chain(self.databases.values(), self.relays.values())

    def document(self) -> dict[str, Any]:
        return {
            **{key: value for key, value in asdict(self).items() if key not in ("hosts", "databases", "relays")},
            "healthy": self.healthy,
            "hosts": [{**asdict(host), "silent": host.silent} for host in self.hosts],
            "databases": _documents(self.databases),
            "relays": _documents(self.relays),
        }


def _documents(databases: Mapping[str, list[Member]]) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [{**asdict(member), "role": member.role} for member in members] for name, members in databases.items()
    }


async def gather(session: Session) -> Report:
    """Ask everybody at once."""
    databases, relays, report = await asyncio.gather(ask_databases(session), _relays(session), _content(session))
    report.databases, report.relays = databases, relays
    return report


async def ask_databases(session: Session) -> dict[str, list[Member]]:
    """What each member of each database says."""
    config = session.config
    wanted = {"OVN_Northbound": config.northbound, "OVN_Southbound": config.southbound, "Weft": config.weft}
    return await _ask({name: remote.remote for name, remote in wanted.items() if remote is not None}, session)


async def _relays(session: Session) -> dict[str, list[Member]]:
    relays = session.config.relays
    return await _ask({"OVN_Southbound": relays.southbound, "Weft": relays.weft}, session)


async def _ask(remotes: Mapping[str, str], session: Session) -> dict[str, list[Member]]:
    known = {name: remote for name, remote in remotes.items() if remote}
    members = await asyncio.gather(*(ask_members(remote, name, session.config.tls) for name, remote in known.items()))
    return dict(zip(known, members, strict=True))


async def _content(session: Session) -> Report:
    report = Report()
    try:
        async with session.weft(TABLES, any_member=True) as weft:
            fabrics = await read_rows(weft, "Fabric")
            records = await read_records(weft)
            hosts = await read_rows(weft, "Host_Status")
    except UnreachableError as error:
        report.unreachable = error.lines[0].removesuffix("; tried:")
        return report
    if fabrics:
        names = ("uid", "leader", "epoch", "initialized", "paused", "approved")
        report.fabric = {name: fabrics[0][name] for name in names}
        report.fabric["pause_reason"] = fabrics[0]["external_ids"].get("pause-reason", "")
        report.alarms = dict(sorted(fabrics[0]["alarms"].items()))
    else:
        report.alarms["fabric"] = "the Weft database has no Fabric row: the role ovn_central makes it"
    report.kinds = _kinds(records.values())
    report.full = dict(_full_subnets(records.values()))
    report.hosts = sorted((_host(row, time.time()) for row in hosts), key=lambda host: host.name)
    report.uneven = uneven(report.hosts)
    return report


def _kinds(records: Iterable[Record]) -> dict[str, Kind]:
    kinds: dict[str, Kind] = {}
    for record in records:
        kind = kinds.setdefault(record.kind, Kind())
        kind.total += 1
        if record.status and (why := _not_ready(json.loads(record.status))) is not None:
            kind.not_ready[record.ref] = why
        elif not record.status and record.kind in ("Pod", "Subnet", "Vpc"):
            kind.not_ready[record.ref] = "the controller has not looked at it yet"
    return dict(sorted(kinds.items()))


def _not_ready(status: Mapping[str, Any]) -> str | None:
    """Why an object is not ready. That a field is without effect yet does not make it so."""
    for condition in status.get("conditions", ()):
        if condition["type"] in ("Ready", "Allocated") and condition["status"] != "True":
            return ": ".join(filter(None, (condition["reason"], condition["message"])))
    return None


def _full_subnets(records: Iterable[Record]) -> Iterable[tuple[str, str]]:
    for record in records:
        for family, used, free in address_usage(record) if record.kind == "Subnet" else ():
            if used >= NEARLY_FULL * (used + free):
                yield f"{record.ref} IP{family}", f"{used} of {used + free} addresses in use, {free} left"


def address_usage(record: Record) -> Iterator[tuple[str, int, int]]:
    """How many addresses a subnet or pool has given out, and how many are left, by family ("v4", "v6")."""
    status = json.loads(record.status) if record.status else {}
    for family in ("v4", "v6"):
        if used := status.get(f"{family}usingIPs", 0):
            yield family, used, status.get(f"{family}availableIPs", 0)


def _host(row: Mapping[str, Any], now: float) -> Host:
    encap = f"{row['encap_type']} {row['encap_ip']}".strip()
    seen = max(now - row["last_seen"], 0)
    return Host(row["name"], row["ready"], seen, encap, row["versions"], row["problems"], row["mtu"])


def uneven(hosts: Iterable[Host]) -> str:
    """Hosts by the MTU below their tunnels, where there is more than one: a workload's follows from its host's."""
    groups: dict[int, list[str]] = {}
    for host in hosts:
        groups.setdefault(host.mtu, []).append(host.name)
    groups.pop(0, None)
    if len(groups) < 2:
        return ""
    shown = (
        f"{mtu} on {names[0]}" + (f" and {len(names) - 1} more" if names[1:] else "") for mtu, names in groups.items()
    )
    return ", ".join(shown)
