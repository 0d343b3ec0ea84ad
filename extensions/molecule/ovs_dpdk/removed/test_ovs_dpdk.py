"""What is left of the NIC in user space."""

from testinfra.host import Host


def test_the_kernel_has_the_nic_again(host: Host) -> None:
    assert host.file("/sys/bus/pci/devices/0000:02:00.0/driver").linked_to.endswith("/virtio-pci")
    assert host.interface("eth2").exists


def test_the_switch_has_ended(host: Host) -> None:
    assert not host.service("ovs-vswitchd").is_running
