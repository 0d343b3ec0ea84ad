"""What is decided about NICs with a switch inside, on a sysfs of files and recorded answers of devlink."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import switchdev
from plugins.module_utils.switchdev import eswitch, params
from plugins.module_utils.switchdev.devices import DeviceError, Kernel, handle_of, representors, uplinks

SIM, NIC = "netdevsim/netdevsim1", "pci/0000:3b:00.0"
# As Linux 6.12's netdevsim answers; the second NIC as mlx5 documents itself.
PARAMS = {
    SIM: [
        {"name": "max_macs", "type": "generic", "values": [{"cmode": "driverinit", "value": 32}]},
        {"name": "test1", "type": "driver-specific", "values": [{"cmode": "driverinit", "value": True}]},
    ],
    NIC: [
        {"name": "flow_steering_mode", "type": "driver-specific", "values": [{"cmode": "runtime", "value": "dmfs"}]},
        {"name": "enable_sriov", "type": "generic", "values": [{"cmode": "permanent", "value": False}]},
    ],
}
LEGACY = {"mode": "legacy", "inline-mode": "none", "encap-mode": "none"}


class _Kernel(Kernel):  # type: ignore[misc]  # plugins are not typed
    """A sysfs of files; devlink answers from dictionaries, what is set is written down in order."""

    def __init__(self, root: Path) -> None:
        super().__init__(str(root))
        self.eswitch: dict[str, dict[str, str]] = {SIM: {"mode": "legacy"}, NIC: dict(LEGACY)}
        self.held: dict[str, list[dict[str, Any]]] = {}
        self.offload = {"eni1np1": "off", "ens1": "on [fixed]"}
        self.refused = ""
        self.did: list[str] = []

    def run(self, *words: str) -> str:
        if words[:2] == ("devlink", "-j"):
            return json.dumps(self._shown(*words[2:]))
        if words[:2] == ("ethtool", "-k"):
            return f"Features for x:\nhw-tc-offload: {self.offload.get(words[2], 'off [fixed]')}\n"
        if words[:4] == ("ip", "-json", "address", "show"):
            return json.dumps([{"ifname": words[5], "addr_info": self.held.get(words[5], [])}])
        self.did.append(" ".join(words).replace("devlink dev ", "").replace("ip link set dev ", ""))
        if self.refused and self.refused in self.did[-1]:
            raise DeviceError(f"{' '.join(words)}: kernel answers: Device or resource busy")
        return ""

    def settle(self) -> None:
        self.did.append("settled")

    def _shown(self, *words: str) -> dict[str, Any]:
        if words == ("dev", "show"):
            return {"dev": {handle: {} for handle in PARAMS}}
        if words[:3] == ("dev", "eswitch", "show"):
            if words[3] not in self.eswitch:
                raise DeviceError("devlink: kernel answers: Operation not supported")
            return {"dev": {words[3]: self.eswitch[words[3]]}}
        assert words[:3] == ("dev", "param", "show")
        found = PARAMS[words[3]]
        if len(words) > 4:
            found = [item for item in found if item["name"] == words[5]]
            if not found:
                raise DeviceError("devlink: kernel answers: Invalid argument")
        return {"param": {words[3]: found}}

    def write(self, path: str, value: str) -> None:
        self.did.append(f"{value} > {'/'.join(Path(path).parts[-2:])}")

    def show(self, name: str) -> dict[str, Any]:
        return {"ifname": name, "flags": []}

    def addresses(self, name: str) -> list[str]:
        return []


def link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    target.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def make_netdev(root: Path, device: Path, name: str, port: str, master: str = "") -> None:
    netdev = device / "net" / name
    netdev.mkdir(parents=True)
    (netdev / "phys_port_name").write_text(f"{port}\n")
    link(netdev / "device", device)
    if master:
        link(netdev / "master", root / "class/net" / master)
    link(root / "class/net" / name, netdev)


@pytest.fixture
def kernel(tmp_path: Path) -> _Kernel:
    """netdevsim1 with two representors; ens1 of mlx5 with two functions, which have interfaces."""
    sim, nic = (tmp_path / "bus" / bus / "devices" / name for bus, name in (h.split("/") for h in (SIM, NIC)))
    for device, bus, driver in ((sim, "netdevsim", "netdevsim"), (nic, "pci", "mlx5_core")):
        link(device / "subsystem", tmp_path / "bus" / bus)
        link(device / "driver", tmp_path / "bus" / bus / "drivers" / driver)
    for name, port in (("eni1np1", "p1"), ("eni1npf0vf0", "pf0vf0"), ("eni1npf0vf1", "pf0vf1")):
        make_netdev(tmp_path, sim, name, port)
    make_netdev(tmp_path, nic, "ens1", "p0")
    for index in range(2):
        function = tmp_path / "bus/pci/devices" / f"0000:3b:00.{index + 2}"
        make_netdev(tmp_path, function, f"ens1v{index}", "")
        link(function / "driver", tmp_path / "bus/pci/drivers/mlx5_core")
        link(nic / f"virtfn{index}", function)
    return _Kernel(tmp_path)


@pytest.mark.parametrize(
    ("device", "handle"),
    [
        ("0000:3b:00.0", NIC),
        ("ens1", NIC),
        (NIC, NIC),
        ("eni1np1", SIM),
        (SIM, SIM),
        ("ens9", None),
    ],
)
def test_a_device_has_three_names(kernel: _Kernel, device: str, handle: str | None) -> None:
    assert handle_of(kernel, device) == handle


def test_representors_are_told_from_uplinks(kernel: _Kernel) -> None:
    assert uplinks(kernel, SIM) == ["eni1np1"]
    assert representors(kernel, SIM) == {"eni1npf0vf0": "pf0vf0", "eni1npf0vf1": "pf0vf1"}


def param(name: str, value: object, device: str = SIM, cmode: str = "driverinit") -> dict[str, Any]:
    return {"device": device, "name": name, "value": value, "cmode": cmode}


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ([param("max_macs", 64), param("test1", "no"), param("enable_sriov", True, NIC, "permanent")], []),
        ([param("max_macs", 64, "ens9")], [f"ens9: no such device with devlink; this host has {SIM}, {NIC}"]),
        ([param("no_such", 1)], [f"{SIM}: no such parameter as no_such; its driver has max_macs, test1"]),
        (
            [param("max_macs", 64, cmode="runtime")],
            [f"{SIM}: max_macs has no cmode runtime, allowed are driverinit"],
        ),
        (
            [param("max_macs", "many", "eni1np1"), param("test1", "perhaps"), param("max_macs", 1)],
            [
                f"eni1np1 ({SIM}): max_macs is 'many', wanted is a number",
                f"{SIM}: test1 is 'perhaps', wanted is true or false",
                f"{SIM}: max_macs is described twice for cmode driverinit",
            ],
        ),
    ],
)
def test_every_problem_of_parameters_is_found_at_once(
    kernel: _Kernel, wishes: list[dict[str, Any]], expected: list[str]
) -> None:
    assert params.examine(kernel, wishes)[1] == expected


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (param("max_macs", 32), []),
        (param("max_macs", "0x20"), []),
        (param("test1", "True"), []),
        (param("max_macs", "64"), [f"param set {SIM} name max_macs value 64 cmode driverinit"]),
        (param("test1", False), [f"param set {SIM} name test1 value false cmode driverinit"]),
        (
            param("flow_steering_mode", "smfs", "ens1", "runtime"),
            [f"param set {NIC} name flow_steering_mode value smfs cmode runtime"],
        ),
    ],
)
def test_parameters_that_differ_are_set_by_type(kernel: _Kernel, wish: dict[str, Any], expected: list[str]) -> None:
    triples, _problems = params.examine(kernel, [wish])
    params.apply(kernel, params.differing(triples))
    assert kernel.did == expected


def test_a_device_in_use_is_not_reloaded(kernel: _Kernel, tmp_path: Path) -> None:
    assert params.reload_problems(kernel, [SIM, NIC]) == []
    link(tmp_path / "class/net/eni1npf0vf1/master", tmp_path / "class/net/ovs-system")
    expected = f"{SIM}: would be reloaded, and representor eni1npf0vf1 belongs to ovs-system"
    assert params.reload_problems(kernel, [SIM, NIC]) == [expected]


def switch(device: str = "ens1", **settings: object) -> dict[str, Any]:
    return {"device": device, **settings}


def problems(kernel: _Kernel, devices: list[dict[str, Any]], *bonds: dict[str, Any]) -> list[str]:
    return list(switchdev.examine(kernel, {"devices": devices, "bonds": list(bonds)})[1])


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ([switch(mode="switchdev", encap_mode="basic", steering_mode="smfs"), switch(SIM, mode="legacy")], []),
        ([switch("ens9")], [f"ens9: no such device with devlink; this host has {SIM}, {NIC}"]),
        (
            [switch("eni1np1", mode="switchdev", inline_mode="link", steering_mode="smfs")],
            [
                f"eni1np1 ({SIM}): inline_mode is link, and its driver has no such setting",
                f"eni1np1 ({SIM}): steering_mode is smfs, and its driver has no such setting",
            ],
        ),
        ([switch(), switch(NIC)], [f"{NIC}: is described twice"]),
        (
            [switch(tc_offload=False, representors="much_too_long_")],
            [
                f"ens1 ({NIC}): hw-tc-offload of ens1 is fixed on",
                f"ens1 ({NIC}): representors is 'much_too_long_', allowed are 7 characters before pf0vf127",
            ],
        ),
    ],
)
def test_every_problem_of_switches_is_found_at_once(
    kernel: _Kernel, wishes: list[dict[str, Any]], expected: list[str]
) -> None:
    assert problems(kernel, wishes) == expected


def test_a_device_without_a_switch_is_refused(kernel: _Kernel) -> None:
    del kernel.eswitch[SIM]
    expected = [f"{SIM}: it has no embedded switch (driver netdevsim)"]
    assert problems(kernel, [switch(SIM, mode="switchdev")]) == expected


def test_the_mode_stays_while_functions_or_representors_are_in_use(kernel: _Kernel, tmp_path: Path) -> None:
    netdev = tmp_path / "bus/pci/devices/0000:3b:00.3/net/ens1v1"
    (tmp_path / "bus/pci/devices/0000:3b:00.3/class").write_text("0x020000\n")
    netdev.rename(tmp_path / "in-a-pod")
    kernel.eswitch[SIM]["mode"] = "switchdev"
    link(tmp_path / "class/net/eni1npf0vf0/master", tmp_path / "class/net/ovs-system")
    found = problems(kernel, [switch(mode="switchdev"), switch(SIM, mode="legacy")])
    elsewhere = "is in use: its interface is in another network namespace (a pod or container has it)"
    assert found == [
        f"ens1 ({NIC}): the mode would change, and function 0000:3b:00.3 {elsewhere}",
        f"{SIM}: the mode would change, and representor eni1npf0vf0 belongs to ovs-system",
    ]
    assert problems(kernel, [switch(mode="legacy"), switch(SIM, mode="switchdev")]) == []


UNBIND = ["0000:3b:00.2 > driver/unbind", "0000:3b:00.3 > driver/unbind"]
REBIND = ["0000:3b:00.2 > pci/drivers_probe", "0000:3b:00.3 > pci/drivers_probe"]
STEER = f"param set {NIC} name flow_steering_mode value smfs cmode runtime"
ALL = switch(mode="switchdev", inline_mode="link", encap_mode="basic", steering_mode="smfs")


@pytest.mark.parametrize(
    ("had", "wish", "expected"),
    [
        ({}, switch(mode="legacy", steering_mode="dmfs", encap_mode="none"), []),
        ({}, switch(SIM, mode="switchdev"), [f"eswitch set {SIM} mode switchdev"]),
        (
            {},
            ALL,
            [*UNBIND, STEER, f"eswitch set {NIC} mode switchdev inline-mode link encap-mode basic", *REBIND],
        ),
        ({}, switch(mode="switchdev", unbind=False), [f"eswitch set {NIC} mode switchdev"]),
        ({}, switch(steering_mode="smfs"), [STEER]),
        # Steering is not to be changed in switchdev mode, so the switch leaves it for a moment.
        (
            {"mode": "switchdev"},
            switch(steering_mode="smfs"),
            [*UNBIND, f"eswitch set {NIC} mode legacy", STEER, f"eswitch set {NIC} mode switchdev", *REBIND],
        ),
        (
            {"mode": "switchdev"},
            switch(mode="switchdev", encap_mode="basic"),
            [f"eswitch set {NIC} encap-mode basic"],
        ),
    ],
)
def test_the_mode_is_changed_in_the_drivers_order(
    kernel: _Kernel, had: dict[str, str], wish: dict[str, Any], expected: list[str]
) -> None:
    kernel.eswitch[NIC].update(had)
    eswitch.apply(kernel, handle_of(kernel, wish["device"]), wish)
    assert kernel.did == expected


def test_functions_get_their_drivers_back_when_the_mode_is_refused(kernel: _Kernel) -> None:
    kernel.refused = "mode switchdev"
    with pytest.raises(DeviceError, match="Device or resource busy"):
        eswitch.apply(kernel, NIC, switch(mode="switchdev"))
    assert kernel.did == [*UNBIND, f"eswitch set {NIC} mode switchdev", *REBIND]


SWITCHES = [
    switch(SIM, mode="switchdev", tc_offload=True, representors="a_"),
    switch(mode="switchdev"),
]
BOND = {"name": "bond1", "members": [SIM, NIC], "mode": "802.3ad", "addresses": ["192.0.2.1/24"]}


@pytest.mark.parametrize(
    ("devices", "bond", "expected"),
    [
        (SWITCHES, {}, []),
        (
            SWITCHES,
            {"members": [SIM, "ens9"]},
            [f"bond bond1: ens9: no such device with devlink; this host has {SIM}, {NIC}"],
        ),
        (SWITCHES, {"members": [SIM, "eni1np1"]}, ["bond bond1: members has a device twice"]),
        (SWITCHES, {"name": "ens1v0"}, ["bond ens1v0: there is an interface of that name, which is no bond"]),
        (
            [switch(SIM, mode="switchdev")],
            {},
            [f"bond bond1: member {NIC} is not in switchdev mode, which comes before the bond"],
        ),
    ],
)
def test_a_bond_needs_switches_in_their_mode(
    kernel: _Kernel, devices: list[dict[str, Any]], bond: dict[str, Any], expected: list[str]
) -> None:
    assert problems(kernel, devices, {**BOND, **bond}) == expected


def make_bond(kernel: _Kernel, *members: str) -> None:
    root = Path(kernel.sysfs) / "class/net/bond1"
    (root / "bonding").mkdir(parents=True)
    (root / "bonding/mode").write_text("active-backup 1\n")
    (root / "bonding/slaves").write_text(" ".join(members) + "\n")
    for member in members:
        (Path(kernel.sysfs) / "class/net" / member / "master").symlink_to(root)


def test_the_mode_stays_while_the_uplink_is_in_a_bond_of_others(kernel: _Kernel) -> None:
    make_bond(kernel, "ens1")
    expected = f"{NIC}: the mode would change, and ens1 belongs to the bond bond1, which is made after it"
    assert problems(kernel, [switch(NIC, mode="switchdev")]) == [expected]
    assert problems(kernel, SWITCHES, BOND) == []


def done(kernel: _Kernel, wish: dict[str, Any]) -> list[str]:
    found, wrong = switchdev.examine(kernel, wish)
    assert not wrong
    switchdev.apply(kernel, found)
    return kernel.did


def test_modes_come_first_then_interfaces_then_the_bond(kernel: _Kernel) -> None:
    assert done(kernel, {"devices": SWITCHES, "bonds": [BOND]}) == [
        f"eswitch set {SIM} mode switchdev",
        *UNBIND,
        f"eswitch set {NIC} mode switchdev",
        *REBIND,
        "settled",
        "eni1npf0vf0 down",
        "eni1npf0vf0 name a_pf0vf0",
        "eni1npf0vf1 down",
        "eni1npf0vf1 name a_pf0vf1",
        "ethtool -K eni1np1 hw-tc-offload on",
        "eni1np1 up",
        "ens1 up",
        "ip link add name bond1 type bond mode 802.3ad miimon 100",
        "eni1np1 down",
        "eni1np1 master bond1",
        "eni1np1 up",
        "ens1 down",
        "ens1 master bond1",
        "ens1 up",
        "bond1 up",
        # The bond is not in this test's sysfs, so that nothing is known of its addresses.
        "ip address add 192.0.2.1/24 dev bond1",
    ]


def test_uplinks_leave_their_bond_while_the_mode_changes(kernel: _Kernel) -> None:
    make_bond(kernel, "ens1")
    kernel.eswitch[SIM]["mode"] = "switchdev"
    did = done(kernel, {"devices": [switch(mode="switchdev", unbind=False)], "bonds": [BOND]})
    assert did[:2] == ["ens1 nomaster", f"eswitch set {NIC} mode switchdev"]
    # The bond has another mode, which it keeps while it has members.
    assert did[3:7] == ["ens1 up", "ens1 nomaster", "bond1 down", "bond1 type bond mode 802.3ad"]


def test_it_is_taken_back(kernel: _Kernel) -> None:
    make_bond(kernel, "eni1np1", "ens1")
    kernel.eswitch[SIM]["mode"] = kernel.eswitch[NIC]["mode"] = "switchdev"
    kernel.offload["eni1np1"] = "on"
    kernel.held["ens1"] = [{"local": "192.0.2.2", "prefixlen": 24}]
    devices = [SWITCHES[0], switch(mode="switchdev", unbind=False, addresses=["192.0.2.2/24"])]
    did = done(kernel, switchdev.taken_back({"devices": devices, "bonds": [BOND]}))
    assert sorted(did[:2]) == ["eni1np1 nomaster", "ens1 nomaster"]
    assert [text for text in did[2:] if not text.endswith(("unbind", "drivers_probe", "settled"))] == [
        f"eswitch set {SIM} mode legacy",
        f"eswitch set {NIC} mode legacy",
        "ethtool -K eni1np1 hw-tc-offload off",
        "ip address del 192.0.2.2/24 dev ens1",
        "ip link delete dev bond1",
    ]


def test_nothing_differs_where_all_is_as_wished(kernel: _Kernel) -> None:
    kernel.eswitch[SIM]["mode"] = "switchdev"
    kernel.offload["eni1np1"] = "on"
    wish = {"devices": [switch(SIM, tc_offload=True, steering_mode=None, addresses=[])], "bonds": []}
    assert switchdev.difference(kernel, switchdev.examine(kernel, wish)[0]) == {}
    wish["devices"][0].update(mode="switchdev", representors="a_")
    assert switchdev.difference(kernel, switchdev.examine(kernel, wish)[0]) == {
        "representor pf0vf0": ("eni1npf0vf0", "a_pf0vf0"),
        "representor pf0vf1": ("eni1npf0vf1", "a_pf0vf1"),
        "eni1np1": ("down", "up"),
    }
