"""A workload's interface: made, found again, checked and removed.

`attach` leaves either a working interface or nothing. Whatever is found half made, from an agent that died or a
container that was killed, is replaced; whatever is whole and for the same container is left alone. What the interface
is made of is a device's affair (`device/`). The host's end of a veth pair is named after the port, so leftovers are
found by name, and carries `weft:<container>/<ifname>` as its alias, as a representor does, so it tells whom it was for
even when Open vSwitch's database was lost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

from weft.agent import cni_types, metrics, netlink
from weft.agent.attachment import Attachment, addressing
from weft.agent.cni_types import CniError, Request
from weft.agent.device.base import ALIAS, Device, Job, Plug, Wanted, alias, host_interface, named_by_us
from weft.agent.device.function import remembered
from weft.agent.device.registry import Devices
from weft.agent.netlink import LinkState, Netlink
from weft.agent.ovs import Interface, LocalOvs
from weft.agent.probe import Asker, reach, settle
from weft.agent.view import Port, Rows, Subnet
from weft.log import get_logger

T = TypeVar("T")
_log = get_logger(__name__)
LINKLESS: Final = frozenset({"vhostuser", "vduse"})
"""Devices without a link of the kernel's on the host."""


CHECK_WAIT: Final = 2.0
"""Seconds that CHECK gives a gateway to answer."""

# --- decisions ---


def plan(port: Port, subnet: Subnet, usual_mtu: int | None, encap_ip: str = "") -> Wanted:
    """The interface of a port; `usual_mtu` is for a subnet that chooses none. Raises CniError."""
    own = addressing(port, subnet)
    mtu = subnet.mtu or usual_mtu
    if mtu is None:
        raise CniError(
            cni_types.TRY_AGAIN,
            "this host's tunnel address is not set or on no link, so the MTU is not known",
            "see external_ids:ovn-encap-ip in Open_vSwitch, and `ip addr`",
            reason="no-mtu",
        )
    asked = own.gateways if subnet.gateway_check else ()
    return Wanted(port, host_interface(port.name), port.mac, mtu, own, asked, encap_ip)


def stale_interfaces(recorded: list[Interface], links: set[str]) -> list[str]:
    """Ports of ours in Open vSwitch whose link is gone: after a reboot, or when a container died without DEL."""
    return [
        item.name for item in recorded if item.name not in links and item.external_ids.get("device") not in LINKLESS
    ]


def unclaimed(recorded: list[Interface], rows: Rows) -> set[str]:
    """Ports that are wired for a runtime and no longer in the database."""
    host = {rows.host.port} if rows.host else set()
    wired = {i.port for i in recorded if not i.external_ids.get("sandbox", "").startswith(cni_types.KEPT)}
    return wired - set(rows.ports) - host


def stale_links(links: list[LinkState], recorded: set[str]) -> list[str]:
    """Veths of ours that Open vSwitch does not know: an ADD that was interrupted, or a lost database.

    A representor stays: its function may be in a pod, and comes back by DEL.
    """
    ours = (link.name for link in links if link.alias.startswith(ALIAS) and named_by_us(link.name))
    return [name for name in ours if name not in recorded]


def invalid(recorded: list[Interface], network: str, valid: frozenset[tuple[str, str]]) -> list[Interface]:
    """What was wired for attachments to a network that its runtime no longer has. Kept namespaces have no runtime."""
    return [
        interface
        for interface in recorded
        for sandbox, ifname in [(interface.external_ids.get("sandbox", ""), interface.external_ids.get("ifname", ""))]
        if interface.external_ids.get("network") == network
        and not sandbox.startswith(cni_types.KEPT)
        and (sandbox, ifname) not in valid
    ]


# --- work ---


class Wiring:
    """Attaches and detaches interfaces. Callers hold the locks of the container's interface and of the host's end."""

    def __init__(self, ovs: LocalOvs, links: Netlink, devices: Devices, node: str) -> None:
        self._node = node
        self._ovs = ovs
        self._netlink = links
        self._devices = devices

    async def place(self, request: Request, wanted: Wanted) -> Wanted:
        """With the name that the host's end has: a device may have one already. Raises CniError."""
        device = self._devices.of(wanted.port)
        return replace(wanted, host_interface=await self._ask(device, device.place, request, wanted.port))

    async def _ask(self, device: Device, question: Callable[..., T], *arguments: Any) -> T:
        """Without a change of threads where the kernel is not asked: that takes longer than the answer."""
        return await self._netlink.run(question, *arguments) if device.asks else question(*arguments)

    async def attach(self, request: Request, wanted: Wanted, deadline: float) -> Attachment:
        """Make the interface, or find it made; undone when it fails or is cancelled.

        Raises CniError, and TimeoutError when ovn-controller has not said at the deadline that its flows are in place.
        """
        job, device = self._job(request, wanted), self._devices.of(wanted.port)
        async with asyncio.timeout_at(deadline):
            found = self._ovs.find_port(wanted.port.name)
            if found and self._is_for(found, request) and not await self._netlink.run(device.faults, job):
                await self._installed(wanted)
                return await self._existing(job, device)
            for name in {wanted.host_interface} & set(self._ovs.interfaces) | ({found.name} if found else set()):
                await self._clear(name)
        plug = device.plug(job)
        self._need_type(plug)
        ids = {**record(request, wanted), **plug.ids}
        try:
            async with asyncio.timeout_at(deadline):
                attachment = await self._make(job, device, replace(plug, ids=ids))
            await self._settle(job, device, deadline)
        except BaseException:
            await asyncio.shield(self._clear(wanted.host_interface, ids))
            raise
        return attachment

    def _job(self, request: Request, wanted: Wanted) -> Job:
        return Job(request, wanted, checksum=not self._ovs.userspace)

    def _need_type(self, plug: Plug) -> None:
        if plug.kind and plug.kind not in self._ovs.types:
            raise CniError(
                cni_types.WIRING_FAILED, f"Open vSwitch on {self._node} has no interface type {plug.kind}",
                "is it the build with DPDK, and other_config:dpdk-init true? see iface_types of its table Open_vSwitch",
            )  # fmt: skip

    async def _settle(self, job: Job, device: Device, deadline: float) -> None:
        """The gateway answers and neighbours know where the pod is, but for a machine that has not moved here yet."""
        if await self._can_ask(job, device):
            await settle(self._netlink, _asker(job), job.wanted.asked, deadline)

    async def _can_ask(self, job: Job, device: Device) -> bool:
        return not job.wanted.port.arriving and await self._ask(device, device.in_pod, job)

    async def _make(self, job: Job, device: Device, plug: Plug) -> Attachment:
        """The pod's end is configured while Open vSwitch and OVN take up the host's, if there is one by then."""
        mac = await self._in_kernel("link", job, device.make)
        if device.follows_switch:
            await self._bind(job.wanted, plug)
            await self._in_kernel("pod", job, device.configure)
        else:
            await together(self._in_kernel("pod", job, device.configure), self._bind(job.wanted, plug))
        return _attachment(job, mac, device)

    async def _in_kernel(self, phase: str, job: Job, work: Callable[[Job], T]) -> T:
        """The kernel's errors as the runtime's."""
        started = time.perf_counter()
        try:
            return await self._netlink.run(work, job)
        except FileNotFoundError as error:
            raise CniError(
                cni_types.UNKNOWN_CONTAINER, f"namespace {job.request.netns}: is not there",
                "the container is probably gone",
            ) from error  # fmt: skip
        except OSError as error:
            raise CniError(
                cni_types.IO_FAILURE, f"interface {job.request.ifname} in {job.request.netns}: {error.strerror}",
                "see the namespace with `ip netns` or `nsenter --net=`: what is in it is the runtime's",
            ) from error  # fmt: skip
        finally:
            _observe(phase, started)

    async def _bind(self, wanted: Wanted, plug: Plug) -> None:
        started = time.perf_counter()
        await self._ovs.add(wanted.host_interface, plug.ids, plug.kind, plug.options)
        _observe("ovsdb", started)
        await self._installed(wanted)

    async def _installed(self, wanted: Wanted) -> None:
        started = time.perf_counter()
        await self._ovs.wait_installed(wanted.host_interface)
        _observe("ovn", started)
        metrics.wait_connectivity.labels(self._node).inc(time.perf_counter() - started)

    async def _existing(self, job: Job, device: Device) -> Attachment:
        host = await self._netlink.run(netlink.link, job.wanted.host_interface)
        return _attachment(job, host.mac if host else "", device)

    @staticmethod
    def _is_for(interface: Interface, request: Request) -> bool:
        ids = interface.external_ids
        return (ids.get("sandbox"), ids.get("ifname"), ids.get("pod_netns")) == (
            request.container, request.ifname, request.netns,
        )  # fmt: skip

    async def check(self, request: Request, wanted: Wanted) -> None:
        """CHECK: raises CniError with all that is not as it shall be."""
        job, device = self._job(request, wanted), self._devices.of(wanted.port)
        found = await self._netlink.run(device.faults, job)
        interface = self._ovs.interfaces.get(wanted.host_interface)
        if interface is None:
            found.append(f"{wanted.host_interface} is not on bridge {self._ovs.bridge}")
        elif not interface.installed:
            found.append(f"ovn-controller has no flows for {wanted.port.name}")
        if not found and wanted.asked and await self._can_ask(job, device):
            found += await self._unreachable(job)
        if found:
            raise CniError(
                cni_types.CHECK_FAILED, f"{request.pod_name} {request.ifname}: {'; '.join(found)}",
                "the runtime may make the pod anew; what changes a pod's interface behind the runtime's back?",
            )  # fmt: skip

    async def _unreachable(self, job: Job) -> list[str]:
        try:
            await reach(self._netlink, _asker(job), job.wanted.asked, time.monotonic() + CHECK_WAIT)
        except CniError as error:
            return [error.message]
        return []

    async def made_for(self, request: Request) -> str | None:
        """The host's end of what was made for this container's interface, also when Open vSwitch has lost it."""
        if interface := self._ovs.find_sandbox(request.container, request.ifname):
            return interface.name
        links = await self._netlink.run(netlink.links)
        label = alias(request.container, request.ifname)
        found = next((link.name for link in links.values() if link.alias == label), None)
        left = found or await self._netlink.run(self._devices.left_by, request)
        return left if left not in self._ovs.interfaces else None  # what a pod says of its own links is no proof

    async def detach(self, request: Request, name: str) -> None:
        """DEL of what `made_for` found. One of that name that was since made for another container stays."""
        label = alias(request.container, request.ifname)
        link = await self._netlink.run(netlink.link, name)
        if link is None or link.alias == label:
            ids = {"pod_netns": request.netns, "ifname": request.ifname, **remembered(request)}
            await self._clear(name, ids, known=False)

    async def collect(self, interface: Interface) -> None:
        """GC: remove an interface, unless it was since made for another container."""
        if self._ovs.interfaces.get(interface.name) == interface:
            _log.info("attachment is not valid any more, removed", interface=interface.name, port=interface.port)
            await self._clear(interface.name)

    async def _clear(self, name: str, ids: Mapping[str, str] | None = None, known: bool = True) -> None:
        """Have neither the Open vSwitch port nor the device; both may be gone already.

        `ids` are its external_ids, for what Open vSwitch does not say itself. What we just added ourselves may not be
        in the replica yet: then it is `known` to be there.
        """
        interface = self._ovs.interfaces.get(name)
        ids = {**(ids or {}), **(interface.external_ids if interface else {})}
        device = self._devices.behind(name, ids)
        work: list[Callable[[], Coroutine[Any, Any, object]]] = [partial(self._netlink.run, device.remove, name, ids)]
        if interface or (ids and known):
            work.append(partial(self._ovs.remove, name))
        if device.follows_switch:
            await in_turn(*work)
        else:
            await together(*(part() for part in work))

    async def clean(
        self, locked: Callable[[str, Callable[[], Awaitable[None]]], Awaitable[None]], grace: float
    ) -> None:
        """Remove what is left over for `grace` seconds: a database may come back, a runtime may be about to DEL.

        `locked(name, work)` runs `work` with that interface's lock; each is looked at again.
        """
        if found := await self._leftovers():
            await asyncio.sleep(grace)
            for name in found & await self._leftovers():
                await locked(name, partial(self._clean_one, name))

    async def _leftovers(self) -> set[str]:
        """Names on the host of what is ours and has lost its other half."""
        recorded = self._ovs.ours()
        links = await self._netlink.run(netlink.links)
        names = {interface.name for interface in recorded}
        return {*stale_interfaces(recorded, set(links)), *stale_links(list(links.values()), names)}

    async def _clean_one(self, name: str) -> None:
        link = await self._netlink.run(netlink.link, name)
        if (link is None) != (name in self._ovs.interfaces):
            return
        _log.info("leftover removed", interface=name)
        await self._clear(name)


def record(request: Request, wanted: Wanted) -> dict[str, str]:
    """The external_ids of a port's Interface (see ovs.py)."""
    port = wanted.port
    return {
        **({"encap-ip": wanted.encap_ip} if wanted.encap_ip else {}),
        "iface-id": port.name,
        "pod_namespace": port.pod_namespace,
        "pod_name": port.pod_name,
        "pod_uid": port.pod_uid,
        "pod_netns": request.netns,
        "sandbox": request.container,
        "ifname": request.ifname,
        "network": request.network,
    }


async def together(*work: Coroutine[Any, Any, object]) -> None:
    """Do several things at once; when one fails the others are cancelled, and its error is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in work:
                group.create_task(part)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def in_turn(*work: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Do several things one after the other, and none after one that failed."""
    for part in work:
        await part()


def _attachment(job: Job, mac: str, device: Device) -> Attachment:
    request, wanted = job.request, job.wanted
    return Attachment(
        wanted.host_interface, mac, request.ifname, wanted.mac, request.netns, wanted.mtu, wanted.addressing,
        device.result(job),
    )  # fmt: skip


def _asker(job: Job) -> Asker:
    addresses = tuple(address.ip for address in job.wanted.addressing.addresses)
    return Asker(job.request.netns, job.request.ifname, job.wanted.mac.lower(), addresses)


def _observe(phase: str, started: float) -> None:
    metrics.add_phase_seconds.labels(phase).observe(time.perf_counter() - started)
