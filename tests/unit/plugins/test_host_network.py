"""What the network's logic decides: problems, files, steps, and the script that puts everything back."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.weft.ovn.plugins.module_utils.tuning.host import Host, TuningError

from plugins.module_utils.network import checkpoint, description, links, networkd, ovs, problems
from plugins.module_utils.network.facts import Facts, claims
from plugins.module_utils.network.plan import Plan

BOND = {"name": "bond0", "type": "bond", "nics": ["eth1", "eth2"], "mode": "802.3ad"}
VLAN = {"name": "bond0.100", "type": "vlan", "parent": "bond0", "id": 100}
BRIDGE = {"name": "br-ex", "type": "ovs_bridge", "nics": ["bond0.100"], "addresses": ["192.0.2.21/24"]}
SSH = "198.51.100.5"


def nic(number: int, **more: Any) -> dict[str, Any]:
    """A NIC of a host: eth0 is the one that SSH comes by, in the tests that say so."""
    seen = {
        "ifname": f"eth{number}",
        "flags": ["UP"],
        "mtu": 1500,
        "max_mtu": 9216,
        "address": f"52:54:00:00:00:0{number}",
        "addr_info": [],
    }
    return {**links.parse(seen), "pci": f"0000:0{number}:00.0", "speedless": False, **more}


def other(kind: str | None, **more: Any) -> dict[str, Any]:
    return nic(9, kind=kind, pci=None, **more)


def facts(**more: Any) -> Facts:
    """A host with three NICs and a switch without bridges, reached by eth0."""
    nics = {f"eth{number}": nic(number) for number in range(3)}
    nics["eth0"]["addresses"] = {f"{SSH}/24": False}
    given = {
        "switch": ovs.Switch({}, set(), {}),
        "ssh": SSH,
        "managed": {"eth0": "/run/systemd/network/10-eth0.network"},
    }
    return Facts(**{**given, **more, "links": {**nics, **more.get("links", {})}})


def described(*items: dict[str, Any]) -> list[dict[str, Any]]:
    """As a module gets it, with the NICs that follow from it."""
    routes = {"via": None, "metric": None, "table": None}
    full = [{**item, "routes": [{**routes, **route} for route in item.get("routes", [])]} for item in items]
    return list(description.whole([description.interface(**item) for item in full]))


def plan(*items: dict[str, Any], **more: Any) -> Plan:
    return Plan(facts(**more), described(*items))


def written(*items: dict[str, Any]) -> dict[str, str]:
    return dict(networkd.files(described(*items)))


def test_nothing_stands_against_a_good_description() -> None:
    assert problems.find(facts(), described(BOND, VLAN, BRIDGE, {"name": "up0", "pci": "0000:00:00.0"})) == []


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([{"name": "eth9"}], "eth9: no such NIC; this host has eth0 (52:54:00:00:00:00, 0000:00:00.0), eth1"),
        ([{"name": "up0", "mac": "52:54:00:00:00:99"}], "up0: no such NIC with 52:54:00:00:00:99; this host has"),
        ([{"name": "up0", "mac": "5254"}], "up0: mac is '5254', wanted is an address such as"),
        ([{"name": "up0", "pci": "1:0"}], "up0: pci is '1:0', wanted is an address such as 0000:3b:00.0"),
        ([{"name": "eth1", "pci": "0000:02:00.0"}], "eth1: the name is that of another interface (0000:01:00.0)"),
        ([{"name": "eth1", "mtu": 9217}], "eth1: mtu is 9217, the NIC allows at most 9216"),
        ([{"name": "eth1", "mtu": 60}], "eth1: mtu is 60, allowed are 68 to 65535"),
        ([{"name": "eth1", "mtu": 1000, "addresses": ["2001:db8::1/64"]}], "mtu is 1000, IPv6 wants at least 1280"),
        ([{**BOND, "mtu": 9300}], "bond0: mtu is 9300, eth1 allows at most 9216"),
        ([{**BOND, "mtu": 2000}, {**VLAN, "mtu": 2001}], "bond0.100: mtu is 2001, bond0 allows at most 2000"),
        ([BOND, VLAN, {**BRIDGE, "mtu": 1501}], "br-ex: mtu is 1501, bond0.100 allows at most 1500"),
        ([BOND, {**BOND, "name": "bond1", "nics": ["eth2"]}], "bond0: nics has eth2, which is part of bond1 too"),
        ([{**BOND, "nics": ["eth1", "eth1"]}], "bond0: nics has eth1, which is part of bond0 too"),
        ([{**BOND, "nics": []}], "bond0: nics is empty, a bond has at least one"),
        ([{**BOND, "nics": ["eth9"]}], "eth9: no such NIC"),
        ([{**BOND, "nics": ["eth0"]}], f"bond0: nics has eth0, by which {SSH} is reached, and no interface is given"),
        ([{**BRIDGE, "nics": ["eth0"]}], f"br-ex: nics has eth0, by which {SSH} is reached"),
        ([BOND, {"name": "eth1", "addresses": ["192.0.2.1/24"]}], "nics has eth1 with addresses or routes of its own"),
        ([{**BOND, "mode": "lacp"}], "bond0: mode is 'lacp', allowed are active-backup, 802.3ad, balance-xor"),
        ([{**BOND, "mode": "balance-xor", "lacp_rate": "fast"}], "lacp_rate is fast, and mode balance-xor has no LACP"),
        ([{**BOND, "lacp_rate": "often"}], "bond0: lacp_rate is 'often', allowed are slow, fast"),
        ([{**BOND, "hash_policy": "layer7"}], "bond0: hash_policy is 'layer7', allowed are layer2, layer2+3"),
        ([{**BOND, "mode": "active-backup", "hash_policy": "layer2"}], "mode active-backup sends by one NIC"),
        ([{**BOND, "mode": "active-backup", "primary": "eth0"}], "primary is eth0, allowed are its nics (eth1, eth2)"),
        ([{**BOND, "miimon": -1}], "bond0: miimon is -1, allowed are 0 to 10000 milliseconds"),
        ([BOND, {**VLAN, "id": 4095}], "bond0.100: id is 4095, allowed are 1 to 4094"),
        ([BOND, VLAN, {**VLAN, "name": "other"}], "other: id is 100, and bond0.100 has it on bond0 already"),
        ([VLAN], "bond0.100: parent is bond0, allowed are described NICs and bonds (there is none)"),
        ([{"name": "eth1", "mode": "802.3ad"}], "eth1: mode is '802.3ad', and type ethernet has no mode (bond has)"),
        ([{"name": "eth1", "type": "team"}], "eth1: type is 'team', allowed are ethernet, bond, vlan, ovs_bridge"),
        ([{"name": "eth1"}, {"name": "eth1"}], "eth1: is described 2 times"),
        ([{**BOND, "name": "bond-of-the-rack"}], "name is 'bond-of-the-rack' with 16 characters, allowed are up to 15"),
        ([{**BOND, "name": "a/b"}], "name is 'a/b' with 3 characters, allowed are up to 15 letters, digits"),
        ([{"name": "eth1", "addresses": ["192.0.2.1"]}], "addresses has '192.0.2.1', wanted is an address with prefix"),
        ([{"name": "eth1", "addresses": ["224.0.0.1/4"]}], "eth1: addresses has 224.0.0.1/4, which is no address of"),
        (
            [{"name": "eth1", "addresses": ["192.0.2.1/24"]}, {"name": "eth2", "addresses": ["192.0.2.1/25"]}],
            "eth2: addresses has 192.0.2.1/25, which eth1 has already",
        ),
        ([{"name": "eth1", "dns": ["ns1"]}], "eth1: dns has 'ns1', wanted are addresses of IPv4 or IPv6"),
        ([{"name": "eth1", "dhcp": ["4"]}], "eth1: dhcp has '4', allowed are ipv4, ipv6"),
        ([{"name": "eth1", "routes": [{"to": "default"}]}], "eth1: routes: to is default without via"),
        ([{"name": "eth1", "routes": [{"to": "192.0.2.7/24"}]}], "routes: to is '192.0.2.7/24', wanted is default or"),
        (
            [{"name": "eth1", "addresses": ["192.0.2.1/24"], "routes": [{"to": "default", "via": "198.51.100.1"}]}],
            "eth1: routes: via is 198.51.100.1, which is in no network of its addresses (192.0.2.1/24)",
        ),
        (
            [{"name": "eth1", "dhcp": ["ipv4"], "routes": [{"to": "2001:db8::/32", "via": "192.0.2.1"}]}],
            "eth1: routes: to is 2001:db8::/32 and via is 192.0.2.1, allowed is one family",
        ),
    ],
)
def test_what_is_wrong_is_said(items: list[dict[str, Any]], expected: str) -> None:
    found = problems.find(facts(), described(*items))
    assert any(expected in text for text in found), found


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"switch": None}, "br-ex: no Open vSwitch runs on this host"),
        ({"switch": ovs.Switch({"br-int": {"bond0.100"}}, set(), {})}, "nics has bond0.100, which is a port of br-int"),
        ({"claims": {"eth1": ["NetworkManager"]}}, "eth1: NetworkManager configures it too"),
        (
            {"links": {"eth2": nic(2, speedless=True)}},
            "bond0: nics has eth2, whose driver tells no speed: mode 802.3ad",
        ),
        ({"links": {"bond0": other("dummy")}}, "bond0: there is an interface of this name that is no bond but dummy"),
    ],
)
def test_what_the_host_has_against_it_is_said(more: dict[str, Any], expected: str) -> None:
    found = problems.find(facts(**more), described(BOND, VLAN, BRIDGE))
    assert any(expected in text for text in found), found


def test_all_problems_are_said_at_once() -> None:
    wrong = described({"name": "eth9", "dns": ["x"]}, {**BOND, "mode": "x"}, {**VLAN, "id": 0}, {**BRIDGE, "mtu": 1})
    assert len(problems.find(facts(), wrong)) == 5


def test_the_address_that_ssh_comes_by_may_move_when_that_is_said() -> None:
    moved = described({"name": "br-m", "type": "ovs_bridge", "nics": ["eth0"], "addresses": [f"{SSH}/24"]})
    assert problems.find(facts(), moved) == []


def test_ifupdown_is_seen(tmp_path: Path) -> None:
    class Debian(Host):  # type: ignore[misc]  # plugins are not typed
        def run(self, *words: str) -> str:
            raise TuningError("inactive")

    (tmp_path / "etc/network/interfaces.d").mkdir(parents=True)
    (tmp_path / "etc/network/interfaces").write_text("auto eth0\niface eth0 inet dhcp\n")
    (tmp_path / "etc/network/interfaces.d/more").write_text("iface eth1 inet manual\n")
    assert claims(Debian(str(tmp_path))) == {
        "eth0": ["/etc/network/interfaces"],
        "eth1": ["/etc/network/interfaces.d/more"],
    }


@pytest.mark.parametrize(
    ("items", "name", "lines"),
    [
        (
            [{"name": "up0", "mac": "52:54:00:00:00:01"}],
            "up0.link",
            ["PermanentMACAddress=52:54:00:00:00:01", "Name=up0"],
        ),
        ([{"name": "up0", "pci": "0000:01:00.0"}], "up0.link", ["Path=pci-0000:01:00.0", "Name=up0"]),
        ([{**BOND, "lacp_rate": "fast"}], "bond0.netdev", ["Kind=bond", "Mode=802.3ad", "LACPTransmitRate=fast"]),
        (
            [{**BOND, "miimon": 100, "hash_policy": "layer3+4"}],
            "bond0.netdev",
            ["TransmitHashPolicy=layer3+4", "MIIMonitorSec=100ms"],
        ),
        ([BOND], "bond0.link", ["OriginalName=bond0", "MACAddressPolicy=none"]),
        ([BOND], "bond0.netdev", ["MACAddress=none"]),
        ([{**BOND, "mac": "02:00:00:00:00:01"}], "bond0.netdev", ["MACAddress=02:00:00:00:00:01"]),
        ([BOND], "eth1.network", ["Name=eth1", "RequiredForOnline=no", "Bond=bond0"]),
        ([{**BOND, "mode": "active-backup", "primary": "eth2"}], "eth2.network", ["Bond=bond0", "PrimarySlave=yes"]),
        ([BOND, VLAN], "bond0.network", ["VLAN=bond0.100"]),
        ([BOND, VLAN], "bond0.100.netdev", ["Kind=vlan", "Id=100"]),
        ([BOND, VLAN, BRIDGE], "bond0.100.network", ["KeepMaster=yes"]),
        ([BOND, VLAN, BRIDGE], "br-ex.network", ["Address=192.0.2.21/24", "DHCP=no", "ConfigureWithoutCarrier=yes"]),
        ([{"name": "eth1", "dhcp": ["ipv6", "ipv4"]}], "eth1.network", ["DHCP=yes", "IPv6AcceptRA=yes"]),
        ([{"name": "eth1", "dhcp": ["ipv4"]}], "eth1.network", ["DHCP=ipv4", "LinkLocalAddressing=no"]),
        (
            [
                {
                    "name": "eth1",
                    "addresses": ["2001:DB8::1/64"],
                    "routes": [{"to": "default", "via": "fe80::1", "metric": 9}],
                }
            ],
            "eth1.network",
            ["Address=2001:db8::1/64", "LinkLocalAddressing=ipv6", "Destination=::/0", "Gateway=fe80::1", "Metric=9"],
        ),
        (
            [{"name": "eth1", "routes": [{"to": "192.0.2.0/24"}]}],
            "eth1.network",
            ["Destination=192.0.2.0/24", "Scope=link"],
        ),
        (
            [{"name": "eth1", "dns": ["192.0.2.53"], "domains": ["a", "b"]}],
            "eth1.network",
            ["DNS=192.0.2.53", "Domains=a b"],
        ),
    ],
)
def test_files(items: list[dict[str, Any]], name: str, lines: list[str]) -> None:
    text = written(*items)[f"/etc/systemd/network/05-weft-{name}"]
    assert [line for line in text.splitlines() if line in lines] == lines, text


def as_described(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The facts of a host that has BOND, VLAN and BRIDGE, or what is given in their place."""
    there: dict[str, Any] = {
        "bond0": other("bond", mode="802.3ad"),
        "bond0.100": other("vlan", id=100, parent="bond0"),
        "br-ex": other("openvswitch", addresses={"192.0.2.21/24": False}),
        "eth1": nic(1, master="bond0"),
        "eth2": nic(2, master="bond0"),
    }
    switch = ovs.Switch({"br-ex": {"bond0.100"}}, {"br-ex", "bond0.100"}, {})
    return {"links": {**there, **more}, "files": written(*(items or (BOND, VLAN, BRIDGE))), "switch": switch}


def test_what_is_as_described_is_left_alone() -> None:
    same = plan(BOND, VLAN, BRIDGE, **as_described())
    assert not same
    assert same.pairs == {}


@pytest.mark.parametrize(
    ("seen", "pairs", "commands"),
    [
        (
            {"br-ex": other("openvswitch")},
            {"br-ex address 192.0.2.21/24": ("absent", "present")},
            ["networkctl reload", "networkctl reconfigure br-ex"],
        ),
        (
            {"eth2": nic(2)},
            {"eth2 bond": (None, "bond0")},
            ["networkctl reload", "networkctl reconfigure eth2"],
        ),
        (
            {"bond0": other("bond", mode="balance-rr")},
            {"bond0 mode": ("balance-rr", "802.3ad")},
            ["ip link delete dev bond0", "systemctl restart systemd-networkd.service"],
        ),
        (
            {"bond0.100": other("vlan", id=101, parent="bond0")},
            {"bond0.100 id": (101, 100)},
            ["ip link delete dev bond0.100", "systemctl restart systemd-networkd.service"],
        ),
        (
            {"eth0": nic(0, master="bond0")},
            {},
            ["ip link set dev eth0 nomaster", "networkctl reload"],
        ),
    ],
)
def test_an_operators_change_is_put_right(seen: dict[str, Any], pairs: dict[str, Any], commands: list[str]) -> None:
    changed = plan(BOND, VLAN, BRIDGE, **as_described(**seen))
    assert changed
    assert changed.pairs == pairs
    assert [" ".join(words) for words in changed.commands()] == commands


def test_what_is_not_described_any_more_goes() -> None:
    gone = plan(**as_described())
    assert gone.surplus == ["bond0.100", "bond0"]
    assert [" ".join(words) for words in gone.commands()] == [
        "ovs-vsctl --timeout=30 -- --if-exists del-br br-ex",
        "ip link delete dev bond0.100",
        "ip link delete dev bond0",
        "systemctl restart systemd-networkd.service",
    ]
    assert all(new is None for _old, new in gone.files.values())


def test_a_nic_gets_its_name_and_what_was_said_of_it() -> None:
    named = plan({"name": "up0", "pci": "0000:01:00.0", "mtu": 1500})
    assert named.pairs == {"up0 name": ("eth1", "up0")}
    assert [" ".join(words) for words in named.commands()] == [
        "ip link set dev eth1 name up0",
        "networkctl reload",
    ]
    assert "ip link set dev up0 name eth1 || { ip link set dev up0 down; ip link set dev up0 name eth1; }" in (
        named.restoration()
    )


def test_whose_files_no_longer_count_is_told() -> None:
    assert plan({"name": "eth0"}).taken_over == {"eth0": "/run/systemd/network/10-eth0.network"}


MARK = "external_ids:weft-network=host"


@pytest.mark.parametrize(
    ("switch", "items", "do", "undo"),
    [
        (
            ovs.Switch({}, set(), {}),
            [{**BRIDGE, "mtu": 1400}],
            [
                "--may-exist add-br br-ex",
                f"set Bridge br-ex {MARK}",
                'set Bridge br-ex other_config:hwaddr="52:54:00:00:00:01"',
                "set Interface br-ex mtu_request=1400",
                "--may-exist add-port br-ex bond0.100",
                f"set Port bond0.100 {MARK}",
            ],
            ["--if-exists del-br br-ex"],
        ),
        (
            ovs.Switch({"br-ex": {"tap0", "eth2"}}, {"eth2"}, {"br-ex": 1300}),
            [{**BRIDGE, "mtu": 1400}],
            [
                "--if-exists del-port br-ex eth2",
                "--may-exist add-port br-ex bond0.100",
                f"set Port bond0.100 {MARK}",
                "set Interface br-ex mtu_request=1400",
            ],
            [
                "--may-exist add-port br-ex eth2",
                f"set Port eth2 {MARK}",
                "--if-exists del-port br-ex bond0.100",
                "set Interface br-ex mtu_request=1300",
            ],
        ),
        (
            ovs.Switch({"br-ex": {"tap0"}, "br-int": {"a"}}, {"br-ex"}, {}),
            [],
            ["--if-exists del-br br-ex"],
            ["--may-exist add-br br-ex", f"set Bridge br-ex {MARK}", "--may-exist add-port br-ex tap0"],
        ),
        (ovs.Switch({"br-ex": {"bond0.100", "tap0"}}, set(), {}), [BRIDGE], [], []),
    ],
)
def test_the_switch_is_changed_in_one_transaction_and_back(
    switch: ovs.Switch, items: list[dict[str, Any]], do: list[str], undo: list[str]
) -> None:
    found = ovs.changes(switch, described(*items), {"br-ex": "52:54:00:00:00:01"})
    assert tuple(map(" ".join, found)) == (" -- ".join(do), " -- ".join(undo))


@pytest.mark.parametrize(
    ("items", "name", "expected"),
    [
        ([BOND, VLAN, BRIDGE], "br-ex", "52:54:00:00:00:01"),
        ([{**BOND, "mac": "02:00:00:00:00:07"}, VLAN, BRIDGE], "br-ex", "02:00:00:00:00:07"),
        ([{"name": "br-i", "type": "ovs_bridge"}], "br-i", None),
    ],
)
def test_which_mac_an_interface_will_have(items: list[dict[str, Any]], name: str, expected: str | None) -> None:
    assert links.mac(facts().links, described(*items), name) == expected


def test_what_ovs_vsctl_prints() -> None:
    both, mark = ["set", [["uuid", "1"], ["uuid", "2"]]], ["map", [["weft-network", "host"]]]
    none = ["map", []]
    ports = [[["uuid", "1"], "eth1", mark], [["uuid", "2"], "br-ex", none]]
    tables = [
        {"headings": ["name", "ports", "external_ids"], "data": [["br-ex", both, none]]},
        {"headings": ["_uuid", "name", "external_ids"], "data": ports},
        {"headings": ["name", "mtu_request"], "data": [["br-ex", 1400], ["eth1", ["set", []]]]},
    ]
    switch = ovs.parse("\n".join(map(json.dumps, tables)))
    assert (switch.bridges, switch.ours, switch.mtus) == ({"br-ex": {"eth1"}}, {"eth1"}, {"br-ex": 1400})


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ({"dst": "default", "gateway": "192.0.2.1", "dev": "a"}, ("0.0.0.0/0", "192.0.2.1", "a", "main")),
        ({"dst": "192.0.2.7", "dev": "a", "table": "7"}, ("192.0.2.7/32", None, "a", "7")),
    ],
)
def test_what_ip_prints_of_routes(route: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert links.parse_routes(json.dumps([route]), "-4") == {expected}


@pytest.mark.parametrize(
    ("device", "address"),
    [("/sys/devices/pci0000:00/0000:00:02.0/virtio0", "0000:00:02.0"), ("/sys/devices/virtual/net/x", None)],
)
def test_where_a_nic_is(device: str, address: str | None) -> None:
    assert links.pci_address(device) == address


class _Root(Host):  # type: ignore[misc]  # plugins are not typed
    """Files under a root; what is run is written down, and one program may fail."""

    def __init__(self, root: Path, failing: str = "") -> None:
        super().__init__(str(root))
        self.ran: list[str] = []
        self.failing = failing

    def run(self, *words: str) -> str:
        self.ran.append(" ".join(words))
        if self.failing and self.failing in self.ran[-1]:
            raise TuningError(f"{words[0]}: refused")
        return ""


@pytest.fixture
def run_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Programs that the script calls do nothing, and files of networkd are beside the test."""
    for name in ("ip", "systemctl", "networkctl", "ovs-vsctl"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\necho "{name} $*" >>{tmp_path}/ran\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setattr(networkd, "DIRECTORY", str(tmp_path / "network"))
    return tmp_path


def test_the_script_puts_back_what_was_unless_it_is_confirmed(run_directory: Path) -> None:
    old = {networkd.path("eth1", "network"): "it's\nold\n"}
    changed = plan(
        {"name": "eth1", "mtu": 1400, "addresses": ["192.0.2.1/24"]}, BRIDGE, {**VLAN, "parent": "eth1"}, files=old
    )
    host = _Root(run_directory)
    checkpoint.arm(host, changed.restoration(), 60)
    assert "--on-active=60" in host.ran[-1]
    checkpoint._change(_Root(Path("/")), changed)
    assert "Address=192.0.2.1/24" in Path(networkd.path("eth1", "network")).read_text()
    checkpoint.restore(host)
    assert {path.name: path.read_text() for path in Path(networkd.DIRECTORY).iterdir()} == {
        "05-weft-eth1.network": "it's\nold\n"
    }
    assert (run_directory / "ran").read_text().splitlines() == [
        "ovs-vsctl --timeout=30 -- --if-exists del-br br-ex",
        "ip link delete dev bond0.100",
        "systemctl restart systemd-networkd.service",
        "ip link set dev eth1 mtu 1500",
        "ip link set dev eth1 up",
    ]
    with pytest.raises(checkpoint.ChangeError, match="has put its network back"):
        checkpoint.confirm(host)


def test_what_is_confirmed_stays(run_directory: Path) -> None:
    host = _Root(run_directory)
    checkpoint.arm(host, ["touch /nonexistent/file"], 60)
    checkpoint.confirm(host)
    assert host.ran[-1] == "systemctl stop weft-network-restore.timer"
    done = subprocess.run(["sh", "-x", host.path(checkpoint.SCRIPT)], capture_output=True, text=True, check=True)
    assert "touch" not in done.stderr


@pytest.mark.parametrize(
    ("failing", "left", "expected"),
    [
        ("networkctl", {}, "networkctl: refused. The network is as it was"),
        ("", {"eth1 mtu": (1500, 1400)}, "eth1 mtu is 1500, wished is 1400. The network is as it was"),
    ],
)
def test_a_change_that_does_not_come_about_is_undone(
    run_directory: Path, failing: str, left: dict[str, Any], expected: str
) -> None:
    host = _Root(run_directory, failing)
    with pytest.raises(checkpoint.ChangeError, match=expected):
        checkpoint.carry_out(host, plan({"name": "eth1", "mtu": 1400}), 0, lambda: left)
    assert not checkpoint.is_armed(host)
    assert "ip link set dev eth1 mtu 1500" in (run_directory / "ran").read_text()


def test_a_second_change_waits_for_the_first(run_directory: Path) -> None:
    host = _Root(run_directory)
    checkpoint.arm(host, [], 60)
    with pytest.raises(checkpoint.ChangeError, match="another change waits"):
        checkpoint.carry_out(host, plan({"name": "eth1", "mtu": 1400}), 0, dict)
