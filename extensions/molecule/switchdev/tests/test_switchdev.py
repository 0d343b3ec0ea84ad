"""The NICs as the kernel and Open vSwitch show them."""

import pytest
from testinfra.host import Host


@pytest.mark.parametrize(("nic", "prefix"), [(1, "a_"), (2, "b_")])
def test_a_nic_has_its_switch_and_representors(host: Host, nic: int, prefix: str) -> None:
    assert "mode switchdev" in host.check_output(f"devlink dev eswitch show netdevsim/netdevsim{nic}")
    interfaces = host.file(f"/sys/bus/netdevsim/devices/netdevsim{nic}/net").listdir()
    assert sorted(interfaces) == [f"{prefix}pf0vf0", f"{prefix}pf0vf1", f"eni{nic}np1"]
    assert "hw-tc-offload: on" in host.check_output(f"ethtool --show-features eni{nic}np1")


def test_uplinks_are_one_bond(host: Host) -> None:
    bond = host.interface("bond1")
    assert "172.31.9.1" in bond.addresses
    assert host.file("/sys/class/net/bond1/mtu").content_string == "1400\n"
    assert sorted(host.file("/sys/class/net/bond1/bonding/slaves").content_string.split()) == ["eni1np1", "eni2np1"]


def test_open_vswitch_gives_its_flows_to_tc(host: Host) -> None:
    assert host.service("ovs-vswitchd").is_running
    assert host.check_output("ovs-vsctl get Open_vSwitch . other_config:hw-offload") == '"true"'


def test_it_is_so_at_each_boot(host: Host) -> None:
    unit = host.service("weft-switchdev")
    assert unit.is_enabled
    assert unit.is_running
