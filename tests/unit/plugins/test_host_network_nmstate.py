"""Documents of nmstate, and what a host that shows its state in the same terms lacks of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.weft.ovn.plugins.module_utils.tuning.host import Host

from plugins.module_utils.network import description, nmstate

ROUTE = {"to": "default", "via": "192.0.2.1", "metric": 50, "table": None}
BOND = {
    "name": "bond0",
    "type": "bond",
    "nics": ["eth1", "eth2"],
    "mode": "802.3ad",
    "lacp_rate": "fast",
    "miimon": 100,
}
VLAN = {
    "name": "bond0.100",
    "type": "vlan",
    "parent": "bond0",
    "id": 100,
    "mtu": 1500,
    "addresses": ["192.0.2.11/24", "2001:DB8::11/64"],
    "routes": [ROUTE],
    "dns": ["192.0.2.53"],
}
BRIDGE = {"name": "br-ex", "type": "ovs_bridge", "nics": ["eth3"], "addresses": ["198.51.100.11/24"], "mtu": 1400}
OFF = {"enabled": False}


def document(*items: dict[str, Any], before: dict[str, str] | None = None) -> dict[str, Any]:
    described = description.whole([description.interface(**item) for item in items])
    return dict(nmstate.document(described, before or {}))


def part(found: dict[str, Any], name: str, kind: str) -> dict[str, Any]:
    return dict(next(each for each in found["interfaces"] if (each["name"], each["type"]) == (name, kind)))


@pytest.mark.parametrize(
    ("items", "name", "kind", "expected"),
    [
        (
            [BOND],
            "bond0",
            "bond",
            {
                "link-aggregation": {
                    "mode": "802.3ad",
                    "port": ["eth1", "eth2"],
                    "options": {"miimon": 100, "lacp_rate": "fast"},
                },
                "ipv4": OFF,
                "ipv6": OFF,
            },
        ),
        ([BOND], "eth2", "ethernet", {"ipv4": OFF, "ipv6": OFF}),
        (
            [BOND, VLAN],
            "bond0.100",
            "vlan",
            {
                "mtu": 1500,
                "vlan": {"base-iface": "bond0", "id": 100},
                "ipv4": {"enabled": True, "dhcp": False, "address": [{"ip": "192.0.2.11", "prefix-length": 24}]},
                "ipv6": {
                    "enabled": True,
                    "dhcp": False,
                    "autoconf": False,
                    "address": [{"ip": "2001:db8::11", "prefix-length": 64}],
                },
            },
        ),
        ([BRIDGE], "br-ex", "ovs-bridge", {"bridge": {"port": [{"name": "br-ex"}, {"name": "eth3"}]}}),
        (
            [BRIDGE],
            "br-ex",
            "ovs-interface",
            {
                "mtu": 1400,
                "ipv4": {"enabled": True, "dhcp": False, "address": [{"ip": "198.51.100.11", "prefix-length": 24}]},
                "ipv6": OFF,
            },
        ),
        (
            [{"name": "eth1", "dhcp": ["ipv6"]}],
            "eth1",
            "ethernet",
            {"ipv4": OFF, "ipv6": {"enabled": True, "dhcp": True, "autoconf": True, "address": []}},
        ),
    ],
)
def test_interfaces(items: list[dict[str, Any]], name: str, kind: str, expected: dict[str, Any]) -> None:
    assert part(document(*items), name, kind) == {"name": name, "type": kind, "state": "up", **expected}


def test_routes_and_name_servers() -> None:
    found = document(BOND, VLAN)
    assert found["routes"]["config"] == [
        {"next-hop-interface": "bond0.100", "state": "absent"},
        {
            "destination": "0.0.0.0/0",
            "next-hop-interface": "bond0.100",
            "next-hop-address": "192.0.2.1",
            "metric": 50,
        },
    ]
    assert found["dns-resolver"] == {"config": {"server": ["192.0.2.53"], "search": []}}


def test_what_was_made_and_is_no_longer_described_goes() -> None:
    found = document(BOND, before={"bond0": "bond", "bond0.7": "vlan"})
    assert found["interfaces"][-1] == {"name": "bond0.7", "type": "vlan", "state": "absent"}


def shown() -> dict[str, Any]:
    """A host that has BOND, VLAN and BRIDGE, with more than is described."""
    now = copy.deepcopy(document(BOND, VLAN, BRIDGE))
    now["routes"]["config"] = now["routes"]["config"][1:2]
    for item in now["interfaces"]:
        item["mac-address"] = "52:54:00:00:00:01"
    part(now, "br-ex", "ovs-bridge")["bridge"]["port"].append({"name": "tap0"})
    part(now, "bond0", "bond")["link-aggregation"]["options"]["resend_igmp"] = 1
    return now


def lose_address(now: dict[str, Any]) -> None:
    part(now, "bond0.100", "vlan")["ipv4"]["address"].clear()


def lose_nic(now: dict[str, Any]) -> None:
    part(now, "bond0", "bond")["link-aggregation"]["port"].remove("eth2")


def take_nic(now: dict[str, Any]) -> None:
    part(now, "bond0", "bond")["link-aggregation"]["port"].append("eth7")


def lose_bridge(now: dict[str, Any]) -> None:
    now["interfaces"] = [each for each in now["interfaces"] if each["name"] != "br-ex"]


def lose_route(now: dict[str, Any]) -> None:
    now["routes"]["config"].clear()


def other_rate(now: dict[str, Any]) -> None:
    part(now, "bond0", "bond")["link-aggregation"]["options"]["lacp_rate"] = "slow"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda now: None, set()),
        (lose_address, {"bond0.100 ipv4 address"}),
        (lose_nic, {"bond0 link-aggregation port"}),
        (take_nic, {"bond0 link-aggregation port"}),
        (lose_bridge, {"br-ex interface"}),
        (lose_route, {"bond0.100 route 0.0.0.0/0"}),
        (other_rate, {"bond0 link-aggregation options lacp_rate"}),
    ],
)
def test_what_a_host_lacks(change: Callable[[dict[str, Any]], None], expected: set[str]) -> None:
    now = shown()
    change(now)
    assert set(nmstate.differences(document(BOND, VLAN, BRIDGE), now)) == expected


class _Managed(Host):  # type: ignore[misc]  # plugins are not typed
    """A host whose nmstatectl shows a state; what else it is asked is written down."""

    def __init__(self, root: Path, state: dict[str, Any]) -> None:
        super().__init__(str(root))
        self.state = state
        self.ran: list[str] = []

    def run(self, *words: str) -> str:
        self.ran.append(" ".join(words))
        return json.dumps(self.state)


def test_a_change_is_applied_under_a_check_point_and_confirmed(tmp_path: Path) -> None:
    host = _Managed(tmp_path, {"interfaces": []})
    plan = nmstate.Plan(host, description.whole([description.interface(**BOND)]))
    assert plan.touched == ["bond0", "eth1", "eth2"]
    plan.carry_out(host, 60)
    nmstate.confirm(host)
    path = host.path(nmstate.DOCUMENT)
    assert host.ran[1:] == [f"nmstatectl apply --no-commit --timeout 60 {path}", "nmstatectl commit"]
    assert json.loads(Path(path).read_text()) == document(BOND)
    assert json.loads(Path(host.path(nmstate.RECORD)).read_text()) == {"bond0": "bond"}


def test_what_is_removed_is_removed_once(tmp_path: Path) -> None:
    host = _Managed(tmp_path, {"interfaces": [{"name": "bond0", "type": "bond"}]})
    Path(host.path(nmstate.RECORD)).parent.mkdir(parents=True)
    Path(host.path(nmstate.RECORD)).write_text('{"bond0": "bond"}')
    assert nmstate.Plan(host, []).pairs == {"bond0 interface": ("present", "absent")}
    host.state = {"interfaces": []}
    assert not nmstate.Plan(host, [])
