"""What a guest has that a container has not: the list that docs/metal.md gives to who writes the next scenario."""

from __future__ import annotations

import pytest

from tests.metal.conftest import Guest, metal_play

UNDERLAY = {"metal1": "172.31.0.21", "metal2": "172.31.0.22"}


def test_the_playbook_again_changes_nothing(metal: dict[str, Guest]) -> None:
    assert metal_play("playbooks/lab_create.yml").succeeded().changed == {"metal1": 0, "metal2": 0}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("ethtool -i mgmt0 | sed -n 's/^driver: //p'", "virtio_net"),
        ("ethtool -i eth1 | sed -n 's/^driver: //p'", "virtio_net"),
        ("ethtool -i eth2 | sed -n 's/^driver: //p'", "virtio_net"),
        ("ethtool -i enp1s0 | sed -n 's/^driver: //p'", "igb"),
        ("cat /sys/class/net/enp1s0/device/sriov_totalvfs", "7"),
        ("cat /sys/class/net/eth1/mtu", "1600"),
        ("ls /sys/kernel/iommu_groups | grep -c .", None),
        ("modprobe -a openvswitch geneve nf_conntrack sch_netem vfio-pci ip_vs", ""),
        ("modprobe -a netdevsim vdpa_sim_net vp_vdpa", ""),
        ("systemctl is-system-running", "running"),
        ("systemctl is-active ovs-vswitchd ovn-northd ovn-controller | sort -u", "inactive"),
    ],
)
def test_hardware_and_system_are_what_the_documentation_says(
    metal: dict[str, Guest], command: str, expected: str | None
) -> None:
    if "is-active" in command and metal["metal1"].run("test -e /etc/weft/agent.toml", check=False).ok:
        pytest.skip("the guests ran before this session, and have a fabric")
    found = metal["metal1"].run(command, check=False).stdout
    assert found == expected if expected is not None else int(found) > 0


def test_the_guests_know_each_other(metal: dict[str, Guest]) -> None:
    for name, guest in metal.items():
        assert guest.run("hostname").stdout == name
        for address in UNDERLAY.values():
            guest.run(["ping", "-c", "1", "-W", "5", "-M", "do", "-s", "1550", address])
        guest.run(["getent", "hosts", "metal1", "metal2"])
