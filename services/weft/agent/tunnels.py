"""Which of this host's addresses tunnels begin at, kept right while the host runs.

The role `ovn_host` writes `external_ids:ovn-encap-ip` as the inventory says; that is the ground, and nothing here
writes it. What the inventory cannot know (an address that the interface got since, annotations of the host's node,
several addresses) is written beside it, in the keys with the system-id at the end, which ovn-controller prefers: so
neither undoes the other's work, and a host whose agent is gone has the tunnels that it had. Keys of others stay.

A tunnel does not move while its address may come back: a bridge has none while vswitchd restarts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any, Final

from weft.agent import netlink
from weft.agent.config import TunnelConfig
from weft.agent.netlink import LinkState, Netlink
from weft.agent.ovs import Interface, LocalOvs
from weft.agent.pitfalls import pitfalls
from weft.agent.problems import Problems
from weft.agent.underlay import ADDRESSES, DEFAULT, Encapsulation, Underlay, encapsulation, network_of, node_networks
from weft.agent.view import Host, Rows, View
from weft.log import get_logger
from weft.net.addresses import Network
from weft.net.tunnels import Held, choose, is_underlay, parse_interface, parse_interfaces

_log = get_logger(__name__)
MARK: Final = "weft-encap-ip"
"""Key beside ours, with the value that we gave: what has no such mark is somebody else's."""
PATIENCE: Final = 10.0
"""Seconds without its address after which a tunnel may move to another."""

Change = Mapping[str, str | None]
"""Keys to be set, and with None to be removed."""


# --- decisions ---


@dataclass(frozen=True, slots=True)
class Wish:
    """What the host's file and its node's annotations ask for."""

    interfaces: Sequence[str | Network] = ()
    networks: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    @classmethod
    def of(cls, config: TunnelConfig, host: Host | None) -> Wish:
        """The annotation, of one node, goes before the file. Raises ValueError."""
        networks, text = node_networks(config, host), host.tunnel_interface if host else ""
        if text:
            return cls(parse_interfaces(text), networks, text)
        return cls([parse_interface(item) for item in config.interfaces], networks, ",".join(config.interfaces))


@dataclass(frozen=True, slots=True)
class Outcome:
    """Keys of `Open_vSwitch.external_ids` that must change, and what is wrong, by name."""

    change: Change
    problems: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """The host's interfaces as tunnels see them."""

    held: Sequence[Held]
    """Addresses that tunnels may begin at, in the order of links."""
    present: frozenset[str]
    """Every address of the host."""
    text: str
    """For who must find the right interface."""

    @classmethod
    def of(cls, links: Iterable[LinkState], config: TunnelConfig) -> Seen:
        ordered = sorted(links, key=lambda link: link.index)
        under = [link for link in ordered if is_underlay(link.name)]
        held = [Held(link.name, address) for link in under for address in _bare(link) if _allowed(address, config)]
        shown = [f"{link.name} ({', '.join(_bare(link)) or 'no address'})" for link in under]
        present = frozenset(address for link in ordered for address in _bare(link))
        return cls(held, present, f"looked at {', '.join(shown) or 'no interface at all'}")


def _bare(link: LinkState) -> list[str]:
    addresses = sorted((ip_interface(text).ip for text in link.addresses), key=lambda ip: (ip.version, int(ip)))
    return list(map(str, addresses))


def _allowed(text: str, config: TunnelConfig) -> bool:
    address = ip_address(text)
    if config.family not in ("any", f"ipv{address.version}"):
        return False
    return not config.cidrs or any(address in ip_network(cidr) for cidr in config.cidrs)


def resolve(settings: Mapping[str, str], wish: Wish, seen: Seen, patient: bool) -> Outcome:
    """What ovn-controller is to be told. `patient`: an address in use that is away now may come back soon."""
    system = settings.get("system-id", "")
    keys = (f"{ADDRESSES}-{system}", f"{DEFAULT}-{system}", MARK)
    if not system:
        return Outcome({}, {})
    if keys[0] in settings and settings.get(MARK) != settings[keys[0]]:
        foreign = f"external_ids:{keys[0]} was set by somebody else, so tunnels stay as it says"
        return Outcome({}, {"tunnel/override": foreign} if wish.interfaces or wish.networks else {})
    problems: dict[str, str] = {}
    ground = encapsulation({key: value for key, value in settings.items() if key not in keys})
    default = ground.default
    if wish.interfaces:
        current = encapsulation(settings).default
        found = choose(seen.held, wish.interfaces, current)
        default = current if found is None or (patient and current) else found.address
        if found is None:
            problems["tunnel/interface"] = f"no interface with an address fits {wish.text!r}; {seen.text}"
    addresses = _all_of(default, ground, encapsulation(settings), wish, seen, problems)
    plain = set(addresses) == set(ground.addresses) and default == ground.default
    text = None if plain else ",".join(addresses)
    wanted = zip(keys, (text, None if plain else default, text), strict=True)
    return Outcome({key: value for key, value in wanted if settings.get(key) != value}, problems)


def _all_of(
    default: str, ground: Encapsulation, used: Encapsulation, wish: Wish, seen: Seen, problems: dict[str, str]
) -> list[str]:
    """The default address, further ones of the inventory, and those of networks that the host has or has in use."""
    if not default:
        return []
    found = [default, *(address for address in ground.addresses if address != ground.default)]
    for name, address in sorted(wish.networks.items()):
        if address not in seen.present:
            problems[f"tunnel/{name}"] = f"no link has {address}, this host's address in network {name}; {seen.text}"
        if address in seen.present or address in used.addresses:
            found.append(address)
    return list(dict.fromkeys(found))


def bindings(interfaces: Iterable[Interface], rows: Rows, networks: Mapping[str, str]) -> dict[str, Change]:
    """By interface, the key `encap-ip` where it must change. What is wired for a port that is gone stays as it is."""
    changes: dict[str, Change] = {}
    for interface in interfaces:
        port = rows.ports.get(interface.port)
        subnet = rows.subnets.get(port.subnet) if port else None
        if port is None or subnet is None:
            continue
        wanted = networks.get(network_of(port, subnet))
        if interface.external_ids.get("encap-ip") != wanted:
            changes[interface.name] = {"encap-ip": wanted}
    return changes


# --- work ---


class Tunnels:
    """The duty that keeps the settings and the interfaces so. `again` asks for another look, after some time."""

    def __init__(
        self, config: TunnelConfig, view: View, ovs: LocalOvs, links: Netlink, problems: Problems, underlay: Underlay
    ) -> None:
        self._config = config
        self._view = view
        self._ovs = ovs
        self._netlink = links
        self._problems = problems
        self._underlay = underlay
        self._missed: tuple[str, float] = ("", 0.0)
        self.again: Callable[[], None] = lambda: None

    async def reconcile(self) -> None:
        """Bring what ovn-controller is told in line; nothing is touched before Open vSwitch has answered."""
        if not self._ovs.ready:
            return
        rows, links = self._view.rows, list((await self._netlink.run(netlink.links)).values())
        self._underlay.update(links)
        found = self._resolve(rows.host, Seen.of(links, self._config))
        settings = {**self._ovs.settings, **found.change}
        addresses = encapsulation({key: value for key, value in settings.items() if value}).addresses
        networks = {n: a for n, a in node_networks(self._config, rows.host).items() if a in addresses}
        interfaces = bindings(self._ovs.ours(), rows, networks)
        if found.change or interfaces:
            _log.info("tunnels", settings=dict(found.change), interfaces=len(interfaces))
            await self._ovs.database.transact(lambda _, idl: write(idl, found.change, interfaces))
        problems = {**pitfalls(self._ovs, rows, links, self._underlay), **found.problems}
        for name, text in problems.items():
            self._problems.report(name, text)
        for prefix in ("tunnel/", "mtu/"):
            self._problems.clear_except(prefix, set(problems))

    def _resolve(self, host: Host | None, seen: Seen) -> Outcome:
        try:
            wish = Wish.of(self._config, host)
        except ValueError as error:
            return Outcome({}, {"tunnel/interface": str(error)})
        return resolve(self._ovs.settings, wish, seen, self._patient(seen))

    def _patient(self, seen: Seen) -> bool:
        """Whether the address in use is away since so short a time that it may come back."""
        current, now = encapsulation(self._ovs.settings).default, time.monotonic()
        if not current or current in seen.present:
            self._missed = ("", 0.0)
            return False
        if self._missed[0] != current:
            self._missed = (current, now)
            asyncio.get_running_loop().call_later(PATIENCE, self.again)
        return now - self._missed[1] < PATIENCE


def write(idl: Any, settings: Change, interfaces: Mapping[str, Change]) -> None:
    """Put the keys into a transaction. Runs on the database's thread."""
    if settings:
        for row in idl.tables["Open_vSwitch"].rows.values():
            _set(row, settings)
    if interfaces:
        for row in idl.tables["Interface"].rows.values():
            if row.name in interfaces:
                _set(row, interfaces[row.name])


def _set(row: Any, keys: Change) -> None:
    for key, value in keys.items():
        if value is None:
            row.delkey("external_ids", key)
        else:
            row.setkey("external_ids", key, value)
