"""What is left of the devices."""

from testinfra.host import Host


def test_no_device_is_left(host: Host) -> None:
    assert host.file("/sys/bus/vdpa/devices").listdir() == []
