"""The functions as the kernel shows them."""

import json

from testinfra.host import Host

NIC = "enp1s0"


def test_functions_have_their_settings(host: Host) -> None:
    first, second, _third = json.loads(host.check_output(f"ip -json -details link show {NIC}"))[0]["vfinfo_list"]
    assert (first["address"], first["spoofchk"], first["trust"]) == ("02:00:00:00:21:00", True, False)
    assert (first["vlan_list"][0]["vlan"], first["vlan_list"][0]["qos"]) == (100, 3)
    assert (second["rate"]["max_tx"], second["spoofchk"], second["trust"]) == (200, False, True)


def test_functions_have_their_drivers(host: Host) -> None:
    drivers = host.check_output(f"basename -a $(readlink /sys/class/net/{NIC}/device/virtfn*/driver)")
    assert drivers.split() == ["igbvf", "igbvf", "vfio-pci"]


def test_a_driver_has_read_its_functions_mac(host: Host) -> None:
    assert host.check_output(f"cd /sys/class/net/{NIC}/device/virtfn0/net/* && cat address mtu") == (
        "02:00:00:00:21:00\n1400"
    )


def test_they_are_made_at_each_boot(host: Host) -> None:
    unit = host.service("weft-sriov")
    assert unit.is_enabled
    assert unit.is_running


def test_the_device_plugin_is_told_its_resources(host: Host) -> None:
    told = json.loads(host.file("/etc/pcidp/config.json").content_string)
    assert [item["resourceName"] for item in told["resourceList"]] == ["cx5_sriov_switchdev"]
