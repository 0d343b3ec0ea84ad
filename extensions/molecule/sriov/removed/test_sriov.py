"""What is left of the functions."""

from testinfra.host import Host


def test_no_function_is_left(host: Host) -> None:
    assert host.file("/sys/class/net/enp1s0/device/sriov_numvfs").content_string == "0\n"
