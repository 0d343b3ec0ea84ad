"""Links, addresses and routes, by netlink.

Functions here block and run on the worker threads of `Netlink.run`; none of them knows of ports or Open vSwitch.
"""

from __future__ import annotations

import array
import asyncio
import errno
import fcntl
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_interface, ip_network
from pathlib import Path
from typing import Any, Final, TypeVar

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from weft.agent import netns, rtnl, rtnl_read
from weft.agent.attachment import Route

T = TypeVar("T")
PROTOCOL: Final = 157
"""Our number among routing protocols (rtnetlink(7), rtm_protocol): routes with another are never touched."""

_NODAD = 0x02  # IFA_F_NODAD
_SCOPE_GLOBAL = 0
_UP = 1  # IFF_UP
_LOOPBACK = 1
_SIOCETHTOOL, _STXCSUM, _GTXCSUM = 0x8946, 0x17, 0x16


@dataclass(frozen=True, slots=True)
class LinkState(rtnl_read.Link):
    """A link as it is; `addresses` are those with global scope, with prefix length."""

    addresses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PodEnd:
    """A pod's end of a veth pair; `addresses` with prefix length."""

    netns: str
    name: str
    mac: str
    mtu: int
    addresses: tuple[str, ...]
    routes: tuple[Route, ...]
    checksum: bool


class Netlink:
    """Runs blocking netlink functions on threads, so that the event loop never waits for the kernel."""

    def __init__(self, workers: int = 2) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="netlink")

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """What `function(*arguments)` gives. Who is cancelled meanwhile goes on only when the kernel's work is done."""
        work = asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*arguments))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work])
            if not work.cancelled():
                work.exception()  # looked at: nobody else will
            raise

    def close(self) -> None:
        self._pool.shutdown(wait=False)


# --- reading ---


def links() -> dict[str, LinkState]:
    """Every link of this namespace by name, with its addresses."""
    with rtnl.Rtnl() as channel:
        addresses = _addresses(channel)
        return {found.name: _state(found, addresses) for found in rtnl_read.all_links(channel)}


def link(name: str) -> LinkState | None:
    """One link with its addresses."""
    with rtnl.Rtnl() as channel:
        found = rtnl_read.find_link(channel, name)
        return _state(found, _addresses(channel)) if found else None


def _addresses(channel: rtnl.Rtnl) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for address in rtnl_read.all_addresses(channel):
        if address.scope == _SCOPE_GLOBAL:
            found.setdefault(address.index, set()).add(address.text)
    return found


def _state(found: rtnl_read.Link, addresses: dict[int, set[str]]) -> LinkState:
    held = frozenset(addresses.get(found.index, ()))
    return LinkState(found.index, found.name, found.mac, found.mtu, found.up, found.alias, held)


def routes(index: int, protocol: int | None = PROTOCOL) -> set[Route]:
    """The routes of a protocol, None for all, through the link with that index."""
    with rtnl.Rtnl() as channel:
        return {
            Route(hop.destination, hop.gateway)
            for family in (socket.AF_INET, socket.AF_INET6)
            for hop in rtnl_read.main_routes(channel, family)
            if protocol in (None, hop.protocol) and hop.index == index
        }


# --- changing ---


def make_pod_veth(host: str, alias: str, pod: PodEnd) -> str:
    """Make a veth pair with one end in a pod's namespace, the host's end up; gives the MAC of that.

    The pod's end is as it is made: `configure_pod_end` does the rest. An error leaves the pair, if it came so far.
    """
    with rtnl.Rtnl() as channel, Path(pod.netns).open("rb") as namespace:
        channel.send([
            rtnl.add_veth(host, pod.name, pod.mac, pod.mtu, namespace.fileno()),
            rtnl.raise_host_end(host, alias),
        ])  # fmt: skip
        return rtnl.mac_address(host)


def configure_pod_end(pod: PodEnd) -> None:
    """Loopback, offloads, addresses and routes in a pod's namespace, and its end of the pair up."""
    with netns.entered(pod.netns):
        _configure(pod)


def make_host_veth(host: str, inner: str, mac: str, mtu: int) -> None:
    """Make a veth pair with both ends here: `inner` is the workload's end, `host` is for Open vSwitch."""
    with rtnl.Rtnl() as channel:
        channel.send([rtnl.add_veth(host, inner, mac, mtu), rtnl.raise_host_end(host, "")])


def raise_quietly(name: str, alias: str) -> None:
    """Raise a link that others made; it says nothing by itself."""
    with rtnl.Rtnl() as channel:
        channel.send([rtnl.raise_host_end(name, alias)])


def _configure(pod: PodEnd) -> None:
    """Loopback, addresses and routes in the namespace the thread is in.

    The link is raised first: on a link that is down the kernel notes an IPv6 address without its on-link route and
    adds that later, in its own time, and a route by a gateway in it would be refused until then.
    """
    index = socket.if_nametoindex(pod.name)
    if not pod.checksum:
        disable_tx_checksum(pod.name)
    if any(":" in address for address in pod.addresses):
        _enable_ipv6(pod.name)
    messages = [rtnl.raise_link(_LOOPBACK), rtnl.raise_link(index)]
    messages += [rtnl.add_address(index, address) for address in pod.addresses]
    messages += [rtnl.add_route(index, route.destination, route.gateway) for route in pod.routes]
    with rtnl.Rtnl() as channel:
        channel.send(messages)


def delete_link(name: str, alias: str | None = None) -> bool:
    """Remove a link (and with a veth its other end); with `alias` only one that has it. False if there was none."""
    with rtnl.Rtnl() as channel:
        if alias is not None:
            found = rtnl_read.find_link(channel, name)
            if found is None or found.alias != alias:
                return False
        try:
            channel.send([rtnl.delete_link(name)])
        except OSError as error:
            if error.errno == errno.ENODEV:
                return False
            raise
        return True


def raise_loopback() -> None:
    """Loopback of the namespace the thread is in."""
    with rtnl.Rtnl() as channel:
        channel.send([rtnl.raise_link(_LOOPBACK)])


def add_address(ip: IPRoute, index: int, address: str) -> None:
    """Add an address given with prefix length; IPv6 without duplicate detection: the fabric allocated it."""
    interface = ip_interface(address)
    flags = {"flags": _NODAD} if interface.version == 6 else {}
    try:
        ip.addr("add", index=index, address=str(interface.ip), prefixlen=interface.network.prefixlen, **flags)
    except NetlinkError as error:
        if error.code != errno.EEXIST:
            raise


def remove_address(ip: IPRoute, index: int, address: str) -> None:
    """Remove an address given with prefix length."""
    interface = ip_interface(address)
    ip.addr("del", index=index, address=str(interface.ip), prefixlen=interface.network.prefixlen)


def change_route(ip: IPRoute, verb: str, index: int, route: Route) -> None:
    """`verb` is "add" or "del"."""
    family = socket.AF_INET6 if ip_network(route.destination).version == 6 else socket.AF_INET
    ip.route(verb, dst=route.destination, gateway=route.gateway, oif=index, family=family, proto=PROTOCOL)


def in_namespace(path: str, function: Callable[..., T], *arguments: Any) -> T:
    """`function(*arguments)` with this thread in the namespace at `path`."""
    with netns.entered(path):
        return function(*arguments)


def _enable_ipv6(name: str) -> None:
    """Container runtimes switch IPv6 off in new namespaces; an interface that gets an IPv6 address needs it."""
    switch = Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6")
    if switch.exists() and switch.read_text().strip() == "1":
        switch.write_text("0")


# --- offloads ---


def disable_tx_checksum(name: str) -> None:
    """As `ethtool -K NAME tx off`: the userspace datapath forwards a veth's packets with unfinished checksums."""
    _ethtool(name, _STXCSUM, 0)


def tx_checksum(name: str) -> bool:
    """Whether a link leaves checksums to its receiver."""
    return bool(_ethtool(name, _GTXCSUM, 0))


def _ethtool(name: str, command: int, value: int) -> int:
    """One `struct ethtool_value` through the SIOCETHTOOL ioctl (linux/ethtool.h)."""
    data = array.array("B", struct.pack("II", command, value))
    request = struct.pack("16sP", name.encode(), data.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        fcntl.ioctl(channel, _SIOCETHTOOL, request)
    return int(struct.unpack("II", data.tobytes())[1])
