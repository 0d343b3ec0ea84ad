"""Where this host's tunnels begin: address, type, and the MTU that they have below them.

The address comes from Open vSwitch's settings, as ovn-controller takes it; the MTU is that of the link that holds the
address. A link that is away for a moment, as a bridge is while vswitchd restarts, changes nothing: the last MTU counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_interface

from weft.agent import netlink
from weft.agent.netlink import LinkState, Netlink
from weft.agent.ovs import LocalOvs


def encapsulation(settings: Mapping[str, str]) -> tuple[str, str]:
    """Tunnel address and type as ovn-controller takes them: the first of each, those for the system-id before."""
    system = settings.get("system-id", "")
    address = settings.get(f"ovn-encap-ip-{system}") or settings.get("ovn-encap-ip", "")
    kind = settings.get(f"ovn-encap-type-{system}") or settings.get("ovn-encap-type", "")
    return address.partition(",")[0].strip(), kind.partition(",")[0].strip()


def find_mtu(links: Iterable[LinkState], address: str) -> int | None:
    """The MTU of the link that holds the address."""
    for link in links:
        if any(str(ip_interface(held).ip) == address for held in link.addresses):
            return link.mtu
    return None


class Underlay:
    """The last known MTU, looked up when it is not known yet."""

    def __init__(self, ovs: LocalOvs, links: Netlink) -> None:
        self._ovs = ovs
        self._netlink = links
        self._mtu: int | None = None
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    async def mtu(self) -> int | None:
        """None as long as no link has had the tunnel's address."""
        if self._mtu is None:
            self.update((await self._netlink.run(netlink.links)).values())
        return self._mtu

    def update(self, links: Iterable[LinkState]) -> None:
        """Take what the links say now."""
        address, _ = encapsulation(self._ovs.settings)
        mtu = find_mtu(links, address) if address else None
        if mtu is None or mtu == self._mtu:
            return
        self._mtu = mtu
        for listener in self._listeners:
            listener()
