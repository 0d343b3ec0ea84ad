"""The way by the hosts' own flows: `ofproto/trace` where the packet begins, and again where a tunnel leads to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from weft.ctl.errors import CtlError
from weft.ctl.hosts.run import Hosts
from weft.ctl.trace.ends import Atlas, End
from weft.ctl.trace.openflow import Output, parse_openflow
from weft.ctl.trace.packet import TTL, Packet

BRIDGE = "br-int"
_NEW = ["--ct-next", "trk,new"] * 8
"""Each time that the packet is given to connection tracking, it is the first of its connection."""
_COLUMNS = "--columns=name,ofport,external_ids,type,options"


@dataclass(frozen=True, slots=True)
class Interface:
    """A port of the integration bridge."""

    name: str
    ofport: int
    kind: str
    port: str
    """The logical port that it is."""
    remote: str
    """Of a tunnel: the other end's address."""
    netns: str = ""
    """Path of the workload's network namespace."""


@dataclass(slots=True)
class Leg:
    """A host's part: how it came in, where it went."""

    host: str
    came: str
    tables: int = 0
    went: list[str] = field(default_factory=list)
    ports: list[str] = field(default_factory=list)
    """Logical ports that it was put out to."""
    unknown: str = ""
    """Why this is not known, or not all that there is."""
    raw: str = ""

    def document(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key != "raw"}


async def follow(hosts: Hosts, atlas: Atlas, source: End, packet: Packet) -> list[Leg]:
    """From host to host; a host that does not answer ends it, and is said."""
    leg = Leg(source.host, f"by {source.port}")
    try:
        interfaces = await read_interfaces(hosts, source.host)
        begin = next((item for item in interfaces if item.port == source.port), None)
        if begin is None or begin.ofport < 1:
            leg.unknown = f"Open vSwitch there has no interface of port {source.port}: weftctl why {source.ref}"
            return [leg]
        tunnels = await _trace(hosts, leg, interfaces, f"in_port={begin.ofport},{packet.openflow()}")
    except CtlError as error:
        leg.unknown = error.lines[0]
        return [leg]
    further = [await _arrive(hosts, atlas, source.host, item, output, packet) for item, output in tunnels]
    return [leg, *further]


async def read_interfaces(hosts: Hosts, host: str) -> list[Interface]:
    """What a host's integration bridge has. Numbers of ports are a bridge's own."""
    line = ["ovs-vsctl", "--timeout=10", "--format=json", "list-ifaces", BRIDGE, "--", _COLUMNS, "list", "Interface"]
    names, _, rows = (await hosts.ask(host, line)).partition("{")
    interfaces = map(_interface, json.loads("{" + rows)["data"])
    return [item for item in interfaces if item.name in names.split()]


def _interface(row: list[Any]) -> Interface:
    name, ofport, ids, kind, options = row
    external, settings = dict(ids[1]), dict(options[1])
    number = ofport if isinstance(ofport, int) else 0
    return Interface(
        name, number, kind, external.get("iface-id", ""), settings.get("remote_ip", ""), external.get("pod_netns", "")
    )


async def _trace(hosts: Hosts, leg: Leg, interfaces: list[Interface], flow: str) -> list[tuple[Interface, Output]]:
    """Trace one leg; the tunnels by which it goes on."""
    leg.raw = await hosts.ask(leg.host, ["ovs-appctl", "--timeout=20", "ofproto/trace", BRIDGE, flow, *_NEW])
    path = parse_openflow(leg.raw)
    leg.tables = path.tables
    by_number: Mapping[int, Interface] = {item.ofport: item for item in interfaces}
    tunnels = []
    for output in path.outputs:
        item = by_number.get(output.port)
        if item is not None and item.remote:
            tunnels.append((item, output))
            leg.went.append(f"tunnel {item.kind} to {item.remote}")
        elif item is not None:
            leg.went.append(f"port {item.port or item.name}")
            leg.ports.append(item.port)
    if path.controller and not path.outputs:
        leg.went.append("ovn-controller, which answers")
    elif path.translated:
        leg.unknown = "connection tracking translates addresses here, which such a trace does not follow"
    elif not path.outputs:
        leg.went.append(f"nowhere: its flows end in table {path.last_table}")
    return tunnels


async def _arrive(hosts: Hosts, atlas: Atlas, before: str, tunnel: Interface, output: Output, packet: Packet) -> Leg:
    """The leg at the other end of a tunnel."""
    host = atlas.encaps.get(tunnel.remote, "")
    leg = Leg(host or tunnel.remote, f"by the tunnel from {before}")
    if not host:
        leg.unknown = f"no host of this fabric has the tunnel address {tunnel.remote}"
        return leg
    own = [address for address, name in atlas.encaps.items() if name == before]
    try:
        interfaces = await read_interfaces(hosts, host)
        back = next((item for item in interfaces if item.remote in own and item.kind == tunnel.kind), None)
        if back is None:
            leg.unknown = f"it has no {tunnel.kind} tunnel to {', '.join(own)}: weftctl diagnose node {host}"
            return leg
        await _trace(hosts, leg, interfaces, _tunnelled(packet, output, back, tunnel.remote))
    except CtlError as error:
        leg.unknown = error.lines[0]
    return leg


def _tunnelled(packet: Packet, output: Output, back: Interface, own: str) -> str:
    """The packet as it comes out of the tunnel: with the MACs that it has by then, and OVN's ports in the header."""
    seen = Packet(
        packet.protocol, output.eth_src or packet.source_mac, output.eth_dst or packet.destination_mac, packet.source,
        packet.destination, packet.port, packet.operation,
    )  # fmt: skip
    flow = seen.openflow().replace(f"nw_ttl={TTL}", f"nw_ttl={TTL - output.ttl_less}")
    six = "ipv6_" if ":" in own else ""
    header = f"tun_{six}src={back.remote},tun_{six}dst={own},tun_id={output.tun_id:#x}"
    geneve = f",tun_metadata0={output.tun_metadata:#x}" if back.kind == "geneve" else ""
    return f"in_port={back.ofport},{header}{geneve},{flow}"
