"""Devices that are no veth, as far as this machine can show them.

The two ends of a veth pair stand for a virtual function's netdev and its representor, which a made-up sysfs says they
are: moving, naming, configuring, giving back and packets are the kernel's and Open vSwitch's own. Not shown here: a
real NIC's switch, vfio and vDPA. Of vhost-user, what Open vSwitch is told and that it says no; it has no DPDK here.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.agent import AgentHost, Pod, eventually, lone_host
from tests.support.ovn import available
from tests.support.sysfs import FakeSysfs

NETDEV, REPRESENTOR, UPLINK = "enp3s0f0v0", "eth4", "p0"
MAC_BEFORE = "02:aa:00:00:00:01"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> FakeSysfs:
    return FakeSysfs(tmp_path_factory.mktemp("sys"), UPLINK)


@pytest.fixture(scope="module")
def pci(tree: FakeSysfs) -> str:
    return tree.function(0, REPRESENTOR, NETDEV)


@pytest.fixture(scope="module")
def agent(tree: FakeSysfs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentHost]:
    if not available():
        pytest.skip("needs root and the reference OVN (make tools)")
    folders = {"kubelet_dir": tmp_path_factory.mktemp("kubelet"), "vhost_dir": tmp_path_factory.mktemp("v")}
    with lone_host(add_timeout=5, sysfs=str(tree.root), **{key: str(path) for key, path in folders.items()}) as host:
        host.host.ip("link", "add", NETDEV, "address", MAC_BEFORE, "type", "veth", "peer", "name", REPRESENTOR)
        host.host.ip("link", "add", UPLINK, "type", "veth", "peer", "name", "p0-wire")
        host.start()
        yield host


def function_pod(agent: AgentHost, name: str) -> tuple[Pod, dict[str, str]]:
    pod, row = agent.new_pod(name)
    agent.rows.update("Port", pod.port, device_type="vf")
    return pod, row


def at_home(agent: AgentHost) -> tuple[str, int, str, str]:
    """MAC, MTU, alias of the function's netdev on the host, and its representor's alias."""
    link = json.loads(agent.host.ip("-j", "link", "show", NETDEV))[0]
    representor = json.loads(agent.host.ip("-j", "link", "show", REPRESENTOR))[0]
    return link["address"], link["mtu"], link.get("ifalias", ""), representor.get("ifalias", "")


def test_function_goes_into_the_pod_and_comes_back(agent: AgentHost, pci: str) -> None:
    before = at_home(agent)
    pod, row = function_pod(agent, "vf")
    other, other_row = agent.new_pod("plain")
    agent.add(other)
    config = {"runtimeConfig": {"deviceID": pci}}
    answer = agent.add(pod, "1.1.0", **config)
    assert answer["interfaces"][0]["name"] == REPRESENTOR
    assert answer["interfaces"][1] == {
        "name": "eth0", "mac": row["mac"], "sandbox": pod.netns, "mtu": 1400, "pciID": pci,
    }  # fmt: skip
    link = json.loads(agent.inside(pod, "ip", "-j", "link", "show", "eth0"))[0]
    assert (link["address"], link["mtu"], link["operstate"]) == (row["mac"], 1400, "UP")
    assert agent.host.vsctl("get", "Interface", REPRESENTOR, "external_ids:iface-id") == "vf.default"
    agent.inside(pod, "ping", "-c", "1", "-W", "2", other_row["addresses"][0])
    assert agent.request("CHECK", pod, **config) == (0, {})
    assert agent.add(pod, "1.1.0", **config) == answer, "again is the same"
    for _ in range(2):
        assert agent.request("DEL", pod, **config) == (0, {})
    assert at_home(agent) == before == (MAC_BEFORE, 1500, "", "")
    assert REPRESENTOR not in agent.host.vsctl("list-ports", "br-int")
    status, found = agent.request("CHECK", pod, **config)
    assert (status, found["code"]) == (1, 101)


def test_function_comes_back_when_open_vswitch_lost_it(agent: AgentHost, pci: str) -> None:
    pod, _ = function_pod(agent, "lost")
    config = {"deviceID": pci}
    agent.add(pod, **config)
    agent.host.vsctl("del-port", "br-int", REPRESENTOR)
    assert agent.request("DEL", pod, **config) == (0, {})
    assert at_home(agent) == (MAC_BEFORE, 1500, "", "")


def test_next_pod_takes_a_function_over(agent: AgentHost, pci: str) -> None:
    first, _ = function_pod(agent, "first")
    second, row = function_pod(agent, "second")
    config = {"deviceID": pci}
    agent.add(first, **config)
    agent.add(second, **config)
    assert row["mac"] in agent.inside(second, "ip", "link", "show", "eth0")
    assert agent.request("DEL", first, **config) == (0, {})
    assert agent.request("CHECK", second, **config) == (0, {}), agent.log()[-3000:]
    assert agent.request("DEL", second, **config) == (0, {})
    assert at_home(agent) == (MAC_BEFORE, 1500, "", "")


@pytest.mark.parametrize(
    ("config", "code", "message"),
    [
        ({}, 7, "runtimeConfig.deviceID is missing"),
        ({"deviceID": "0000:09:00.1"}, 7, "which this host has not"),
        ({"vlan": 5000}, 7, "vlan: got 5000"),
    ],
)
def test_function_that_cannot_be_had(
    agent: AgentHost, pci: str, config: dict[str, object], code: int, message: str
) -> None:
    before = at_home(agent)
    pod, _ = function_pod(agent, f"no{len(message)}")
    status, answer = agent.request("ADD", pod, **({"deviceID": pci} if "vlan" in config else {}), **config)
    assert (status, answer["code"]) == (1, code), answer
    assert message in answer["msg"]
    assert at_home(agent) == before


# --- vhost-user ---


@pytest.mark.parametrize("device_type", ["vhostuser", "vduse"])
def test_device_for_dpdk_is_refused_by_an_open_vswitch_without(agent: AgentHost, device_type: str) -> None:
    pod, _ = agent.new_pod(f"dpdk-{device_type}")
    agent.rows.update("Port", pod.port, device_type=device_type)
    status, answer = agent.request("ADD", pod)
    assert (status, answer["code"]) == (1, 100)
    assert answer["msg"] == "Open vSwitch on h1 has no interface type dpdkvhostuserclient"


@pytest.mark.skipif(Path("/dev/vduse").exists(), reason="this kernel has VDUSE")
def test_vduse_is_refused_where_the_kernel_has_none(agent: AgentHost) -> None:
    pod, _ = agent.new_pod("vduse")
    agent.rows.update("Port", pod.port, device_type="vduse")
    ports = agent.ovs_ports()
    with agent.host.daemons["ovs-vswitchd"].stopped():  # else it says at once which types it has
        agent.host.vsctl("--no-wait", "add", "Open_vSwitch", ".", "iface_types", "dpdkvhostuserclient")
        status, answer = agent.request("ADD", pod)
    assert (status, answer["code"]) == (1, 100)
    assert answer["msg"] == "device_type: got vduse, but this host's kernel has no /dev/vduse/control"
    assert "modprobe -a vduse virtio_vdpa" in answer["details"]
    assert agent.ovs_ports() == ports
    assert agent.request("DEL", pod) == (0, {})


def test_volume_of_the_pod_is_where_open_vswitch_finds_the_socket(agent: AgentHost) -> None:
    pod, _ = agent.new_pod("vm")
    agent.rows.update("Port", pod.port, device_type="vhostuser")
    settings = tomllib.loads(agent.config.read_text())["agent"]
    volume = Path(settings["kubelet_dir"]) / "pods" / pod.uid / "volumes/kubernetes.io~empty-dir/vhostuser-sockets"
    volume.mkdir(parents=True)
    (volume / "mark").touch()
    plugin_config = {"vhost_user_socket_volume_name": "vhostuser-sockets", "vhost_user_socket_name": "sock"}
    ports = agent.ovs_ports()
    with agent.host.daemons["ovs-vswitchd"].stopped():  # else it says at once which types it has
        agent.host.vsctl("--no-wait", "add", "Open_vSwitch", ".", "iface_types", "dpdkvhostuserclient")
        process = agent.spawn("ADD", pod, **plugin_config)
        name = next(iter(eventually(lambda: agent.ovs_ports() - ports, "the port is on the bridge")))
        folder = Path(settings["vhost_dir"]) / name
        assert (folder / "mark").exists(), "the volume is mounted"
        assert agent.host.vsctl("get", "Interface", name, "type") == "dpdkvhostuserclient"
        assert agent.host.vsctl("get", "Interface", name, "options") == f'{{vhost-server-path="{folder}/sock"}}'
        output, _ = process.communicate(timeout=20)
    assert "ovn-controller has not installed its flows" in json.loads(output)["msg"]
    assert not folder.exists()
    assert (volume / "mark").exists(), "what is in the volume is the pod's"
    assert agent.ovs_ports() == ports
