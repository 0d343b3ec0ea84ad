"""A workload's interface: made, found again, checked and removed.

`attach` leaves either a working interface or nothing. Whatever is found half made, from an agent that died or a
container that was killed, is replaced; whatever is whole and for the same container is left alone. The host's end of
a veth pair is named after the port, so leftovers are found by name, and carries `weft:<container>/<ifname>` as its
alias, so it tells whom it was for even when Open vSwitch's database was lost.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from weft.agent import cni_types, metrics, netlink
from weft.agent.attachment import Addressing, Attachment, Route, addressing
from weft.agent.cni_types import CniError, Request
from weft.agent.netlink import LinkState, Netlink, PodEnd
from weft.agent.ovs import Interface, LocalOvs
from weft.agent.probe import Asker, settle
from weft.agent.view import Port, Rows, Subnet
from weft.log import get_logger

T = TypeVar("T")
_log = get_logger(__name__)
ALIAS: Final = "weft:"


# --- decisions ---


def host_interface(port: str) -> str:
    """The veth's name on the host: `w` and 56 bits of the port's name, which fits the kernel's 15 characters."""
    return "w" + hashlib.sha256(port.encode()).hexdigest()[:14]


def alias(sandbox: str, ifname: str) -> str:
    """What the host's end says of whom it is for."""
    return f"{ALIAS}{sandbox}/{ifname}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a port's interface shall be."""

    port: Port
    host_interface: str
    mac: str
    mtu: int
    addressing: Addressing
    asked: tuple[str, ...] = ()
    """Gateways that have to answer before the interface is handed over."""
    encap_ip: str = ""
    """Where its tunnels begin, if that is bound to a network of nodes."""


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
    """Ports of ours in Open vSwitch whose veth is gone: after a reboot, or when a container died without DEL."""
    return [interface.name for interface in recorded if interface.name not in links]


def unclaimed(recorded: list[Interface], rows: Rows) -> set[str]:
    """Ports that are wired for a runtime and no longer in the database."""
    host = {rows.host.port} if rows.host else set()
    wired = {i.port for i in recorded if not i.external_ids.get("sandbox", "").startswith(cni_types.KEPT)}
    return wired - set(rows.ports) - host


def stale_links(links: list[LinkState], recorded: set[str]) -> list[str]:
    """Veths of ours that Open vSwitch does not know: an ADD that was interrupted, or a lost database."""
    return [link.name for link in links if link.alias.startswith(ALIAS) and link.name not in recorded]


def faults(wanted: Wanted, link: LinkState | None, routes: set[Route]) -> list[str]:
    """How an interface in its namespace differs from what it shall be."""
    if link is None:
        return ["the interface is not there"]
    found = []
    if link.mac != wanted.mac.lower():
        found.append(f"MAC is {link.mac}, expected {wanted.mac}")
    if link.mtu != wanted.mtu:
        found.append(f"MTU is {link.mtu}, expected {wanted.mtu}")
    if not link.up:
        found.append("it is down")
    if missing := set(wanted.addressing.texts) - link.addresses:
        found.append(f"addresses missing: {', '.join(sorted(missing))}")
    if lacking := set(wanted.addressing.routes) - routes:
        found.append(f"routes missing: {', '.join(str(route) for route in sorted(lacking))}")
    return found


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

    def __init__(self, ovs: LocalOvs, links: Netlink, node: str) -> None:
        self._node = node
        self._ovs = ovs
        self._netlink = links

    async def attach(self, request: Request, wanted: Wanted, deadline: float) -> Attachment:
        """Make the interface, or find it made; undone when it fails or is cancelled.

        Raises CniError, and TimeoutError when ovn-controller has not said at the deadline that its flows are in place.
        """
        async with asyncio.timeout_at(deadline):
            found = self._ovs.find_port(wanted.port.name)
            if found and self._is_for(found, request) and not await self._faults(request, wanted):
                await self._installed(wanted)
                return await self._existing(request, wanted)
            if found or wanted.host_interface in self._ovs.interfaces:
                await self._clear(wanted.host_interface)
        try:
            async with asyncio.timeout_at(deadline):
                attachment = await self._make(request, wanted)
            await self._settle(request, wanted, deadline)
        except BaseException:
            await asyncio.shield(self._clear(wanted.host_interface, known=True))
            raise
        return attachment

    async def _settle(self, request: Request, wanted: Wanted, deadline: float) -> None:
        """The gateway answers and neighbours know where the pod is, but for a machine that has not moved here yet."""
        if wanted.port.arriving:
            return
        addresses = tuple(address.ip for address in wanted.addressing.addresses)
        asker = Asker(request.netns, request.ifname, wanted.mac.lower(), addresses)
        await settle(self._netlink, asker, wanted.asked, deadline)

    async def _make(self, request: Request, wanted: Wanted) -> Attachment:
        """The pod's end is configured while Open vSwitch and OVN take up the host's."""
        started = time.perf_counter()
        pod = PodEnd(
            request.netns, request.ifname, wanted.mac, wanted.mtu, wanted.addressing.texts, wanted.addressing.routes,
            checksum=not self._ovs.userspace,
        )  # fmt: skip
        mac = await self._in_kernel(pod, self._make_veth, alias(request.container, request.ifname), wanted)
        _observe("link", started)
        await together(self._in_kernel(pod, self._configure), self._bind(request, wanted))
        return _attachment(request, wanted, mac)

    async def _make_veth(self, pod: PodEnd, label: str, wanted: Wanted) -> str:
        """The pair; one of that name that an interrupted ADD left is replaced."""
        try:
            return await self._netlink.run(netlink.make_pod_veth, wanted.host_interface, label, pod)
        except FileExistsError:
            await self._netlink.run(netlink.delete_link, wanted.host_interface)
            return await self._netlink.run(netlink.make_pod_veth, wanted.host_interface, label, pod)

    async def _configure(self, pod: PodEnd) -> None:
        started = time.perf_counter()
        await self._netlink.run(netlink.configure_pod_end, pod)
        _observe("pod", started)

    async def _in_kernel(self, pod: PodEnd, work: Callable[..., Awaitable[T]], *arguments: object) -> T:
        """The kernel's errors as the runtime's."""
        try:
            return await work(pod, *arguments)
        except FileNotFoundError as error:
            raise CniError(
                cni_types.UNKNOWN_CONTAINER, f"namespace {pod.netns}: is not there", "the container is probably gone"
            ) from error
        except OSError as error:
            raise CniError(
                cni_types.IO_FAILURE, f"interface {pod.name} in {pod.netns}: {error.strerror}",
                "see the namespace with `ip netns` or `nsenter --net=`: what is in it is the runtime's",
            ) from error  # fmt: skip

    async def _bind(self, request: Request, wanted: Wanted) -> None:
        await self._plug(request, wanted)
        await self._installed(wanted)

    async def _plug(self, request: Request, wanted: Wanted) -> None:
        started = time.perf_counter()
        await self._ovs.add(wanted.host_interface, record(request, wanted))
        _observe("ovsdb", started)

    async def _installed(self, wanted: Wanted) -> None:
        started = time.perf_counter()
        await self._ovs.wait_installed(wanted.host_interface)
        _observe("ovn", started)
        metrics.wait_connectivity.labels(self._node).inc(time.perf_counter() - started)

    async def _existing(self, request: Request, wanted: Wanted) -> Attachment:
        host = await self._netlink.run(netlink.link, wanted.host_interface)
        if host is None:
            raise CniError(cni_types.TRY_AGAIN, f"{wanted.host_interface}: vanished meanwhile")
        return _attachment(request, wanted, host.mac)

    @staticmethod
    def _is_for(interface: Interface, request: Request) -> bool:
        ids = interface.external_ids
        return (ids.get("sandbox"), ids.get("ifname"), ids.get("pod_netns")) == (
            request.container, request.ifname, request.netns,
        )  # fmt: skip

    async def _faults(self, request: Request, wanted: Wanted) -> list[str]:
        """What is wrong with the interface, seen from both of its ends."""
        host = await self._netlink.run(netlink.link, wanted.host_interface)
        if host is None:
            return [f"{wanted.host_interface} is not on the host"]
        try:
            link, routes = await self._netlink.run(netlink.in_namespace, request.netns, _inspect, request.ifname)
        except OSError as error:
            return [f"namespace {request.netns}: {error.strerror}"]
        return faults(wanted, link, routes)

    async def check(self, request: Request, wanted: Wanted) -> None:
        """CHECK: raises CniError with all that is not as it shall be."""
        found = await self._faults(request, wanted)
        interface = self._ovs.interfaces.get(wanted.host_interface)
        if interface is None:
            found.append(f"{wanted.host_interface} is not on bridge {self._ovs.bridge}")
        elif not interface.installed:
            found.append(f"ovn-controller has no flows for {wanted.port.name}")
        if found:
            raise CniError(cni_types.CHECK_FAILED, f"{request.pod_name} {request.ifname}: {'; '.join(found)}")

    async def made_for(self, request: Request) -> str | None:
        """The host's end of what was made for this container's interface, also when Open vSwitch has lost it."""
        if interface := self._ovs.find_sandbox(request.container, request.ifname):
            return interface.name
        links = await self._netlink.run(netlink.links)
        label = alias(request.container, request.ifname)
        return next((link.name for link in links.values() if link.alias == label), None)

    async def detach(self, request: Request, name: str) -> None:
        """DEL of what `made_for` found. One of that name that was since made for another container stays."""
        label = alias(request.container, request.ifname)
        link = await self._netlink.run(netlink.link, name)
        if link is None or link.alias == label:
            await self._clear(name)

    async def collect(self, interface: Interface) -> None:
        """GC: remove an interface, unless it was since made for another container."""
        if self._ovs.interfaces.get(interface.name) == interface:
            _log.info("attachment is not valid any more, removed", interface=interface.name, port=interface.port)
            await self._clear(interface.name)

    async def _clear(self, name: str, known: bool = False) -> None:
        """Have neither the Open vSwitch port nor the veth; both may be gone already.

        What we just added ourselves may not be in the replica yet: then it is `known` to be there.
        """
        work: list[Coroutine[Any, Any, object]] = [self._netlink.run(netlink.delete_link, name)]
        if known or name in self._ovs.interfaces:
            work.append(self._ovs.remove(name))
        await together(*work)

    async def clean(self, locked: Callable[[str, Callable[[], Awaitable[None]]], Awaitable[None]]) -> None:
        """Remove leftovers. `locked(name, work)` runs `work` with that interface's lock; each is looked at again."""
        recorded = self._ovs.ours()
        names = {interface.name for interface in recorded}
        links = await self._netlink.run(netlink.links)
        for name in stale_interfaces(recorded, set(links)) + stale_links(list(links.values()), names):
            await locked(name, partial(self._clean_one, name))

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


def _inspect(ifname: str) -> tuple[LinkState | None, set[Route]]:
    link = netlink.link(ifname)
    return link, netlink.routes(link.index, protocol=None) if link else set()


def _attachment(request: Request, wanted: Wanted, mac: str) -> Attachment:
    return Attachment(
        wanted.host_interface,
        mac,
        request.ifname,
        wanted.mac,
        request.netns,
        wanted.mtu,
        wanted.addressing,
    )


def _observe(phase: str, started: float) -> None:
    metrics.add_phase_seconds.labels(phase).observe(time.perf_counter() - started)
