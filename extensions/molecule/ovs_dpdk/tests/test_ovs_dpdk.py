"""The NIC as the kernel and Open vSwitch show it."""

from testinfra.host import Host

DEVICE = "0000:02:00.0"


def test_the_nic_is_in_user_space(host: Host) -> None:
    assert host.file(f"/sys/bus/pci/devices/{DEVICE}/driver").linked_to.endswith("/vfio-pci")
    assert host.check_output("ovs-vsctl get Open_vSwitch . dpdk_initialized") == "true"


def test_the_switch_has_it_as_a_port(host: Host) -> None:
    assert host.check_output("ovs-vsctl port-to-br dpdk0") == "br-phy"
    assert host.check_output("ovs-vsctl get Interface dpdk0 status:driver_name") == "net_virtio"
    assert host.check_output("ovs-vsctl get Open_vSwitch . other_config:pmd-sleep-max") == '"500"'


def test_the_bridge_has_the_address(host: Host) -> None:
    assert "172.29.0.21" in host.interface("br-phy").addresses


def test_it_is_so_at_each_boot(host: Host) -> None:
    assert host.service("weft-dpdk").is_enabled
    assert host.service("weft-underlay").is_running
