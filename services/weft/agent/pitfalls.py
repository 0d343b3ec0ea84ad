"""What tunnels of a host do badly or not at all though every setting is accepted: said before packets are missed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from weft.agent.netlink import LinkState
from weft.agent.ovs import LocalOvs
from weft.agent.underlay import Underlay, holder, network_of
from weft.agent.view import Rows

Problem = tuple[str, str]
TSO_WITH_TUNNELS: Final = (3, 5)
"""The release of Open vSwitch with which segmentation on the userspace datapath was seen to work with tunnels."""


def pitfalls(ovs: LocalOvs, rows: Rows, links: Iterable[LinkState], underlay: Underlay) -> dict[str, str]:
    """All of them, as problems by name."""
    return dict([*_networks(rows, underlay), *_mtus(rows, underlay), *_userspace(ovs, links, underlay)])


def _used(rows: Rows) -> set[tuple[str, str]]:
    """Subnets with ports here, each with the network of nodes that their tunnels use."""
    wired = [port for port in rows.ports.values() if port.device_type != "none" and port.subnet in rows.subnets]
    return {(port.subnet, network_of(port, rows.subnets[port.subnet])) for port in wired}


def _networks(rows: Rows, underlay: Underlay) -> Iterator[Problem]:
    """Ports that are bound to a network of nodes which the host is not in."""
    known = underlay.networks
    for network in {network for _, network in _used(rows)} - known.keys() - {""}:
        have = ", ".join(sorted(known)) or "none"
        yield f"tunnel/{network}", f"ports are bound to network {network}; networks of this host: {have}"


def _mtus(rows: Rows, underlay: Underlay) -> Iterator[Problem]:
    """MTUs of subnets with ports here, and of the host's own link, that do not fit through its tunnels."""
    chosen = [(subnet, network, rows.subnets[subnet].mtu) for subnet, network in sorted(_used(rows))]
    chosen += [("join", "", rows.host.mtu)] if rows.host else []
    for subnet, network, mtu in chosen:
        largest = underlay.largest(network)
        if largest is not None and mtu > largest:
            how = f"{'+'.join(underlay.encapsulation.types)} tunnels from {underlay.address(network)}"
            text = f"its mtu is {mtu}, and {how} carry {largest} at most: larger packets to other hosts are lost"
            yield f"mtu/{subnet}", text


def _userspace(ovs: LocalOvs, links: Iterable[LinkState], underlay: Underlay) -> Iterator[Problem]:
    """What the userspace datapath cannot do."""
    if not ovs.userspace:
        return
    address = underlay.encapsulation.default
    link = holder(links, address)
    if link is not None and link.name not in ovs.bridges:
        where = f"{address} is on {link.name}, which is none: put it into one, with its address on the bridge"
        yield (
            "tunnel/datapath",
            f"the userspace datapath sends tunnels through bridges of Open vSwitch only, and {where}",
        )
    if ovs.other_config.get("userspace-tso-enable") == "true" and _release(ovs.version) < TSO_WITH_TUNNELS:
        since = ".".join(map(str, TSO_WITH_TUNNELS))
        what = f"large packets in tunnels may be lost with Open vSwitch {ovs.version}, before {since}"
        yield "tunnel/offload", f"other_config:userspace-tso-enable is true: {what}"


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
