"""What the lab's cabling does, given what is there."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.modules.lab_switch import plan_bridge, plan_link, plan_namespace, plan_removal, plan_tap

BRIDGE = {"name": "brm", "mtu": 1500, "address": "172.30.0.1/24"}
LINK = {
    "name": "lab1-mgmt0",
    "bridge": "brm",
    "pid": 7,
    "nic": "mgmt0",
    "mtu": 1500,
    "address": "172.30.0.11/24",
}


def words(commands: list[list[str]]) -> list[str]:
    return [" ".join(command) for command in commands]


def test_a_missing_namespace_is_made_and_a_present_one_left_alone() -> None:
    assert words(plan_namespace("sw", exists=False)) == ["ip netns add sw", "ip -n sw link set lo up"]
    assert plan_namespace("sw", exists=True) == []


@pytest.mark.parametrize(
    ("nics", "expected"),
    [
        ({}, ["link add brm", "link set brm up", "address add 172.30.0.1/24 dev brm"]),
        ({"brm": []}, ["address add 172.30.0.1/24 dev brm"]),
        ({"brm": ["172.30.0.1/24"]}, []),
    ],
)
def test_only_what_a_bridge_lacks_is_done(nics: dict[str, list[str]], expected: list[str]) -> None:
    commands = words(plan_bridge("sw", BRIDGE, nics))
    assert len(commands) == len(expected)
    assert all(part in command for part, command in zip(expected, commands, strict=True))


def test_a_link_is_made_between_switch_and_host() -> None:
    assert words(plan_link("sw", LINK, {}, {})) == [
        "ip -n sw link add lab1-mgmt0 mtu 1500 type veth peer name mgmt0 mtu 1500 netns 7",
        "ip -n sw link set lab1-mgmt0 master brm up",
        "nsenter --target 7 --net ip link set mgmt0 up",
        "nsenter --target 7 --net ip address add 172.30.0.11/24 dev mgmt0",
    ]


def test_a_link_that_is_there_is_left_alone() -> None:
    assert plan_link("sw", LINK, {"lab1-mgmt0": []}, {"mgmt0": ["172.30.0.11/24"]}) == []


def test_the_switch_end_of_a_host_that_is_gone_makes_room() -> None:
    commands = words(plan_link("sw", LINK, {"lab1-mgmt0": []}, {}))
    assert commands[0] == "ip -n sw link delete lab1-mgmt0"


def test_a_link_without_address_gets_none() -> None:
    link: dict[str, Any] = {**LINK, "address": None}
    assert plan_link("sw", link, {"lab1-mgmt0": []}, {"mgmt0": []}) == []


TAP = {"name": "metal1-mgmt0", "bridge": "brm", "mtu": 1500, "pid": None, "nic": None, "address": None}


def test_a_virtual_machine_gets_a_tap_device_on_the_bridge() -> None:
    assert words(plan_tap("sw", TAP, {})) == [
        "ip -n sw tuntap add dev metal1-mgmt0 mode tap vnet_hdr",
        "ip -n sw link set metal1-mgmt0 mtu 1500 master brm up",
    ]
    assert plan_tap("sw", TAP, {"metal1-mgmt0": []}) == []


@pytest.mark.parametrize(
    ("cabled", "expected"),
    [
        (
            {"lab1-mgmt0", "lab1-eth1", "far1-mgmt0"},
            ["ip -n sw link delete lab1-mgmt0", "ip -n sw link delete lab1-eth1"],
        ),
        ({"lab1-mgmt0", "lab1-eth1"}, ["ip netns delete sw"]),
        ({"far1-mgmt0"}, []),
        (set(), ["ip netns delete sw"]),
    ],
    ids=["another's host is cabled", "the last", "another's alone", "none"],
)
def test_the_switch_goes_with_the_last_link(cabled: set[str], expected: list[str]) -> None:
    assert words(plan_removal("sw", ["lab1-mgmt0", "lab1-eth1"], cabled)) == expected
