"""What restart and rotate_certificates refuse, and in which order they go: tables of looks."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.weft.ovn.plugins.filter.operation import operation_plan

from tests.unit.plugins.test_operation import MEMBERS, Look, well

GROUPS = {
    layer: list(MEMBERS)
    for layer in ("databases", "relays", "northd", "controllers", "agents", "ovn-controller", "vswitchd")
}
Change = Callable[[Look], object]


def look(*changes: Change) -> Look:
    made = copy.deepcopy(well())
    made["everyone"] = dict.fromkeys(MEMBERS, True)
    for change in changes:
        change(made)
    return made


def silent(made: Look) -> None:
    made["everyone"]["c"] = False


def one_member_away(made: Look) -> None:
    made["members"]["c"]["databases"]["Weft"].update(connected=False, status="")


def leads(host: str) -> Change:
    def change(made: Look) -> None:
        made["members"][host]["databases"]["Weft"]["role"] = "leader"

    return change


def alone(made: Look) -> None:
    """A fabric of one member."""
    for state in made["members"]["a"]["databases"].values():
        state["servers"] = state["servers"][:1]
    made["members"] = {"a": made["members"]["a"]}


def stranger(made: Look) -> None:
    made["rows"]["Chassis"].append({"name": "lost1"})


def restarted(made: Look, layers: str = "all", host: str = "", interrupt: bool = False) -> dict[str, Any]:
    options = {"layers": layers, "host": host, "groups": GROUPS, "interrupt": interrupt}
    return dict(operation_plan(made, "restart", options))


def rotated(made: Look, authority: str = "replace", phase: str = "single", **options: Any) -> dict[str, Any]:
    given = {"authority": authority, "phase": phase, "due": {}, "groups": GROUPS, "interconnected": False, **options}
    return dict(operation_plan(made, "rotate_certificates", given))


def reasons(plan: dict[str, Any]) -> str:
    return "; ".join(item["problem"] for item in plan["problems"])


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ((), {"layers": ""}, "operation_layers is empty"),
        ((), {"layers": "all,nortd"}, "there is no layer nortd"),
        ((), {"host": "z"}, "z is no host of the inventory"),
        ((silent,), {}, "c cannot be reached"),
        ((one_member_away,), {}, "Weft: while a restarts there is no majority"),
        ((), {"layers": "vswitchd"}, "1 workloads on b lose packets while vswitchd restarts: shop/web"),
    ],
)
def test_a_restart_is_refused(changes: tuple[Change, ...], options: dict[str, Any], words: str) -> None:
    assert words in reasons(restarted(look(*changes), **options))


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ((), {}),
        ((silent,), {"host": "a"}),
        ((one_member_away,), {"layers": "agents, relays"}),
        ((), {"layers": "vswitchd", "interrupt": True}),
        ((), {"layers": "vswitchd", "host": "a"}),
        ((alone,), {"layers": "databases", "host": "a"}),
    ],
)
def test_a_restart_that_is_safe_goes_on(changes: tuple[Change, ...], options: dict[str, Any]) -> None:
    assert restarted(look(*changes), **options)["problems"] == []


def test_layers_come_in_their_order_and_leaders_last() -> None:
    steps = restarted(look(leads("a")), "northd,databases")["steps"]
    assert [step["progress"] for step in steps] == [
        "1 of 6, databases of b",
        "2 of 6, databases of c",
        "3 of 6, databases of a",
        "4 of 6, northd of a",
        "5 of 6, northd of b",
        "6 of 6, northd of c",
    ]
    assert "weft-ovsdb.service" in steps[0]["units"]


def test_all_layers_are_all_but_the_one_that_carries_packets() -> None:
    layers = {step["layer"] for step in restarted(look(), host="a")["steps"]}
    assert layers == set(GROUPS) - {"vswitchd"}


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ((silent,), {}, "c cannot be reached, and would not trust the next authority"),
        ((stranger,), {}, "the fabric has hosts that the inventory does not: lost1"),
        ((one_member_away,), {}, "Weft: c does not take part"),
        ((), {"interconnected": True}, "other zones trust this authority"),
        ((), {"authority": "abandon", "phase": "promoted"}, "the next authority signs already"),
    ],
)
def test_a_replacement_of_the_authority_is_refused(
    changes: tuple[Change, ...], options: dict[str, Any], words: str
) -> None:
    assert words in reasons(rotated(look(*changes), **options))


@pytest.mark.parametrize("change", [silent, stranger, one_member_away])
def test_certificates_of_the_same_authority_are_replaced_all_the_same(change: Change) -> None:
    plan = rotated(look(change), "keep", due={"a": {"host": "expires"}, "c": {"host": "expires"}})
    assert plan["problems"] == []
    assert {step["host"] for step in plan["steps"]} == {"a", "c"} - ({"c"} if change is silent else set())


@pytest.mark.parametrize(
    ("authority", "phase", "steps"),
    [
        ("keep", "single", []),
        ("keep", "introduced", []),
        ("introduce", "single", ["introduce"]),
        ("introduce", "introduced", []),
        ("abandon", "introduced", ["abandon"]),
        ("abandon", "single", []),
        ("replace", "single", ["introduce", "promote", "retire"]),
        ("replace", "introduced", ["introduce", "promote", "retire"]),
        ("replace", "promoted", ["introduce", "promote", "retire"]),
    ],
)
def test_steps_of_the_authority(authority: str, phase: str, steps: list[str]) -> None:
    plan = rotated(look(), authority, phase)
    assert (plan["authority"], plan["problems"]) == (steps, [])
    assert {step["layer"] for step in plan["steps"]} == ({"retire"} & set(steps) and set(GROUPS) - {"vswitchd"})


def test_zones_that_were_told_of_the_next_authority_do_not_stand_against_it() -> None:
    assert rotated(look(), phase="introduced", interconnected=True)["problems"] == []


# --- uninstall ---


def no_majority(made: Look) -> None:
    for member in made["members"].values():
        member["databases"]["Weft"].update(connected=False, status="")


def zone(made: Look) -> None:
    made["rows"]["NB_Global"] = [{"name": "az1"}]


def gone(made: Look) -> None:
    """What an uninstalled fabric looks like."""
    made["rows"] = {}
    for member in made["members"].values():
        for state in member["databases"].values():
            state.update(connected=False, exists=False, status="", servers=[])


def uninstalled(made: Look, **options: Any) -> dict[str, Any]:
    given = {"confirm": "rack1", "fabric": "rack1", "dead": False, "cut_off": False, **options}
    return dict(operation_plan(made, "uninstall", given))


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ((), {}, "1 workloads run, and would have no network: shop/web"),
        ((), {"confirm": "rack2", "cut_off": True}, "operation_confirm is 'rack2', and this fabric is 'rack1'"),
        ((silent,), {"cut_off": True}, "c cannot be reached, and would keep all"),
        ((no_majority,), {}, "Weft: no member has a majority, so nobody knows"),
        ((zone,), {"cut_off": True}, "the fabric is the zone az1"),
    ],
)
def test_an_end_is_refused(changes: tuple[Change, ...], options: dict[str, Any], words: str) -> None:
    assert words in reasons(uninstalled(look(*changes), **options))


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ((), {"cut_off": True}),
        ((silent,), {"cut_off": True, "dead": True}),
        ((no_majority,), {"cut_off": True}),
        ((gone,), {}),
    ],
)
def test_an_end_that_is_meant_goes_on(changes: tuple[Change, ...], options: dict[str, Any]) -> None:
    assert uninstalled(look(*changes), **options)["problems"] == []
