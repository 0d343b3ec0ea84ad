"""What is left of the switches."""

import pytest
from testinfra.host import Host


@pytest.mark.parametrize("nic", [1, 2])
def test_a_nic_is_as_its_driver_made_it(host: Host, nic: int) -> None:
    assert "mode legacy" in host.check_output(f"devlink dev eswitch show netdevsim/netdevsim{nic}")
    assert host.file(f"/sys/bus/netdevsim/devices/netdevsim{nic}/net").listdir() == [f"eni{nic}np1"]
    assert "hw-tc-offload: off" in host.check_output(f"ethtool --show-features eni{nic}np1")


def test_no_bond_is_left(host: Host) -> None:
    assert not host.interface("bond1").exists


def test_open_vswitch_keeps_its_flows(host: Host) -> None:
    assert host.service("ovs-vswitchd").is_running
    assert host.check_output("ovs-vsctl get Open_vSwitch . other_config") == "{}"
