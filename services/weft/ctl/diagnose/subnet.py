"""`diagnose subnet`: its object, its rows, its addresses, and pings between workloads of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from weft.ctl.ask import Row, Select, ask, elements
from weft.ctl.diagnose.finding import Finding, State, well
from weft.ctl.diagnose.look import look_at_all
from weft.ctl.errors import CtlError, UsageError
from weft.ctl.hosts.run import Hosts
from weft.ctl.node_reading import read_nodes
from weft.ctl.session import Session
from weft.ctl.trace.ends import Atlas, End, read_atlas
from weft.ctl.trace.story import Question, tell
from weft.ctl.trace.way import read_interfaces

SAMPLES = 4
"""Workloads, each on another host, that ping each other and the gateway."""
EXPLAINED = 6
"""Pings without an answer that are traced."""


async def diagnose_subnet(session: Session, hosts: Hosts, name: str) -> list[Finding]:
    """All checks of a subnet. Raises UsageError when there is none of that name."""
    atlas = await read_atlas(session)
    if name not in atlas.nets:
        known = ", ".join(sorted(atlas.nets)) or "none"
        raise UsageError(f"Subnet/{name} is not known to hosts; known are {known}; weftctl why subnet/{name}")
    found = await check_subnet(session, atlas, name)
    return [*found, *await _try(session, hosts, atlas, name)]


async def check_subnet(session: Session, atlas: Atlas, name: str) -> list[Finding]:
    """What databases say of it."""
    subject = f"Subnet/{name}"
    where = (("kind", "==", "Subnet"), ("name", "==", name))
    objects, rows = await ask(
        session, "Weft", Select("Object", (), where), Select("Subnet", (), (("name", "==", name),))
    )
    switches, ports, routers = await ask(
        session, "OVN_Northbound",
        Select("Logical_Switch", ("name", "ports"), (("name", "==", name),)),
        Select("Logical_Switch_Port", ("_uuid", "name", "up", "type")),
        Select("Logical_Router_Port", ("name", "networks", "external_ids")),
    )  # fmt: skip
    found = [*_object(subject, objects), *_switch(subject, switches, ports), *_router(subject, name, atlas, routers)]
    gateways = [str(host) for row in rows for host in elements(row.get("gateway_hosts", []))]
    if gateways:
        found += await _gateways(session, subject, gateways)
    return found


def _object(subject: str, objects: Sequence[Row]) -> Iterator[Finding]:
    for row in objects:
        status = json.loads(row["status"] or "{}")
        wrong = [
            item for item in status.get("conditions", ()) if item["status"] != "True" and item["type"] != "Supported"
        ]
        for item in wrong:
            why = f"{item['reason']}: {item['message']}"
            yield Finding(subject, item["type"], State.failed, "is not so", why, f"weftctl why {subject}")
        if not wrong:
            yield well(subject, "object", "its conditions are met")
        yield from _room(subject, status)


def _room(subject: str, status: Mapping[str, Any]) -> Iterator[Finding]:
    for family in ("v4", "v6"):
        used, free = status.get(f"{family}usingIPs", 0), status.get(f"{family}availableIPs", 0)
        if used and not free:
            reason = "new workloads get no address"
            yield Finding(
                subject, f"IP{family}", State.failed, f"all {used} addresses in use", reason, "a larger subnet"
            )
        elif used or free:
            yield well(subject, f"IP{family}", f"{used} addresses in use, {free} free")


def _switch(subject: str, switches: Sequence[Row], ports: Sequence[Row]) -> Iterator[Finding]:
    if not switches:
        reason = "the controller has not committed it"
        yield Finding(subject, "switch", State.failed, "the Northbound has none", reason, f"weftctl why {subject}")
        return
    own = set(elements(switches[0]["ports"]))
    mine = [row for row in ports if row["_uuid"] in own and row["type"] == ""]
    down = sorted(row["name"] for row in mine if True not in elements(row["up"]))
    if down:
        named = ", ".join(down[:5]) + (" …" if len(down) > 5 else "")
        reason = "no chassis has claimed them, or their flows are not installed"
        yield Finding(subject, "ports", State.failed, f"{len(down)} of {len(mine)} are down: {named}", reason,
                      "weftctl node; weftctl why pod/NAME")  # fmt: skip
    else:
        yield well(subject, "ports", f"{len(mine)}, all up")


def _router(subject: str, name: str, atlas: Atlas, routers: Sequence[Row]) -> Iterator[Finding]:
    net = atlas.nets[name]
    ours = [row for row in routers if row["external_ids"].get("subnet") == name]
    have = {str(text).partition("/")[0] for row in ours for text in elements(row["networks"])}
    lacking = [gateway for gateway in net.gateways if gateway not in have]
    if not ours:
        yield well(
            subject,
            "gateway",
            f"{', '.join(net.gateways) or 'none'}, which is not OVN's: the subnet has no router port",
        )
    elif lacking:
        reason = f"its router port has {', '.join(sorted(have))}"
        yield Finding(
            subject,
            "gateway",
            State.failed,
            f"no router port has {', '.join(lacking)}",
            reason,
            f"weftctl explain {subject}",
        )
    else:
        yield well(subject, "gateway", f"{', '.join(net.gateways)} on Vpc/{net.vpc}")


async def _gateways(session: Session, subject: str, names: Sequence[str]) -> list[Finding]:
    nodes = {node.name: node for node in await read_nodes(session, time.time())}
    alive = [name for name in names if name in nodes and nodes[name].well]
    if not alive:
        reason = "the way out of a centralized subnet is through one of them"
        return [
            Finding(
                subject, "way out", State.failed, f"none of {', '.join(names)} is well", reason, "weftctl diagnose node"
            )
        ]
    if len(alive) < len(names):
        lost = ", ".join(sorted(set(names) - set(alive)))
        return [
            Finding(
                subject,
                "way out",
                State.warning,
                f"by {', '.join(alive)}",
                f"{lost} is not well",
                "weftctl diagnose node",
            )
        ]
    return [well(subject, "way out", f"by {', '.join(alive)}")]


def samples(atlas: Atlas, name: str) -> list[End]:
    """Workloads of the subnet, each on another host."""
    by_host: dict[str, End] = {}
    for end in atlas.ends:
        if end.subnet == name and end.ref.startswith("Pod/") and end.host:
            by_host.setdefault(end.host, end)
    return list(by_host.values())[:SAMPLES]


async def _try(session: Session, hosts: Hosts, atlas: Atlas, name: str) -> list[Finding]:
    """Pings between the samples, and to the gateway; the trace says why there is no answer."""
    chosen = samples(atlas, name)
    found: list[Finding] = []
    tries: dict[str, dict[str, Any]] = {}
    for end in chosen:
        try:
            interfaces = await read_interfaces(hosts, end.host)
        except CtlError as error:
            found.append(Finding(end.host, "reached", State.unknown, "no answer", error.lines[0]))
            continue
        netns = next((item.netns for item in interfaces if item.port == end.port), "")
        if netns:
            tries[end.host] = {"pings": list(_pings(atlas, name, end, chosen, netns))}
    asked = {end.host: end for end in chosen}
    for seen in await look_at_all(hosts, tries, tries):
        for item in seen.facts.get("pings", ()):
            found.append(await _answer(session, asked[seen.host], item, explain=len(found) < EXPLAINED))
    return found


def _pings(atlas: Atlas, name: str, end: End, others: Sequence[End], netns: str) -> Iterator[Mapping[str, Any]]:
    for family in (4, 6):
        if not end.address(family):
            continue
        if gateway := atlas.nets[name].gateway(family):
            yield {"what": "the gateway", "to": gateway, "netns": netns}
        for other in others:
            if other is not end and (address := other.address(family)):
                yield {"what": other.ref, "to": address, "netns": netns}


async def _answer(session: Session, end: End, item: Mapping[str, Any], *, explain: bool) -> Finding:
    check = f"ping {item['what']}"
    if item["received"]:
        return well(end.ref, check, f"{item['to']} answers {item['received']} of 3")
    reason, advice = "", f"weftctl trace {end.ref} {item['to']}"
    if explain:
        try:
            [story] = await tell(session, Question(end.ref, item["to"]))
            reason = story.disagreement or story.verdict.text
        except (CtlError, ValueError) as error:
            reason = str(error)
        else:
            if story.good:
                reason = (
                    "by all tables and flows it is delivered: is it the network below the tunnels, or the workload?"
                )
                advice = f"weftctl diagnose node {' '.join(dict.fromkeys(leg.host for leg in story.legs))}"
    return Finding(end.ref, check, State.failed, f"{item['to']} answers none of 3", reason, advice)
