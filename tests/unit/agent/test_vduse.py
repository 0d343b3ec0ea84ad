"""VDUSE devices: what is refused, and what is found again. This machine's kernel has none: guests show them at work."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.support.ovn import run
from tests.support.sysfs import FakeSysfs
from tests.unit.agent.test_decisions import PORT, SUBNET
from weft.agent import netlink, netns, rtnl, wiring
from weft.agent.cni_types import CniError, Request, parse_request
from weft.agent.config import AgentSection
from weft.agent.device import vdpa_bus
from weft.agent.device.base import Job, Plug, host_interface
from weft.agent.device.registry import Devices
from weft.agent.device.sysfs import Sysfs, Vdpa
from weft.agent.device.vduse import Vduse, left_by
from weft.agent.ovs import Interface

NAME = host_interface(PORT.name)


def request(namespace: str = "/nowhere", container: str = "c") -> Request:
    environment = {"CNI_COMMAND": "ADD", "CNI_CONTAINERID": container, "CNI_NETNS": namespace, "CNI_IFNAME": "net1"}
    return parse_request(environment, json.dumps({"cniVersion": "1.1.0", "name": "n", "type": "kube-ovn"}))


@pytest.fixture
def device(tmp_path: Path) -> Vduse:
    (tmp_path / "vduse").mkdir()
    return Vduse(Sysfs(tmp_path), tmp_path / "vduse", [tmp_path / "notes"])


@pytest.fixture
def job() -> Job:
    return Job(request(), wiring.plan(replace(PORT, device_type="vduse"), SUBNET, 1500), checksum=False)


def on_bus(root: Path, *, netdev: str = "", character: str = "") -> None:
    """A vDPA device as the kernel shows that of a VDUSE device."""
    found = root / "devices/vduse" / NAME
    found.mkdir(parents=True)
    (root / "bus/vdpa/devices").mkdir(parents=True)
    (root / "bus/vdpa/devices" / NAME).symlink_to(found)
    if netdev:
        (found / "virtio7/net" / netdev).mkdir(parents=True)
    if character:
        (found / character).mkdir()


def test_open_vswitch_is_told_the_devices_path(device: Vduse, job: Job, tmp_path: Path) -> None:
    path = str(tmp_path / "vduse" / NAME)
    assert device.place(job.request, job.wanted.port) == NAME
    assert device.plug(job) == Plug("dpdkvhostuserclient", {"vhost-server-path": path}, {"device": "vduse"})


@pytest.mark.parametrize(
    ("there", "step", "message"),
    [
        ([], "make", "this host's kernel has no .*/control"),
        (["control"], "configure", f"Open vSwitch has the port {NAME}, but made no .*/{NAME}"),
    ],
)
def test_what_a_host_lacks(device: Vduse, job: Job, tmp_path: Path, there: list[str], step: str, message: str) -> None:
    for name in there:
        (tmp_path / "vduse" / name).touch()
    with pytest.raises(CniError, match=message) as caught:
        getattr(device, step)(job)
    assert caught.value.code == 100
    assert caught.value.details


@pytest.mark.parametrize(
    ("made", "found"),
    [
        ({"netdev": "eth3"}, Vdpa(NAME, netdev="eth3")),
        ({"character": "vhost-vdpa-0"}, Vdpa(NAME, path="/dev/vhost-vdpa-0")),
        ({}, Vdpa(NAME)),
    ],
)
def test_what_a_driver_made_of_it(tmp_path: Path, made: dict[str, str], found: Vdpa) -> None:
    FakeSysfs(tmp_path)
    on_bus(tmp_path, **made)
    assert Sysfs(tmp_path).vdpa_named(NAME) == found
    assert Sysfs(tmp_path).vdpa_named("another") is None


def test_device_that_nothing_drives_is_an_error(device: Vduse, tmp_path: Path) -> None:
    on_bus(tmp_path)
    with pytest.raises(CniError, match=f"vDPA device {NAME}: no driver has taken it"):
        device._device(NAME)


def test_machine_is_told_its_character_device(device: Vduse, job: Job, tmp_path: Path) -> None:
    assert (device.result(job), device.faults(job)) == ({}, [f"there is no vDPA device {NAME}"])
    on_bus(tmp_path, character="vhost-vdpa-4")
    assert (device.result(job), device.faults(job)) == ({"socketPath": "/dev/vhost-vdpa-4"}, [])


def test_netdev_is_looked_at_in_the_pod(device: Vduse, job: Job, tmp_path: Path) -> None:
    on_bus(tmp_path, netdev="eth3")
    assert device.faults(job) == ["namespace /nowhere: No such file or directory"]


def test_removal_of_what_is_gone_is_none(device: Vduse) -> None:
    for _ in range(2):
        device.remove(NAME, {})


@pytest.mark.parametrize("there", [True, False])
def test_note_of_dpdk_stays_as_long_as_its_device(device: Vduse, tmp_path: Path, there: bool) -> None:
    note = tmp_path / "notes" / NAME
    note.parent.mkdir()
    note.touch()
    if there:
        (tmp_path / "vduse" / NAME).touch()
    device.remove(NAME, {})
    assert note.exists() == there


def test_generic_netlink_knows_its_families() -> None:
    with rtnl.Rtnl(vdpa_bus._GENERIC) as channel:
        assert vdpa_bus._family(channel, "nlctrl") == vdpa_bus._CONTROLLER
        with pytest.raises(OSError, match="no module of this host's kernel has weft"):
            vdpa_bus._family(channel, "weft")


def test_switch_without_the_record_is_told_by_the_bus(tmp_path: Path) -> None:
    devices = Devices(AgentSection(sysfs=tmp_path))
    assert type(devices.behind(NAME, {})).__name__ == "Veth"
    on_bus(tmp_path)
    assert type(devices.behind(NAME, {})).__name__ == "Vduse"


def test_port_without_a_link_on_the_host_is_no_leftover() -> None:
    assert wiring.stale_interfaces([Interface(NAME, {"device": "vduse"})], set()) == []


async def test_nothing_is_done_after_what_failed() -> None:
    done: list[str] = []

    async def work(name: str) -> None:
        done.append(name)
        if name == "bad":
            raise OSError(name)

    with pytest.raises(OSError, match="bad"):
        await wiring.in_turn(*(partial(work, name) for name in ("good", "bad", "never")))
    assert done == ["good", "bad"]


@pytest.fixture
def namespace() -> Iterator[str]:
    """A pod's network namespace."""
    if os.geteuid() != 0:
        pytest.skip("namespaces are root's")
    name = f"weft-vduse-{os.getpid()}"
    run("ip", "netns", "add", name)
    yield f"/run/netns/{name}"
    run("ip", "netns", "delete", name)


# --- udev ---


def test_udevs_mac_is_not_the_pods(
    device: Vduse, job: Job, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever the kernel has answered us, udev gives the netdev that it sees on the host a MAC of its own."""
    send = rtnl.Rtnl.send
    with netns.fresh():
        netlink.make_host_veth("eth3", "other", "0a:00:00:00:00:50", 1400)
        folder = tmp_path / "class/net/eth3"
        folder.mkdir(parents=True)
        (folder / "ifindex").write_text(f"{socket.if_nametoindex('eth3')}\n")
        with rtnl.Rtnl() as udev:
            index = socket.if_nametoindex("eth3")

            def send_and_let_udev(channel: rtnl.Rtnl, messages: Sequence[rtnl.Message]) -> None:
                send(channel, messages)
                with suppress(OSError):
                    send(udev, [rtnl.change_link(index, mac="0a:00:00:00:00:99")])

            monkeypatch.setattr(rtnl.Rtnl, "send", send_and_let_udev)
            device._give("eth3", replace(job, request=request(namespace)))
    link = netlink.in_namespace(namespace, netlink.link, "net1")
    assert link is not None
    assert (link.mac, link.mtu) == (job.wanted.mac.lower(), job.wanted.mtu)


# --- what Open vSwitch has lost ---


def mark(namespace: str, alias: str) -> None:
    """Give it a link of the attachment's name with that alias."""
    with netns.entered(namespace):
        netlink.make_host_veth("net1", "other", "0a:00:00:00:00:01", 1500)
        netlink.raise_quietly("net1", alias)


@pytest.mark.parametrize(
    ("alias", "found"),
    [
        (f"weft-vduse:{NAME} c/net1", NAME),
        (f"weft-vduse:{NAME} another/net1", None),
        ("weft-vduse:eth0 c/net1", None),
        ("weft:c/net1", None),
    ],
)
def test_netdev_in_the_pod_tells_what_is_left(namespace: str, alias: str, found: str | None) -> None:
    mark(namespace, alias)
    assert left_by(request(namespace)) == found


def test_pod_without_namespace_has_left_nothing() -> None:
    assert left_by(request("/nowhere")) is None
