"""A VDUSE device: Open vSwitch's DPDK in front, a netdev of virtio's in the pod; no NIC, no machine.

Open vSwitch makes the device in the kernel (`/dev/vduse/<name>`) when it has the port, and destroys it when it loses
the port, but not while something is on the vDPA bus for it. So the pod's side is made after Open vSwitch's and removed
before it. With the driver virtio_vdpa that is a netdev, which goes into the pod; with vhost_vdpa a character device,
which the result names. The netdev has no life of its own: it ends with the vDPA device, wherever it is. It is new to
udev, which gives a netdev whose MAC is a random one another (systemd.link(5), MACAddressPolicy) at some time or other:
so it has its MAC from us only where udev does not see it, in the pod.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from weft.agent import netlink, rtnl, rtnl_read
from weft.agent.cni_types import WIRING_FAILED, CniError, Request
from weft.agent.device import vdpa_bus
from weft.agent.device.base import Job, Plug, host_interface, named_by_us, pod_faults
from weft.agent.device.sysfs import Sysfs, Vdpa
from weft.agent.device.vhostuser import TYPE
from weft.agent.view import Port

FOLDER: Final = Path("/dev/vduse")
NOTES: Final = (Path("/run/vduse"), Path("/run/openvswitch/vduse"))
"""Where DPDK notes its devices: below the RUNTIME_DIRECTORY that a unit gives vswitchd or does not, else below /run."""
ALIAS: Final = "weft-vduse:"
"""Not `weft:`, which marks hosts' ends: a netdev whose pod died comes to the host until DEL."""


class Vduse:
    """See `device.base.Device`. `folder` is where the kernel has VDUSE's devices, `notes` where DPDK has."""

    asks = True
    follows_switch = True

    def __init__(self, sysfs: Sysfs, folder: Path = FOLDER, notes: Sequence[Path] = NOTES) -> None:
        self._sysfs = sysfs
        self._folder = folder
        self._notes = notes

    def place(self, request: Request, port: Port) -> str:  # noqa: ARG002
        return host_interface(port.name)

    def plug(self, job: Job) -> Plug:
        return Plug(TYPE, {"vhost-server-path": str(self._path(job))}, {"device": "vduse"})

    def make(self, job: Job) -> str:
        """Nothing of an earlier one, and a kernel that can. There is no host's end that has a MAC."""
        if not (self._folder / "control").exists():
            raise CniError(
                WIRING_FAILED, f"device_type: got vduse, but this host's kernel has no {self._folder}/control",
                "modprobe -a vduse virtio_vdpa, and have them loaded at boot (modules-load.d)",
            )  # fmt: skip
        self.remove(job.wanted.host_interface, {})
        return ""

    def configure(self, job: Job) -> None:
        name, path = job.wanted.host_interface, self._path(job)
        if not path.exists():
            raise CniError(
                WIRING_FAILED, f"Open vSwitch has the port {name}, but made no {path}",
                "it needs DPDK 24.03 or newer and may have to run as root; see ovs-vswitchd.log",
            )  # fmt: skip
        vdpa_bus.add(name)
        device = self._device(name)
        if device.netdev:
            self._give(device.netdev, job)
            netlink.configure_pod_end(job.pod_end)

    def in_pod(self, job: Job) -> bool:
        return netlink.in_namespace(job.request.netns, _has, job)

    def faults(self, job: Job) -> list[str]:
        name = job.wanted.host_interface
        device = self._sysfs.vdpa_named(name)
        if device is None:
            return [f"there is no vDPA device {name}"]
        return [] if device.path else pod_faults(job)

    def result(self, job: Job) -> Mapping[str, Any]:
        device = self._sysfs.vdpa_named(job.wanted.host_interface)
        return {"socketPath": device.path} if device and device.path else {}

    def remove(self, name: str, ids: Mapping[str, str]) -> None:  # noqa: ARG002
        """Where Open vSwitch is not there to destroy the device, DPDK's note goes too: with it alone none is made."""
        vdpa_bus.delete(name)
        vdpa_bus.destroy(name, self._folder)
        if not (self._folder / name).exists():
            for place in self._notes:
                (place / name).unlink(missing_ok=True)

    def _path(self, job: Job) -> Path:
        return self._folder / job.wanted.host_interface

    def _device(self, name: str) -> Vdpa:
        """What a driver has made of it: the kernel asks them before it answers."""
        device = self._sysfs.vdpa_named(name)
        if device is None or not (device.netdev or device.path):
            raise CniError(
                WIRING_FAILED, f"vDPA device {name}: no driver has taken it",
                "modprobe virtio_vdpa for a netdev in the pod, vhost_vdpa for a machine; see ovs-vswitchd.log too",
            )  # fmt: skip
        return device

    def _give(self, netdev: str, job: Job) -> None:
        """Move the netdev into the pod, by its number, and address it there: udev may be about to do so here."""
        index, alias = self._sysfs.index(netdev), _alias(job.request, job.wanted.host_interface)
        with rtnl.Rtnl() as channel, open(job.request.netns, "rb") as namespace:  # noqa: PTH123
            channel.send([rtnl.change_link(index, up=False), rtnl.change_link(index, alias=alias)])
            channel.send([rtnl.change_link(index, name=job.request.ifname, namespace=namespace.fileno())])
        netlink.in_namespace(job.request.netns, _address, job)


def left_by(request: Request) -> str | None:
    """The name of what an attachment has yet, also when Open vSwitch has lost it; its netdev is in the pod or back."""
    try:
        found = netlink.in_namespace(request.netns, netlink.links)
    except OSError:  # no namespace: the kernel has put it back
        found = netlink.links()
    names = {link.alias: link.alias.removeprefix(ALIAS).partition(" ")[0] for link in found.values()}
    return next((name for alias, name in names.items() if named_by_us(name) and alias == _alias(request, name)), None)


def _address(job: Job) -> None:
    """MAC and MTU, in the namespace that the thread is in."""
    index = socket.if_nametoindex(job.request.ifname)
    with rtnl.Rtnl() as channel:
        channel.send([rtnl.change_link(index, mac=job.wanted.mac, mtu=job.wanted.mtu)])


def _has(job: Job) -> bool:
    """Whether the netdev is in the namespace that the thread is in."""
    with rtnl.Rtnl() as channel:
        link = rtnl_read.find_link(channel, job.request.ifname)
    return link is not None and link.alias == _alias(job.request, job.wanted.host_interface)


def _alias(request: Request, name: str) -> str:
    return f"{ALIAS}{name} {request.container}/{request.ifname}"
