"""The devices as the kernel shows them."""

import json

from testinfra.host import Host


def test_devices_have_their_settings(host: Host) -> None:
    shown = json.loads(host.check_output("vdpa -j dev config show"))["config"]
    assert {name: (device["mac"], device["mtu"]) for name, device in shown.items()} == {
        "vdpa0": ("02:00:00:00:00:0a", 1400),
        "vdpa1": ("02:00:00:00:00:0b", 1500),
    }


def test_devices_have_their_drivers(host: Host) -> None:
    drivers = host.check_output("basename -a $(readlink /sys/bus/vdpa/devices/vdpa[01]/driver)")
    assert drivers.split() == ["vhost_vdpa", "virtio_vdpa"]


def test_a_pods_device_is_an_interface(host: Host) -> None:
    assert host.check_output("cat /sys/bus/vdpa/devices/vdpa1/virtio*/net/*/address") == "02:00:00:00:00:0b"


def test_the_group_may_open_them(host: Host) -> None:
    device, control = host.file("/dev/vhost-vdpa-0"), host.file("/dev/vduse/control")
    assert (device.group, device.mode) == (control.group, control.mode) == ("kvm", 0o660)


def test_they_are_made_at_each_boot(host: Host) -> None:
    unit = host.service("weft-vdpa")
    assert unit.is_enabled
    assert unit.is_running
