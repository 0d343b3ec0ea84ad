"""What happens to a fabric: conditions that begin and end, and who leads or carries traffic in whose place. Pure.

    database_member_lost    a member of a database does not answer, or has lost its cluster
    database_quorum_lost    no member of a database leads: nothing can be written
    host_lost               a host's agent has not been heard of (as the controller judges it for gateways)
    host_not_ready          its agent says that it cannot take workloads
    certificate_ending      a host's certificate ends soon
    addresses_low           few addresses of a subnet or pool are left
    alarm                   the controller raised one
    watching                the first event of all

These have a `state`: `began` when they have held for a while, `ended` when they hold no more. The others are
`changed`: `database_leader_changed`, `controller_changed`, `gateway_changed`, each with `before` and `after`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from weft.ctl.central.databases import address_of
from weft.ctl.members import Member
from weft.ctl.status import address_usage
from weft.store.fabric import Record
from weft.topology.silence import limit, overdue

DAY = 86400
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """When a condition counts."""

    hold: float = 10
    """Seconds that it must have held."""
    free: float = 10
    """Percent of a subnet's or pool's addresses that are left, at most, for these to be few."""
    certificate_days: float = 14


@dataclass(frozen=True, slots=True)
class Content:
    """The rows of the Weft database that events are about."""

    fabric: Row
    hosts: Sequence[Row]
    records: Sequence[Record]
    """Objects of the kinds Subnet and IPPool; none where Kubernetes has them."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a fabric. Without `content` the Weft database could not be read: what it said goes on to hold."""

    members: Mapping[str, Sequence[Member]]
    content: Content | None


@dataclass(frozen=True, slots=True)
class Event:
    """`about` names what it concerns, for a person; `details` the same in parts, for a program."""

    type: str
    state: str
    about: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def document(self, now: float) -> dict[str, Any]:
        """As JSON has it; `now` in seconds since 1970."""
        fields = {"type": self.type, "state": self.state, "about": self.about, "message": self.message}
        return {"time": _moment(now), **fields, **self.details}


WATCHING = Event("watching", "began", "fabric", "what happens from here on is told")
"""Comes first, when the fabric has been looked at once."""


class Stream:
    """Events between one look and the next. The first look tells what holds already."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._content: Content | None = None
        self._seen_at = 0.0
        self._since: dict[tuple[str, str], float] = {}
        self._begun: dict[tuple[str, str], Event] = {}
        self._facts: dict[tuple[str, str], Any] = {}

    def news(self, look: Look, now: float) -> Iterator[Event]:
        """What a look at the time `now` (seconds since 1970) tells that the one before did not."""
        leaders = {name: _leader(members) for name, members in look.members.items()}
        if look.content is not None and leaders.get("Weft", "unknown"):
            self._content, self._seen_at = look.content, now  # else nobody could write signs of life
        holding = {(event.type, event.about): event for event in self._holding(look, leaders, now)}
        yield from self._ended(holding)
        yield from self._began(holding, now)
        yield from self._changed(leaders)

    def _holding(self, look: Look, leaders: Mapping[str, str], now: float) -> Iterator[Event]:
        hosts = self._content.hosts if self._content else ()
        names = {address: row["name"] for row in hosts for address in row["addresses"]}
        for database, members in look.members.items():
            yield from _lost_members(database, members, names)
            if not leaders[database]:
                yield Event("database_quorum_lost", "began", database, "no member leads", {"database": database})
        if self._content is not None:
            yield from _of_hosts(self._content.hosts, self._seen_at, self._limits, now)
            yield from _low(self._content.records, self._limits.free)
            for name, text in self._content.fabric.get("alarms", {}).items():
                yield Event("alarm", "began", name, text, {"alarm": name})

    def _ended(self, holding: Mapping[tuple[str, str], Event]) -> Iterator[Event]:
        for key in [key for key in self._since if key not in holding]:
            del self._since[key]
            if (event := self._begun.pop(key, None)) is not None:
                yield Event(event.type, "ended", event.about, event.message, event.details)

    def _began(self, holding: Mapping[tuple[str, str], Event], now: float) -> Iterator[Event]:
        for key, event in holding.items():
            if now - self._since.setdefault(key, now) >= self._limits.hold and key not in self._begun:
                self._begun[key] = event
                yield event

    def _changed(self, leaders: Mapping[str, str]) -> Iterator[Event]:
        facts: dict[tuple[str, str], Any] = {}
        facts |= {("database_leader_changed", name): leader for name, leader in leaders.items() if leader}
        if self._content is not None:
            facts[("controller_changed", "fabric")] = self._content.fabric.get("leader", "")
            facts |= {("gateway_changed", ref): hosts for ref, hosts in _gateways(self._content.records)}
        for (kind, about), after in facts.items():
            before = self._facts.get((kind, about), after)
            if before != after:
                message = f"from {_words(before)} to {_words(after)}"
                yield Event(kind, "changed", about, message, {"before": before, "after": after})
        self._facts |= facts


def _leader(members: Iterable[Member]) -> str:
    return next((member.remote for member in members if member.role in ("leader", "standalone")), "")


def _lost_members(database: str, members: Iterable[Member], names: Mapping[str, str]) -> Iterator[Event]:
    for member in members:
        if member.problem or not member.connected:
            address = address_of(member.remote)
            details = {
                "database": database,
                "member": member.remote,
                "address": address,
                "host": names.get(address, ""),
            }
            reason = member.problem or "answers, but has lost its cluster"
            yield Event("database_member_lost", "began", f"{database} {member.remote}", reason, details)


def _of_hosts(hosts: Iterable[Row], seen_at: float, limits: Limits, now: float) -> Iterator[Event]:
    for row in hosts:
        name, details = row["name"], {"host": row["name"], "addresses": sorted(row["addresses"])}
        if overdue(row, seen_at):
            words = f"nothing heard for {seen_at - row['last_seen']:.0f} s, at most {limit(row):.0f} are usual"
            yield Event("host_lost", "began", name, words, details)
        elif not row["ready"]:
            words = "; ".join(row["problems"].values()) or "its agent says so"
            yield Event("host_not_ready", "began", name, words, {**details, "problems": dict(row["problems"])})
        if row["certificate_expires"] and row["certificate_expires"] - now < limits.certificate_days * DAY:
            ends = _moment(row["certificate_expires"])
            yield Event("certificate_ending", "began", name, f"ends at {ends}", {**details, "expires": ends})


def _low(records: Iterable[Record], free: float) -> Iterator[Event]:
    for record in records:
        for family, used, left in address_usage(record):
            if left * 100 <= free * (used + left):
                details = {"kind": record.kind, "name": record.name, "family": family, "used": used, "available": left}
                about = f"{record.ref} IP{family}"
                yield Event("addresses_low", "began", about, f"{used} of {used + left} in use, {left} left", details)


def _gateways(records: Iterable[Record]) -> Iterator[tuple[str, list[str]]]:
    """The hosts by which each centralized subnet leaves now."""
    for record in records:
        active = json.loads(record.status).get("activateGateway") if record.status else ""
        if active:
            yield record.ref, active.split(",")


def _words(value: Any) -> str:
    return (", ".join(value) if isinstance(value, list) else str(value)) or "none"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
