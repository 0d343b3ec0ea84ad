"""Where this host's tunnels begin: addresses, protocols, and the MTU that they have below them.

Addresses come from Open vSwitch's settings, as ovn-controller takes them; an MTU is that of the link that holds the
address. A link that is away for a moment, as a bridge is while vswitchd restarts, changes nothing: the last MTU counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import Final

from weft.agent import netlink
from weft.agent.config import TunnelConfig
from weft.agent.netlink import LinkState, Netlink
from weft.agent.ovs import LocalOvs
from weft.agent.view import Host, Port, Subnet, View
from weft.net.addresses import split_list
from weft.net.tunnels import largest_mtu, usual_mtu

ADDRESSES: Final = "ovn-encap-ip"
DEFAULT: Final = "ovn-encap-ip-default"
TYPES: Final = "ovn-encap-type"


@dataclass(frozen=True, slots=True)
class Encapsulation:
    """What ovn-controller is told: every address of tunnels, the one of ports that choose none, and the protocols."""

    addresses: tuple[str, ...] = ()
    default: str = ""
    types: tuple[str, ...] = ()


def encapsulation(settings: Mapping[str, str]) -> Encapsulation:
    """As ovn-controller(8) reads `external_ids`: a key with the system-id at its end goes before the one without."""

    def read(key: str) -> str:
        return settings.get(f"{key}-{settings.get('system-id', '')}") or settings.get(key, "")

    addresses = tuple(split_list(read(ADDRESSES)))
    chosen = read(DEFAULT).strip()
    default = chosen if chosen in addresses else next(iter(addresses), "")
    return Encapsulation(addresses, default, tuple(split_list(read(TYPES))))


def holder(links: Iterable[LinkState], address: str) -> LinkState | None:
    """The link that has the address."""
    return next((link for link in links if any(str(ip_interface(held).ip) == address for held in link.addresses)), None)


def node_networks(config: TunnelConfig, host: Host | None) -> Mapping[str, str]:
    """The host's address in each network of nodes: as its own file says, and before that its node's annotation."""
    return {**config.networks, **(host.networks if host else {})}


def network_of(port: Port, subnet: Subnet) -> str:
    """The network of nodes that a port's tunnels use: the pod's choice, or its subnet's; mostly none."""
    return port.node_network or subnet.node_network


class Underlay:
    """The last known MTU of each address, looked up when it is not known yet."""

    def __init__(self, config: TunnelConfig, view: View, ovs: LocalOvs, links: Netlink) -> None:
        self._config = config
        self._view = view
        self._ovs = ovs
        self._netlink = links
        self._mtus: dict[str, int] = {}
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` when the default address has another MTU."""
        self._listeners.append(listener)

    @property
    def encapsulation(self) -> Encapsulation:
        return encapsulation(self._ovs.settings)

    @property
    def networks(self) -> dict[str, str]:
        """The networks of nodes that tunnels of this host can begin in, with its address."""
        addresses = self.encapsulation.addresses
        known = node_networks(self._config, self._view.rows.host)
        return {name: address for name, address in known.items() if address in addresses}

    def address(self, network: str = "") -> str:
        """Where tunnels of a network of nodes begin; "" when this host is not in it."""
        return self.networks.get(network, "") if network else self.encapsulation.default

    async def mtu(self, network: str = "") -> int | None:
        """What workloads get that choose no MTU; None as long as no link has had the address."""
        address = self.address(network)
        if address and address not in self._mtus:
            self.update((await self._netlink.run(netlink.links)).values())
        known = self._mtus.get(address)
        return None if known is None else usual_mtu(known, self.encapsulation.types, address)

    def largest(self, network: str) -> int | None:
        """The largest MTU that tunnels of a network carry, so far as it is known."""
        address = self.address(network)
        known = self._mtus.get(address)
        return None if known is None else largest_mtu(known, self.encapsulation.types, address)

    def update(self, links: Iterable[LinkState]) -> None:
        """Take what the links say now."""
        told = self.encapsulation
        found = {address: link.mtu for address in told.addresses if (link := holder(links := list(links), address))}
        changed = told.default in found and found[told.default] != self._mtus.get(told.default)
        self._mtus |= found
        if changed:
            for listener in self._listeners:
                listener()
