"""The host's own place on the fabric: `ovn0` on the join subnet, and routes through it.

`ovn0` is one end of a veth pair, not an internal port: it survives a restart of vswitchd. Its addresses, MAC and MTU
are the Host row's, its routes lead to the subnets that are `host_routed`, by the row's gateway of the family. Both are
compared with the kernel after each notice of it, so what somebody removes by hand comes back. Routes of ours
carry a protocol number of their own; others' are never touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from weft.agent import netlink
from weft.agent.attachment import Route
from weft.agent.netlink import LinkState, Netlink
from weft.agent.ovs import LocalOvs
from weft.agent.problems import Problems
from weft.agent.underlay import Underlay
from weft.agent.view import Host, Subnet, View
from weft.log import get_logger

_log = get_logger(__name__)
LINK: Final = "ovn0"
OVS_LINK: Final = "ovn0-ovs"
SANDBOX: Final = "host"


@dataclass(frozen=True, slots=True)
class HostLink:
    """What `ovn0` shall be."""

    port: str
    mac: str
    mtu: int
    addresses: frozenset[str]
    routes: frozenset[Route]


@dataclass(frozen=True, slots=True)
class Repair:
    """What must change on an `ovn0` that is there."""

    mac: str | None
    mtu: int | None
    raise_link: bool
    add_addresses: tuple[str, ...]
    remove_addresses: tuple[str, ...]
    add_routes: tuple[Route, ...]
    remove_routes: tuple[Route, ...]

    @property
    def needed(self) -> bool:
        return any((self.mac, self.mtu, self.raise_link, self.add_addresses, self.remove_addresses,
                    self.add_routes, self.remove_routes))  # fmt: skip


def plan(host: Host, subnets: Mapping[str, Subnet], mtu: int) -> HostLink:
    """The host's link and routes, from its row and all subnets."""
    gateways = {ip_address(gateway).version: gateway for gateway in host.gateways}
    own = {ip_network(address, strict=False) for address in host.addresses}
    cidrs = {ip_network(cidr) for subnet in subnets.values() if subnet.host_routed for cidr in subnet.cidrs}
    routes = {Route(str(cidr), gateways[cidr.version]) for cidr in cidrs - own if cidr.version in gateways}
    return HostLink(host.port, host.mac.lower(), mtu, frozenset(host.addresses), frozenset(routes))


def compare(wanted: HostLink, link: LinkState, routes: Iterable[Route]) -> Repair:
    """The difference between what shall be and what is."""
    present = frozenset(routes)
    return Repair(
        mac=wanted.mac if link.mac != wanted.mac else None,
        mtu=wanted.mtu if link.mtu != wanted.mtu else None,
        raise_link=not link.up,
        add_addresses=tuple(sorted(wanted.addresses - link.addresses)),
        remove_addresses=tuple(sorted(link.addresses - wanted.addresses)),
        add_routes=tuple(sorted(wanted.routes - present)),
        remove_routes=tuple(sorted(present - wanted.routes)),
    )


class HostWiring:
    """The duty that keeps `ovn0` as the view says."""

    def __init__(self, view: View, ovs: LocalOvs, links: Netlink, problems: Problems, underlay: Underlay) -> None:
        self._view = view
        self._ovs = ovs
        self._netlink = links
        self._problems = problems
        self._underlay = underlay

    async def reconcile(self) -> None:
        """Make the host's link what the view says; nothing is touched before Open vSwitch has answered."""
        if not self._ovs.ready:
            return
        host = self._view.rows.host
        try:
            if host is None or not host.port:
                await self._remove()
            else:
                await self._keep(host)
        except (OSError, NetlinkError) as error:
            self._problems.report(f"link/{LINK}", str(error))
            raise
        self._problems.clear(f"link/{LINK}")

    async def _keep(self, host: Host) -> None:
        mtu = host.mtu or await self._underlay.mtu()
        if mtu is None:
            return  # the tunnel's address is not there yet; its coming wakes us
        wanted = plan(host, self._view.rows.subnets, mtu)
        link = await self._netlink.run(netlink.link, LINK)
        outer = await self._netlink.run(netlink.link, OVS_LINK)
        if link is None or outer is None:
            await self._netlink.run(netlink.delete_link, LINK)
            await self._netlink.run(netlink.make_host_veth, OVS_LINK, LINK, wanted.mac, wanted.mtu)
            link = await self._netlink.run(netlink.link, LINK)
            if link is None:
                raise OSError(f"{LINK}: vanished while it was made")
            _log.info("host link made", link=LINK, mac=wanted.mac, mtu=wanted.mtu)
        if self._ovs.userspace and await self._netlink.run(netlink.tx_checksum, LINK):
            await self._netlink.run(netlink.disable_tx_checksum, LINK)
        repair = compare(wanted, link, await self._netlink.run(netlink.routes, link.index))
        if repair.needed:
            _log.info(
                "host link repaired", link=LINK, mac=repair.mac, mtu=repair.mtu, add_addresses=repair.add_addresses,
                remove_addresses=repair.remove_addresses, add_routes=len(repair.add_routes),
                remove_routes=len(repair.remove_routes),
            )  # fmt: skip
            self._tell(await self._netlink.run(_apply, link.index, repair))
        await self._plug(wanted)

    async def _plug(self, wanted: HostLink) -> None:
        """The port on the bridge; not asked of Open vSwitch again while it is right."""
        ids = {"iface-id": wanted.port, "sandbox": SANDBOX, "ifname": LINK}
        interface = self._ovs.interfaces.get(OVS_LINK)
        if interface is None or not ids.items() <= interface.external_ids.items():
            await self._ovs.add(OVS_LINK, ids)

    async def _remove(self) -> None:
        if OVS_LINK in self._ovs.interfaces:
            await self._ovs.remove(OVS_LINK)
        if await self._netlink.run(netlink.delete_link, OVS_LINK):
            _log.info("host link removed", link=LINK)

    def _tell(self, conflicts: list[str]) -> None:
        self._problems.check("routes", "; ".join(conflicts))


def _apply(index: int, repair: Repair) -> list[str]:
    """Carry out a repair; gives what could not be done because somebody else has that route."""
    conflicts = []
    with IPRoute() as ip:
        changes = {"address": repair.mac} if repair.mac else {}
        changes |= {"mtu": repair.mtu} if repair.mtu else {}  # type: ignore[dict-item]
        if changes:
            ip.link("set", index=index, **changes)
        for address in repair.remove_addresses:
            netlink.remove_address(ip, index, address)
        for address in repair.add_addresses:
            netlink.add_address(ip, index, address)
        if repair.raise_link:
            ip.link("set", index=index, state="up")
        for route in repair.remove_routes:
            netlink.change_route(ip, "del", index, route)
        for route in repair.add_routes:
            try:
                netlink.change_route(ip, "add", index, route)
            except NetlinkError as error:
                conflicts.append(f"{route.destination} via {route.gateway}: {error}")
    return conflicts
