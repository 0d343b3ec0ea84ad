"""An SR-IOV virtual function in the pod, its representor in Open vSwitch (Kube-OVN 1.15 manual, sections 7.16 to 7.19).

The function's netdev goes into the pod with the port's name, MAC and MTU. What it was before, name, MAC and MTU, stands
in its alias, where nobody can lose it, and is given back: by DEL, or when the pod's namespace died and the kernel put
the netdev back by itself, perhaps under another name. A function that vfio-pci or vDPA has gets its MAC by the
physical function alone; a machine or program in the pod uses it.

The physical function is told the MAC first, and what it is told it is told again at the end: the MAC of before, and no
VLAN where the pod had one. Drivers differ in what the netdev then may: see `_readdress`.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from weft.agent import netlink, netns, rtnl, rtnl_read
from weft.agent.cni_capabilities import device_id
from weft.agent.cni_types import INVALID_CONFIG, CniError, Request
from weft.agent.device.base import Job, Plug, pod_faults
from weft.agent.device.sysfs import Function, Sysfs
from weft.agent.view import Port

BEFORE: Final = "weft-vf:"
PCI: Final = "vf_pci"
VLAN: Final = "vf_vlan"


class VirtualFunction:
    """See `device.base.Device`."""

    kind = "vf"
    asks = True
    follows_switch = False

    def __init__(self, sysfs: Sysfs) -> None:
        self._sysfs = sysfs

    def place(self, request: Request, port: Port) -> str:
        return self._function(request, port).representor

    def plug(self, job: Job) -> Plug:
        return Plug(ids={"device": self.kind, **remembered(job.request)})

    def make(self, job: Job) -> str:
        """Representor up, the switch told the MAC, the netdev moved."""
        function = self._function(job.request, job.wanted.port)
        netdev = self._netdev(job)
        vlan = _vlan(job.request)
        _tell_switch(function, job.wanted.mac, vlan or None, required=bool(vlan) or not netdev)
        mac = _take(function.representor, job)
        if netdev:
            _give(netdev, job)
        return mac

    def configure(self, job: Job) -> None:
        if self.in_pod(job):
            netlink.configure_pod_end(job.pod_end)

    def in_pod(self, job: Job) -> bool:
        """Whether the netdev has gone into the pod."""
        return netlink.in_namespace(job.request.netns, _find, job.request.ifname) is not None

    def faults(self, job: Job) -> list[str]:
        representor = netlink.link(job.wanted.host_interface)
        if representor is None or not representor.up:
            return [f"{job.wanted.host_interface} is not there or down"]
        if self._netdev(job) and not self.in_pod(job):
            return [f"{job.request.ifname} is not in the pod"]
        return pod_faults(job) if self.in_pod(job) else []

    def result(self, job: Job) -> Mapping[str, Any]:
        return {"pciID": device_id(job.request)}

    def remove(self, name: str, ids: Mapping[str, str]) -> None:
        """The netdev comes back as it was, the representor is nobody's."""
        try:
            with netns.entered(ids.get("pod_netns", "")) as home:
                _return(ids.get("ifname", ""), home)
        except FileNotFoundError:
            pass  # the kernel has put it back
        except OSError as error:
            if error.errno != errno.EINVAL:  # the file is there, the namespace is not
                raise
        self._restore(ids)
        _let_go(name)

    def _restore(self, ids: Mapping[str, str]) -> None:
        """The switch is told what it was told before, and a netdev that is back is what its alias says."""
        pci = ids.get(PCI, "")
        netdev = self._home(pci)
        link = _find(netdev) if netdev else None
        before = link.alias.removeprefix(BEFORE).split() if link else []
        mac, vlan = before[1] if before else "", 0 if VLAN in ids else None
        with suppress(CniError):  # the function is gone
            _tell_switch(self._sysfs.function(pci), mac, vlan, required=False)
        if link:
            _make_as_before(link, *before)

    def _netdev(self, job: Job) -> str:
        """The host's netdev of the function, that the pod shall have; "" where there is none, or it is there."""
        return self._home(device_id(job.request))

    def _home(self, pci: str) -> str:
        return self._sysfs.netdev(pci) if pci else ""

    def _function(self, request: Request, port: Port) -> Function:
        pci = device_id(request)
        if not pci:
            raise CniError(
                INVALID_CONFIG, f"Port/{port.name}: device_type is {self.kind}, but runtimeConfig.deviceID is missing",
                "the pod has to ask for the resource of the definition's annotation k8s.v1.cni.cncf.io/resourceName",
            )  # fmt: skip
        return self._sysfs.function(pci)


def remembered(request: Request) -> Mapping[str, str]:
    """What DEL has to know of the function, as it stands in the Interface's external_ids."""
    vlan = _vlan(request)
    return {PCI: device_id(request), **({VLAN: str(vlan)} if vlan else {})}


def _tell_switch(function: Function, mac: str, vlan: int | None, required: bool) -> None:
    """Of MAC and VLAN, "" and None are not told. A driver that leaves it to the netdev is content with the netdev's."""
    try:
        with rtnl.Rtnl() as channel:
            channel.send([rtnl.set_function(socket.if_nametoindex(function.uplink), function.number, mac, vlan)])
    except OSError as error:
        if required or error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
            raise


def _vlan(request: Request) -> int:
    vlan = request.config.get("vlan", 0)
    if not isinstance(vlan, int) or not 0 <= vlan < 4095:
        raise CniError(INVALID_CONFIG, f"vlan: got {vlan!r}, allowed is 0 (none) to 4094")
    return vlan


def _find(ifname: str) -> rtnl_read.Link | None:
    """A function's netdev that a pod has or had, in the namespace that the thread is in."""
    with rtnl.Rtnl() as channel:
        link = rtnl_read.find_link(channel, ifname)
    return link if link and link.alias.startswith(BEFORE) else None


def _take(representor: str, job: Job) -> str:
    """The representor is up and says whom it is for; gives its MAC."""
    with rtnl.Rtnl() as channel:
        index = socket.if_nametoindex(representor)
        channel.send([rtnl.change_link(index, mtu=job.wanted.mtu), rtnl.change_link(index, up=True, alias=job.alias)])
    return rtnl.mac_address(representor)


def _let_go(representor: str) -> None:
    with rtnl.Rtnl() as channel:
        if link := rtnl_read.find_link(channel, representor):
            channel.send([rtnl.change_link(link.index, alias="")])  # Open vSwitch sets its flags back itself


def _give(netdev: str, job: Job) -> None:
    """Move a netdev into the pod, noting what it was."""
    with rtnl.Rtnl() as channel, open(job.request.netns, "rb") as namespace:  # noqa: PTH123
        link = rtnl_read.find_link(channel, netdev)
        if link is None:
            raise OSError(errno.ENODEV, f"{netdev}: is not in the host's namespace")
        before = link.alias if link.alias.startswith(BEFORE) else f"{BEFORE}{link.name} {link.mac} {link.mtu}"
        channel.send([
            rtnl.change_link(link.index, up=False),
            rtnl.change_link(link.index, alias=before, mtu=job.wanted.mtu),
        ])  # fmt: skip
        _readdress(channel, link, job.wanted.mac)
        channel.send([rtnl.change_link(link.index, name=job.request.ifname, namespace=namespace.fileno())])


def _readdress(channel: rtnl.Rtnl, link: rtnl_read.Link, mac: str) -> None:
    """Give a netdev that is down its MAC.

    Some drivers (igbvf) let none be set that the physical function has set already, not even the same one, and have it
    from there when they are reset, which is when they go down.
    """
    try:
        channel.send([rtnl.change_link(link.index, mac=mac)])
    except OSError:
        channel.send([rtnl.change_link(link.index, up=True), rtnl.change_link(link.index, up=False)])
        now = rtnl_read.find_link(channel, link.name)
        if now is None or now.mac != mac.lower():
            raise


def _return(ifname: str, home: int) -> None:
    """From the pod's namespace back to the one that is open as `home`."""
    link = _find(ifname) if ifname else None
    if link is None:
        return
    name = link.alias.removeprefix(BEFORE).split()[0]
    with rtnl.Rtnl() as channel:
        channel.send([
            rtnl.change_link(link.index, up=False), rtnl.change_link(link.index, name=name, namespace=home),
        ])  # fmt: skip


def _make_as_before(link: rtnl_read.Link, name: str, mac: str, mtu: str) -> None:
    """A netdev that is back, with what its alias says."""
    with rtnl.Rtnl() as channel:
        channel.send([rtnl.change_link(link.index, up=False)])
        _readdress(channel, link, mac)
        channel.send([
            rtnl.change_link(link.index, name=name if name != link.name else "", mtu=int(mtu)),
            rtnl.change_link(link.index, alias=""),
        ])  # fmt: skip
