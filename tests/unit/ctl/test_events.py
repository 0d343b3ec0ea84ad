"""The events between one look at a fabric and the next."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from weft.ctl.events import DAY, Content, Event, Limits, Look, Stream
from weft.ctl.members import Member
from weft.store.fabric import Record

NOW = 1_800_000_000.0
LIMITS = Limits(hold=10, free=10, certificate_days=14)
LEADER = Member("ssl:192.0.2.1:16645", "", "clustered", connected=True, leader=True)
FOLLOWER = Member("ssl:192.0.2.2:16645", "", "clustered", connected=True)
DEAD = Member("ssl:192.0.2.2:16645", "no answer within 2 s")


def host(**changes: Any) -> dict[str, Any]:
    row = {
        "name": "h1", "addresses": ["192.0.2.2"], "ready": True, "problems": {},
        "certificate_expires": int(NOW) + 90 * DAY, "heartbeat": 30, "last_seen": int(NOW),
    }  # fmt: skip
    return row | changes


def record(kind: str, **status: Any) -> Record:
    return Record(uuid.uuid4(), kind, "", "blue", "", 1, "{}", "{}", json.dumps(status))


def usage(kind: str, used: int, left: int) -> Record:
    return record(kind, v4usingIPs=used, v4availableIPs=left)


def look(*members: Member, fabric: Mapping[str, Any] | None = None, **content: Any) -> Look:
    rows: dict[str, Any] = {"hosts": [host()], "records": []} | content
    return Look({"Weft": members or (LEADER, FOLLOWER)}, Content({"leader": "c1"} | dict(fabric or {}), **rows))


def told(stream: Stream, seen: Look, now: float) -> list[tuple[str, str, str]]:
    return [(event.type, event.state, event.about) for event in stream.news(seen, now)]


def events(before: Look, after: Look) -> list[Event]:
    """What has begun when `after` has held long enough."""
    stream = Stream(LIMITS)
    assert list(stream.news(before, NOW)) == []
    return [*stream.news(after, NOW + 1), *stream.news(after, NOW + 12)]


WELL = look()


@pytest.mark.parametrize(
    ("after", "event", "details"),
    [
        (
            look(LEADER, DEAD),
            ("database_member_lost", "began", "Weft ssl:192.0.2.2:16645", "no answer within 2 s"),
            {"database": "Weft", "member": "ssl:192.0.2.2:16645", "address": "192.0.2.2", "host": "h1"},
        ),
        (
            look(FOLLOWER),
            ("database_quorum_lost", "began", "Weft", "no member leads"),
            {"database": "Weft"},
        ),
        (
            look(hosts=[host(last_seen=int(NOW) - 100)]),
            ("host_lost", "began", "h1", "nothing heard for 112 s, at most 91 are usual"),
            {"host": "h1", "addresses": ["192.0.2.2"]},
        ),
        (
            look(hosts=[host(ready=False, problems={"ovs": "ovs-vswitchd does not answer"})]),
            ("host_not_ready", "began", "h1", "ovs-vswitchd does not answer"),
            {"host": "h1", "addresses": ["192.0.2.2"], "problems": {"ovs": "ovs-vswitchd does not answer"}},
        ),
        (
            look(hosts=[host(certificate_expires=int(NOW) + 13 * DAY)]),
            ("certificate_ending", "began", "h1", "ends at 2027-01-28T08:00:00Z"),
            {"host": "h1", "addresses": ["192.0.2.2"], "expires": "2027-01-28T08:00:00Z"},
        ),
        (
            look(records=[usage("IPPool", 95, 5)]),
            ("addresses_low", "began", "IPPool/blue IPv4", "95 of 100 in use, 5 left"),
            {"kind": "IPPool", "name": "blue", "family": "v4", "used": 95, "available": 5},
        ),
        (look(fabric={"alarms": {"held": "51 of Pod"}}), ("alarm", "began", "held", "51 of Pod"), {"alarm": "held"}),
    ],
)  # fmt: skip
def test_a_condition_that_began(after: Look, event: tuple[str, ...], details: dict[str, Any]) -> None:
    (only,) = events(WELL, after)
    assert (only.type, only.state, only.about, only.message) == event
    assert only.details == details


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            WELL,
            look(replace(LEADER, leader=False), replace(FOLLOWER, leader=True)),
            ("database_leader_changed", "Weft", LEADER.remote, FOLLOWER.remote),
        ),
        (WELL, look(fabric={"leader": "c2"}), ("controller_changed", "fabric", "c1", "c2")),
        (
            look(records=[record("Subnet", activateGateway="h1")]),
            look(records=[record("Subnet", activateGateway="h2,h3")]),
            ("gateway_changed", "Subnet/blue", ["h1"], ["h2", "h3"]),
        ),
    ],
)  # fmt: skip
def test_what_changed(before: Look, after: Look, expected: tuple[Any, ...]) -> None:
    (only,) = events(before, after)
    assert (only.type, only.about, only.details["before"], only.details["after"]) == expected
    assert only.state == "changed"


def test_few_addresses_and_plenty() -> None:
    assert events(WELL, look(records=[usage("Subnet", 89, 11), usage("Subnet", 0, 0)])) == []


def test_a_condition_is_told_once_when_it_lasts_and_when_it_ends() -> None:
    stream, bad = Stream(LIMITS), look(LEADER, DEAD)
    lost = ("database_member_lost", "Weft ssl:192.0.2.2:16645")
    assert told(stream, bad, NOW) == []
    assert told(stream, WELL, NOW + 5) == [], "it was too short"
    assert told(stream, bad, NOW + 8) == []
    assert told(stream, bad, NOW + 17) == []
    assert told(stream, bad, NOW + 18) == [(lost[0], "began", lost[1])]
    assert told(stream, bad, NOW + 30) == []
    assert told(stream, WELL, NOW + 31) == [(lost[0], "ended", lost[1])]


def test_what_holds_at_the_first_look_is_told() -> None:
    stream = Stream(Limits(hold=0))
    assert told(stream, look(LEADER, DEAD), NOW) == [("database_member_lost", "began", "Weft ssl:192.0.2.2:16645")]


@pytest.mark.parametrize("blind", [Look({"Weft": [FOLLOWER]}, WELL.content), Look({"Weft": [DEAD]}, None)])
def test_hosts_are_not_lost_while_nobody_can_write_that_they_live(blind: Look) -> None:
    stream = Stream(Limits(hold=0))
    assert told(stream, WELL, NOW) == []
    for later in (60, 600, 6000):
        assert not [event for event in stream.news(blind, NOW + later) if event.type.startswith("host")]


def test_as_json() -> None:
    event = Event("controller_changed", "changed", "fabric", "from a to b", {"before": "a", "after": "b"})
    assert event.document(NOW) == {
        "time": "2027-01-15T08:00:00Z", "type": "controller_changed", "state": "changed", "about": "fabric",
        "message": "from a to b", "before": "a", "after": "b",
    }  # fmt: skip
