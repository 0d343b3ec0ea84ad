"""Who bootstraps, who joins, and what an operator's slip must not do."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.filter.raft import database_servers, raft_plan, remotes

MEMBERS = ["a", "b", "c"]
CLUSTER = "11111111-1111-1111-1111-111111111111"
OTHER = "22222222-2222-2222-2222-222222222222"


def state(host: str, **differing: Any) -> dict[str, Any]:
    base = {
        "exists": False,
        "path": "/var/lib/ovn/nb.db",
        "clustered": False,
        "cluster": "",
        "noted": "",
        "servers": [],
    }
    return {"NB": {**base, "address": f"ssl:{host}:6643", **differing}}


def member(host: str, cluster: str = CLUSTER, **differing: Any) -> dict[str, Any]:
    return state(host, **{"exists": True, "clustered": True, "cluster": cluster, "noted": cluster, **differing})


def bare() -> dict[str, Any]:
    return {host: state(host) for host in MEMBERS}


def whole() -> dict[str, Any]:
    return {host: member(host) for host in MEMBERS}


def test_the_first_of_bare_members_bootstraps_and_the_others_join_it() -> None:
    plan = raft_plan(bare(), MEMBERS)
    assert plan["errors"] == []
    assert plan["actions"]["a"] == {"NB": {"action": "bootstrap"}}
    join = {"action": "join", "cluster": "", "remotes": ["ssl:a:6643"]}
    assert plan["actions"]["b"] == plan["actions"]["c"] == {"NB": join}


def test_a_single_member_bootstraps_alone() -> None:
    assert raft_plan({"a": state("a")}, ["a"])["actions"] == {"a": {"NB": {"action": "bootstrap"}}}


def test_once_the_first_has_it_the_others_are_told_which_cluster_to_join() -> None:
    plan = raft_plan({**bare(), "a": member("a")}, MEMBERS)
    join = {"action": "join", "cluster": CLUSTER, "remotes": ["ssl:a:6643"]}
    assert plan == {"errors": [], "actions": {"a": {}, "b": {"NB": join}, "c": {"NB": join}}}


def test_nothing_is_to_do_for_a_whole_cluster() -> None:
    assert raft_plan(whole(), MEMBERS) == {"errors": [], "actions": {"a": {}, "b": {}, "c": {}}}


def test_a_whole_cluster_may_be_run_with_a_limit() -> None:
    assert raft_plan({"b": member("b"), "a": {}, "c": {}}, MEMBERS)["errors"] == []


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ({"a": state("a")}, "refusing to bootstrap a cluster: b, c not part of this run (--limit"),
        ({"a": state("a"), "b": state("b"), "c": {}}, "c not part of this run"),
        ({**whole(), "a": state("a")}, "a is the first member and has no database, while b, c have one"),
        ({**whole(), "b": member("b", OTHER)}, "members are of different clusters"),
        ({**whole(), "b": state("b", noted=OTHER)}, "members are of different clusters"),
        ({host: state(host, noted=CLUSTER) for host in MEMBERS}, "lost its database /var/lib/ovn/nb.db"),
        ({**whole(), "b": state("b", noted=CLUSTER)}, f"b was a member of cluster {CLUSTER} and lost its database"),
        (
            {**whole(), "a": member("a", servers=["ssl:b:6643"]), "b": state("b")},
            "the cluster lists its address ssl:b:6643",
        ),
        ({**bare(), "a": state("a", exists=True)}, "a has the standalone database /var/lib/ovn/nb.db"),
    ],
    ids=[
        "limit",
        "unreachable",
        "first lost its disk",
        "two clusters",
        "note of another cluster",
        "all lost their databases",
        "database lost",
        "still listed by the cluster",
        "standalone",
    ],
)
def test_slips_are_refused_with_their_reason(states: dict[str, Any], words: str) -> None:
    plan = raft_plan(states, MEMBERS)
    assert words in ". ".join(plan["errors"])
    assert all(action == {} for action in plan["actions"].values())


def test_the_first_member_joins_when_it_is_told_to() -> None:
    plan = raft_plan({**whole(), "a": state("a")}, MEMBERS, join_first=True)
    assert plan["errors"] == []
    assert plan["actions"]["a"]["NB"]["remotes"] == ["ssl:b:6643", "ssl:c:6643"]


def test_an_even_number_of_members_is_refused() -> None:
    assert raft_plan({"a": state("a"), "b": state("b")}, ["a", "b"])["errors"] == [
        "2 members ['a', 'b']: 1, 3 or 5 are allowed"
    ]


def test_remotes_name_every_member_and_bracket_ipv6() -> None:
    assert remotes(["192.0.2.1", "2001:db8::1"], 6642) == "ssl:192.0.2.1:6642,ssl:[2001:db8::1]:6642"


@pytest.mark.parametrize(
    ("groups", "relays", "servers"),
    [
        ({"ovn_central": ["a", "b"]}, True, ["a", "b"]),
        ({"ovn_central": ["a", "b"], "ovn_relays": []}, True, ["a", "b"]),
        ({"ovn_central": ["a", "b"], "ovn_relays": ["r"]}, True, ["r"]),
        ({"ovn_central": ["a", "b"], "ovn_relays": ["r"]}, False, ["a", "b"]),
        ({}, True, []),
    ],
)
def test_hosts_find_the_databases_at_relays_or_members(
    groups: dict[str, list[str]], relays: bool, servers: list[str]
) -> None:
    assert database_servers(groups, relays) == servers
