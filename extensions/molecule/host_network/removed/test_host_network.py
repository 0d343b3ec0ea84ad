"""What is left of the network."""

import pytest
from testinfra.host import Host


@pytest.mark.parametrize("name", ["bond0", "bond0.100", "br-ex"])
def test_no_interface_is_left(host: Host, name: str) -> None:
    assert not host.interface(name).exists


def test_no_bridge_is_left(host: Host) -> None:
    assert host.check_output("ovs-vsctl list-br") == ""


@pytest.mark.parametrize("nic", ["eth2", "enp1s0"])
def test_a_nic_belongs_to_no_bond(host: Host, nic: str) -> None:
    assert not host.file(f"/sys/class/net/{nic}/master").exists
