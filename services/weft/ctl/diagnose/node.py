"""`diagnose node`: what the fabric says of hosts, what they say themselves, and whether they reach each other."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from weft.ctl.diagnose.environment import check_tunnel_link, not_reached
from weft.ctl.diagnose.finding import Finding, State, well
from weft.ctl.diagnose.look import Seen, look_at_all
from weft.ctl.errors import UsageError
from weft.ctl.host_advice import advice
from weft.ctl.hosts.run import Hosts
from weft.ctl.node import Node
from weft.ctl.node_reading import read_nodes
from weft.ctl.session import Session

NEEDED = ("ovsdb-server", "ovs-vswitchd", "ovn-controller", "weft-agent")
PEERS = 8
"""Other hosts that each tries to reach: the next ones by name, so that all are tried by some."""
OVERHEAD = {4: 28, 6: 48}
"""Bytes of a ping that are not its content."""
TABLE = ["inet", "weft"]


async def diagnose_nodes(session: Session, hosts: Hosts, names: Sequence[str] = ()) -> list[Finding]:
    """All checks of these hosts; without names of all. Raises UsageError for an unknown one."""
    nodes = {node.name: node for node in await read_nodes(session, time.time())}
    for name in names:
        if name not in nodes:
            raise UsageError(f"host {name} has never reported; known are {', '.join(nodes) or 'none'}")
    chosen = [nodes[name] for name in names] if names else list(nodes.values())
    tries = {node.name: {"pings": list(_pings(node, _peers(node, list(nodes.values()))))} for node in chosen}
    seen = {one.host: one for one in await look_at_all(hosts, tries, tries)}
    return [finding for node in chosen for finding in check_node(node, seen[node.name], list(nodes.values()))]


def _peers(node: Node, nodes: Sequence[Node]) -> list[Node]:
    others = sorted((other for other in nodes if other.name != node.name), key=lambda o: (o.name < node.name, o.name))
    return others[:PEERS]


def _pings(node: Node, peers: Sequence[Node]) -> Iterator[Mapping[str, Any]]:
    for peer in peers:
        if peer.encap_ip and node.mtu:
            size = min(node.mtu, peer.mtu or node.mtu) - OVERHEAD[6 if ":" in peer.encap_ip else 4]
            yield {"what": "tunnel path", "host": peer.name, "to": peer.encap_ip, "size": size}
        for address in peer.join[:2]:
            yield {"what": "overlay", "host": peer.name, "to": address.partition("/")[0], "size": 56}


def check_node(node: Node, seen: Seen, nodes: Sequence[Node]) -> list[Finding]:
    """One host's findings."""
    found = list(_fabric(node))
    if seen.error:
        return [*found, not_reached(seen)]
    for check in (_units, _switch, check_tunnel_link, _kernel):
        found += check(node.name, seen.facts)
    found += _tunnels(node, seen.facts, nodes)
    found += _reached(node.name, seen.facts["pings"])
    return found


def _fabric(node: Node) -> Iterator[Finding]:
    """What its agent and the databases say."""
    wrong = [*node.troubles(), *node.problems.items()]
    for name, text in wrong:
        yield Finding(node.name, name, State.failed, "not well", text, advice(name))
    if not wrong:
        yield well(node.name, "agent", f"ready, {node.ports} ports")
    for port, text in list(node.waiting.items())[:5]:
        yield Finding(node.name, "port", State.failed, f"{port} waits", text, f"weftctl node {node.name}")
    for text in node.away:
        yield Finding(node.name, "database", State.unknown, "not asked", text)


def _units(host: str, facts: Mapping[str, Any]) -> Iterator[Finding]:
    units = facts["units"]
    for name in NEEDED if units else ():
        state = units.get(name, "not installed")
        if state != "active":
            look = f"systemctl status {name} and journalctl -u {name} there; then systemctl start {name}"
            yield Finding(host, "service", State.failed, f"{name} is {state}", "a host needs it", look)
    if units and all(units.get(name) == "active" for name in NEEDED):
        yield well(host, "services", "run")


def _switch(host: str, facts: Mapping[str, Any]) -> Iterator[Finding]:
    switch = facts["switch"]
    if switch is None:
        look = "systemctl status ovsdb-server ovs-vswitchd there"
        yield Finding(host, "Open vSwitch", State.failed, "no answer", "its database does not answer", look)
        return
    broken = [item for item in switch["interfaces"] if item["error"]]
    for item in broken[:5]:
        yield Finding(
            host, "interface", State.failed, item["name"], item["error"], f"ovs-vsctl del-port {item['name']}?"
        )
    if not broken:
        yield well(host, "Open vSwitch", f"answers, {len(switch['interfaces'])} interfaces")
    status = facts["ovn_controller"]
    if status == "connected":
        yield well(host, "ovn-controller", "is connected to the Southbound")
    else:
        reason = "flows of this host are not kept up to date"
        look = "systemctl status ovn-controller there; does it reach the Southbound, is its certificate valid?"
        yield Finding(host, "ovn-controller", State.failed, status or "no answer", reason, look)


def _kernel(host: str, facts: Mapping[str, Any]) -> Iterator[Finding]:
    if TABLE in facts["tables"]:
        yield well(host, "packet filter", "table inet weft is there")
    else:
        reason = "what leaves the fabric by this host is neither filtered nor given its address"
        look = "systemctl restart weft-agent there makes it anew; who flushed it?"
        yield Finding(host, "packet filter", State.failed, "no table inet weft", reason, look)
    link = facts["links"].get("ovn0")
    if link is None or not link["up"]:
        state = "is missing" if link is None else "is down"
        look = "journalctl -u weft-agent there"
        yield Finding(host, "ovn0", State.failed, state, "the host and its workloads do not reach each other", look)
    else:
        yield well(host, "ovn0", " ".join(link["addresses"]))


def _tunnels(node: Node, facts: Mapping[str, Any], nodes: Sequence[Node]) -> Iterator[Finding]:
    interfaces = (facts["switch"] or {"interfaces": ()})["interfaces"]
    there = {item["options"].get("remote_ip", "") for item in interfaces}
    others = [other for other in nodes if other.name != node.name and other.encap_ip]
    lacking = [other.name for other in others if other.encap_ip not in there]
    if lacking:
        reason = "ovn-controller makes a tunnel to every chassis of the Southbound"
        look = "weftctl sbctl list Chassis; does ovn-controller run on both?"
        yield Finding(node.name, "tunnels", State.failed, f"none to {', '.join(lacking[:5])}", reason, look)
    elif others:
        yield well(node.name, "tunnels", f"to {len(others)} hosts")


def _reached(host: str, pings: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    for item in pings:
        check = f"{item['what']} to {item['host']}"
        if item["received"]:
            took = f", {item['ms']:.1f} ms" if item.get("ms") is not None else ""
            yield well(host, check, f"{item['to']} answers {item['received']} of 3 of {item['size']} bytes{took}")
            continue
        found = f"{item['to']} answers none of 3 of {item['size']} bytes"
        if item["what"] == "tunnel path":
            reason = item["error"] or "the network below is cut, or does not carry packets of this size"
            look = "ip link, ip route get there; MTU of the switches between; UDP 6081 in firewalls"
        else:
            reason = "the fabric does not carry it"
            look = f"weftctl trace host/{host} host/{item['host']}"
        yield Finding(host, check, State.failed, found, reason, look)
