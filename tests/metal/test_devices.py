"""Virtual functions and vDPA devices as a pod's interface, on emulated NICs that have no switch with representors.

What the emulation lacks is `switchdev` alone. The stand-in is a tree that says so, with links into /sys for all else,
and a netdev that has what its function sends: of a function that its physical function tags, the VLAN device on that.
Names, MAC, MTU, VLAN, drivers and packets are real.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.metal.conftest import Guest
from tests.metal.devices import CONFIG, cni, link, pod
from tests.metal.fabric import address, apply, round_trips, workload

Fabric = dict[str, Guest]
Eventually = Callable[..., None]
SYS = "/run/metal-sys"
FUNCTION, VLAN = "0000:01:10.0", 101
OTHER, REAL = "0000:02:00.0", "/sys/bus/pci/devices/0000:02:00.0"
SWITCH_OF = (
    "for link in {links}; do mkdir -p {sys}/class/net/$link; echo 5254 >{sys}/class/net/$link/phys_switch_id; done"
)
FUNCTIONS = f"""
modprobe 8021q
ip link set enp1s0 up
echo 1 >/sys/class/net/enp1s0/device/sriov_numvfs
ip link add link enp1s0 name rep0 type vlan id {VLAN}
mkdir -p {SYS}
ln -sfn /sys/bus {SYS}/bus
{SWITCH_OF.format(sys=SYS, links="enp1s0 rep0")}
echo p0 >{SYS}/class/net/enp1s0/phys_port_name
echo pf0vf0 >{SYS}/class/net/rep0/phys_port_name
udevadm settle
"""
NO_FUNCTIONS = f"""
ip link delete rep0
echo 0 >/sys/class/net/enp1s0/device/sriov_numvfs
rm -rf {SYS}
"""
VDPA = f"""
modprobe -a vp_vdpa virtio_vdpa
echo vp-vdpa >{REAL}/driver_override
echo {OTHER} >{REAL}/driver/unbind
echo {OTHER} >/sys/bus/pci/drivers_probe
vdpa dev add name blue mgmtdev pci/{OTHER}
udevadm settle
mkdir -p {SYS}/bus/pci/devices/{OTHER}/blue {SYS}/bus/pci/devices/pf/net/eth1 {SYS}/bus/vdpa/devices
ln -s ../pf {SYS}/bus/pci/devices/{OTHER}/physfn
ln -s ../{OTHER} {SYS}/bus/pci/devices/pf/virtfn0
ln -s ../../pci/devices/{OTHER}/blue {SYS}/bus/vdpa/devices/blue
ln -s {REAL}/virtio* {SYS}/bus/pci/devices/{OTHER}/
{SWITCH_OF.format(sys=SYS, links="eth1 enp1s0")}
echo p0 >{SYS}/class/net/eth1/phys_port_name
echo pf0vf0 >{SYS}/class/net/enp1s0/phys_port_name
"""
NO_VDPA = f"""
vdpa dev del blue
echo >{REAL}/driver_override
echo {OTHER} >{REAL}/driver/unbind
echo {OTHER} >/sys/bus/pci/drivers_probe
rm -rf {SYS}
"""


@pytest.fixture(scope="module")
def host(fabric: Fabric) -> Iterator[Guest]:
    """The guest with the devices, whose agent looks at the tree; `near` is a workload on the other."""
    apply(fabric["metal1"], workload("near", "metal1"))
    guest = fabric["metal2"]
    guest.run(f"cp {CONFIG} /run/agent.toml && sed -i '/^.agent.$/a sysfs = \"{SYS}\"' {CONFIG}")
    guest.run("systemctl restart weft-agent", timeout=120)
    yield guest
    guest.run(f"cp /run/agent.toml {CONFIG} && systemctl restart weft-agent", timeout=120)


@pytest.fixture
def function(host: Guest) -> Iterator[str]:
    """Name of the netdev of a function of the emulated 82576."""
    host.run(f"set -e; {FUNCTIONS}")
    yield host.run(f"ls /sys/bus/pci/devices/{FUNCTION}/net").stdout
    host.run(NO_FUNCTIONS, check=False)


@pytest.fixture
def virtio(host: Guest) -> Iterator[str]:
    """Name of the netdev of a virtio NIC by vDPA, which the same wire connects to the 82576."""
    host.run(f"set -e; {VDPA}", timeout=120)
    yield host.run(f"ls {REAL}/virtio*/net").stdout
    host.run(NO_VDPA, check=False)


def goes_and_comes_back(
    fabric: Fabric, eventually: Eventually, kind: str, cidr: str, netdev: str, driver: str, **config: object
) -> None:
    """The device's netdev is the pod's, with all that the port says, carries packets, and is what it was after DEL."""
    host, before = fabric["metal2"], link(fabric["metal2"], netdev)
    config["provider"] = pod(fabric["metal1"], "metal2", kind, cidr)
    host.run(f"ip netns add {kind}")
    try:
        answer = cni(host, "ADD", kind, **config)
        told = answer["interfaces"][-1]
        assert (told["name"], told["pciID"]) == ("eth0", config["deviceID"])
        inside = link(host, "eth0", kind)
        assert (inside["address"], inside["mtu"], inside["operstate"]) == (told["mac"], told["mtu"], "UP")
        assert host.run(f"ip netns exec {kind} ethtool -i eth0 | sed -n 's/^driver: //p'").stdout == driver
        gateway, target = answer["ips"][0]["gateway"], address(fabric["metal1"], "near")
        # The emulated switch has no promiscuous port: what stands in for the representor is told whom it receives for.
        host.run(f"ip netns exec {kind} ping -c 1 -W 2 {gateway}", check=False)
        router = host.run(f"ip -json -netns {kind} neigh show {gateway}").stdout
        host.run(f"bridge fdb replace {json.loads(router)[0]['lladdr']} dev enp1s0 self permanent", check=False)
        for place in (gateway, target):
            command = f"ip netns exec {kind} ping -c 1 -W 2 {place}"
            eventually(lambda command=command: host.run(command, check=False).ok, within=60, what=command)
        assert round_trips(host, kind, target, 5, netns=kind)[0] == 0
        assert cni(host, "CHECK", kind, **config, prevResult=answer) == {}
        if config.get("vlan"):
            assert link(host, "enp1s0")["vfinfo_list"][0]["vlan_list"][0]["vlan"] == config["vlan"]
            assert link(host, "enp1s0")["vfinfo_list"][0]["address"] == told["mac"]
        assert cni(host, "DEL", kind, **config) == cni(host, "DEL", kind, **config) == {}
    finally:
        host.run(f"ip netns delete {kind}", check=False)
    after = link(host, netdev)
    assert [after[key] for key in ("address", "mtu")] == [before[key] for key in ("address", "mtu")]
    assert "ifalias" not in after


def test_function_of_an_82576_is_a_pods_interface(fabric: Fabric, function: str, eventually: Eventually) -> None:
    of_pod = {"deviceID": FUNCTION, "vlan": VLAN}
    goes_and_comes_back(fabric, eventually, "vf", "10.221.0.0/24", function, "igbvf", **of_pod)
    switch = link(fabric["metal2"], "enp1s0")["vfinfo_list"][0]
    assert switch["vlan_list"][0].get("vlan", 0) == 0, "the next pod is in no VLAN"


def test_virtio_by_vdpa_is_a_pods_interface(fabric: Fabric, virtio: str, eventually: Eventually) -> None:
    goes_and_comes_back(fabric, eventually, "vdpa", "10.222.0.0/24", virtio, "virtio_net", deviceID=OTHER)
