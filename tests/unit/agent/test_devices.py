"""Devices found in sysfs, and what is refused of them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.sysfs import PF, FakeSysfs
from tests.unit.agent.test_decisions import PORT, SUBNET
from weft.agent import wiring
from weft.agent.cni_types import CniError, Request, parse_request
from weft.agent.config import AgentSection
from weft.agent.device.base import Job, Plug
from weft.agent.device.registry import Devices
from weft.agent.device.sysfs import Function, Sysfs, Vdpa
from weft.agent.device.vhostuser import VhostUser


def request(**config: Any) -> Request:
    environment = {"CNI_COMMAND": "ADD", "CNI_CONTAINERID": "c", "CNI_NETNS": "/n", "CNI_IFNAME": "net1"}
    return parse_request(environment, json.dumps({"cniVersion": "1.1.0", "name": "n", "type": "kube-ovn", **config}))


# --- sysfs ---


def test_function_with_its_representor(tmp_path: Path) -> None:
    tree = FakeSysfs(tmp_path)
    tree.netdev("eth9", tmp_path / "devices/other", "pf0vf1", switch="another")
    tree.netdev("p1_1", tmp_path / "devices/second", "pf1vf1")
    tree.function(0, "eth4", "enp3s0f0v0")
    pci = tree.function(1, "eth5", "enp3s0f0v1")
    sysfs = Sysfs(tmp_path)
    assert sysfs.function(pci) == Function(pci, 1, "p0", "eth5", "mlx5_core")
    assert (sysfs.netdev(pci), sysfs.vdpa(pci)) == ("enp3s0f0v1", None)


@pytest.mark.parametrize(("port", "found"), [("1", "rep1"), ("c0pf0vf1", "rep1"), ("pf3vf1", ""), ("pf0sf1", "")])
def test_names_of_representors(tmp_path: Path, port: str, found: str) -> None:
    tree = FakeSysfs(tmp_path)
    pci = tree.function(1, driver="vfio-pci")
    tree.netdev("rep1", tmp_path / "devices/somewhere", port)
    sysfs = Sysfs(tmp_path)
    if found:
        assert sysfs.function(pci).representor == found
        assert sysfs.netdev(pci) == "", "vfio-pci leaves no netdev"
    else:
        with pytest.raises(CniError, match="function 1 of p0 has no representor"):
            sysfs.function(pci)


@pytest.mark.parametrize(
    ("pci", "switch", "code", "message"),
    [
        ("0000:09:00.1", "s", 7, "deviceID: got 0000:09:00.1, which this host has not"),
        (PF, "s", 7, f"deviceID: got {PF}, which is no virtual function"),
        ("0000:03:00.2", "", 100, f"device {PF}: p0 is not in switchdev mode"),
    ],
)
def test_what_is_no_function(tmp_path: Path, pci: str, switch: str, code: int, message: str) -> None:
    tree = FakeSysfs(tmp_path, switch=switch)
    tree.function(0, netdev="enp3s0f0v0")
    with pytest.raises(CniError) as caught:
        Sysfs(tmp_path).function(pci)
    assert (caught.value.code, caught.value.message) == (code, message)
    assert caught.value.details


@pytest.mark.parametrize(
    ("made", "found"),
    [
        ({"character": "vhost-vdpa-3"}, Vdpa("vdpa0", path="/dev/vhost-vdpa-3")),
        ({"netdev": "eth7"}, Vdpa("vdpa0", netdev="eth7")),
        ({"netdev": "eth7", "name": "blue"}, Vdpa("blue", netdev="eth7")),
    ],
)
def test_vdpa_device_of_a_function(tmp_path: Path, made: dict[str, str], found: Vdpa) -> None:
    tree = FakeSysfs(tmp_path)
    pci = tree.function(0, "eth4")
    tree.vdpa(pci, **made)
    assert Sysfs(tmp_path).vdpa(pci) == found


# --- which device ---


def test_device_that_the_agent_does_not_know(tmp_path: Path) -> None:
    devices = Devices(AgentSection(sysfs=tmp_path))
    with pytest.raises(CniError, match="device_type: got 'quantum', this agent knows veth, vf, vdpa, vhostuser, vduse"):
        devices.of(replace(PORT, device_type="quantum"))


@pytest.mark.parametrize(
    ("name", "ids", "kind"),
    [
        ("w0123456789abcd", {}, "Veth"),
        ("w0123456789abcd", {"device": "vhostuser"}, "VhostUser"),
        ("w0123456789abcd", {"device": "vduse"}, "Vduse"),
        ("eth4", {}, "VirtualFunction"),
        ("eth4", {"device": "vdpa"}, "Vdpa"),
    ],
)
def test_who_made_an_interface(tmp_path: Path, name: str, ids: dict[str, str], kind: str) -> None:
    assert type(Devices(AgentSection(sysfs=tmp_path)).behind(name, ids)).__name__ == kind


@pytest.mark.parametrize("device_type", ["vf", "vdpa"])
def test_function_without_a_device_id(tmp_path: Path, device_type: str) -> None:
    port = replace(PORT, device_type=device_type)
    with pytest.raises(CniError, match=r"runtimeConfig\.deviceID is missing") as caught:
        Devices(AgentSection(sysfs=tmp_path)).of(port).place(request(), port)
    assert caught.value.code == 7


# --- vhost-user ---


def vhost(tmp_path: Path, **config: Any) -> tuple[VhostUser, Job]:
    port = replace(PORT, device_type="vhostuser", pod_uid="u-1")
    return VhostUser(tmp_path / "v", tmp_path / "k"), Job(request(**config), wiring.plan(port, SUBNET, 1600), False)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts are root's")
def test_socket_of_a_workload_without_kubelet(tmp_path: Path) -> None:
    device, job = vhost(tmp_path)
    folder = tmp_path / "v" / job.wanted.host_interface
    path = str(folder / "sock")
    assert device.make(job) == ""
    assert device.plug(job) == Plug("dpdkvhostuserclient", {"vhost-server-path": path}, {"device": "vhostuser"})
    assert (device.faults(job), device.in_pod(job), device.result(job)) == ([], False, {"socketPath": path})
    assert oct(folder.stat().st_mode)[-3:] == "770"
    (folder / "sock").touch()
    for _ in range(2):
        device.remove(folder.name, {})
        assert not folder.exists()
    assert device.faults(job) == [f"{folder} is not there"]


@pytest.mark.parametrize(
    ("config", "code", "message"),
    [
        ({"vhost_user_socket_name": "../../etc/x"}, 7, "vhost_user_socket_name: got '../../etc/x', allowed are"),
        ({"vhost_user_socket_name": 5}, 7, "vhost_user_socket_name: got 5, allowed are"),
        ({"vhost_user_socket_name": "x" * 63}, 7, "has more than 107 characters"),
        ({"vhost_user_socket_volume_name": "../secrets"}, 7, "vhost_user_socket_volume_name: got '../secrets'"),
        ({"vhost_user_socket_volume_name": "sockets"}, 11, "vhost_user_socket_volume_name: got 'sockets', but"),
    ],
)
def test_sockets_that_cannot_be(tmp_path: Path, config: dict[str, Any], code: int, message: str) -> None:
    device, job = vhost(tmp_path, **config)
    with pytest.raises(CniError) as caught:
        device.make(job)
    assert caught.value.code == code
    assert message in caught.value.message
    assert not (tmp_path / "v").exists()
