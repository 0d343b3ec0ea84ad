"""`why`: what keeps an object from being ready, from everybody who has a say in it.

The object's own conditions; what it stands on; the controller (paused, held, refused, rejected); its host; its port.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from weft.ctl.printing import age, duration
from weft.ctl.question import ELSEWHERE, kept_elsewhere
from weft.ctl.session import Session, read_fabric, read_records, read_rows
from weft.ctl.status import ADVICE, STALE_AFTER
from weft.ovsdb import columns
from weft.ovsdb.index import OwnerIndex
from weft.store.fabric import Record
from weft.topology.network import vip_reservation


@dataclass(slots=True)
class Answer:
    """`reasons` why it is not ready, and `facts` that are well."""

    ref: str
    reasons: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        return not self.reasons

    def document(self) -> dict[str, Any]:
        return {"object": self.ref, "ready": self.ready, "reasons": self.reasons, "facts": self.facts}

    def lines(self) -> Iterator[str]:
        yield f"{self.ref}: {'ready' if self.ready else 'not ready'}"
        yield from (f"  - {reason}" for reason in self.reasons)
        yield from (f"    {fact}" for fact in self.facts)


@dataclass(slots=True)
class World:
    """What the databases say."""

    fabric: Mapping[str, Any]
    records: Mapping[str, Record]
    hosts: Mapping[str, Mapping[str, Any]]
    ports: Mapping[str, Mapping[str, Any]]
    """Rows of Weft's `Port` by name."""
    up: frozenset[str]
    """Names of ports that are bound on their host, by the Northbound."""


async def read_world(session: Session) -> World:
    """All of it, from the leaders."""
    index = OwnerIndex(columns.NORTHBOUND)
    async with AsyncExitStack() as stack:
        weft = await stack.enter_async_context(session.weft(("Object", "Host_Status", "Fabric", "Port")))
        northbound = await stack.enter_async_context(session.northbound(index))
        up = frozenset(name for _, name in await northbound.call(lambda _: index.bound_ports()))
        return World(
            await read_fabric(weft),
            await read_records(weft),
            {row["name"]: row for row in await read_rows(weft, "Host_Status")},
            {row["name"]: row for row in await read_rows(weft, "Port")},
            up,
        )


def answer(ref: str, world: World) -> Answer:
    """Everything that is known about `ref`."""
    result = Answer(ref)
    result.reasons.extend(_controller(ref, world))
    kind, _, name = ref.partition("/")
    if kind == "Host":
        _host(name, world, result)
    elif kept_elsewhere(world.records):
        result.facts.append(ELSEWHERE)
    elif (record := world.records.get(ref)) is None:
        result.reasons.append("it does not exist in the store")
    else:
        _conditions(record, result)
        result.reasons.extend(_foundations(record, world))
    if kind == "Pod":
        _port(ref, world, result)
    return result


def _controller(ref: str, world: World) -> Iterator[str]:
    """What the controller holds against it, and whether there is one at all."""
    if not world.fabric["leader"]:
        yield "no controller has led this fabric yet: does weft-controller run?"
    kind, _, name = ref.partition("/")
    mine = {"paused", "store", "fabric", f"rejected/{ref}", f"refused/{ref}", f"held/{kind}"}
    if kind == "Pod":
        reservation = ".".join(reversed(name.split("/")))
        mine |= {f"conflict/{reservation}", f"rejected/IP/{reservation}"}
    if kind == "IP":
        mine.add(f"conflict/{name}")
    if kind == "Vip":
        mine |= {f"conflict/{vip_reservation(name)}", f"rejected/IP/{vip_reservation(name)}"}
    for key, text in sorted(world.fabric["alarms"].items()):
        if key in mine and not (key.startswith("held/") and ref in world.records):
            advice = ADVICE.get(key.partition("/")[0])
            yield f"alarm {key}: {text}" + (f"; what to do: {advice}" if advice else "")


def _conditions(record: Record, result: Answer) -> None:
    status = json.loads(record.status) if record.status else {}
    if not status:
        kept = record.kind not in ("Pod", "Subnet", "Vpc")
        (result.facts if kept else result.reasons).append("the controller has said nothing about it yet")
    for item in status.get("conditions", ()):
        since = age(item.get("lastTransitionTime", ""))
        text = f"{item['type']} is {item['status']} for {since}: {item['reason']}"
        text = f"{text}: {item['message']}" if item["message"] else text
        bad = item["status"] != "True" and item["type"] != "Supported"
        (result.reasons if bad else result.facts).append(text)


def _foundations(record: Record, world: World) -> Iterator[str]:
    """What it stands on, when that is missing or not well itself."""
    for ref in _stands_on(record, world):
        found = world.records.get(ref)
        if found is None:
            yield f"waits for {ref}, which does not exist"
            continue
        if alarm := world.fabric["alarms"].get(f"rejected/{ref}"):
            yield f"stands on {ref}, which is invalid: {alarm}"
        for item in (json.loads(found.status) if found.status else {}).get("conditions", ()):
            if item["type"] == "Ready" and item["status"] != "True":
                yield f"stands on {ref}, which is not ready: {item['reason']}: {item['message']}"


def _stands_on(record: Record, world: World) -> Iterator[str]:
    spec = json.loads(record.spec or "{}")
    if record.kind == "Subnet":
        yield f"Vpc/{spec.get('vpc') or 'ovn-cluster'}"
    if record.kind in ("IP", "IPPool", "Vip") and spec.get("subnet"):
        yield f"Subnet/{spec['subnet']}"
    if record.kind == "Pod":
        yield f"Namespace/{record.namespace}"
        reservation = world.records.get(f"IP/{record.name}.{record.namespace}")
        wanted = json.loads(record.metadata or "{}").get("annotations", {}).get("ovn.kubernetes.io/logical_switch")
        subnet = wanted if reservation is None else json.loads(reservation.spec).get("subnet")
        if subnet:
            yield f"Subnet/{subnet}"


def _port(ref: str, world: World, result: Answer) -> None:
    name = ".".join(reversed(ref.removeprefix("Pod/").split("/")))
    port = world.ports.get(name)
    if port is None:
        record = world.records.get(ref)
        if record is not None and not json.loads(record.spec or "{}").get("nodeName"):
            result.reasons.append("it has no host yet: nothing has scheduled it (spec.nodeName)")
        else:
            result.reasons.append(f"no host knows port {name}: the controller has not committed it")
        return
    if name in world.up:
        result.facts.append(f"port {name} is bound on host {port['host']}")
        return
    result.reasons.append(f"port {name} is not bound on host {port['host']}")
    _host(port["host"], world, result, name)


def _host(name: str, world: World, result: Answer, port: str = "") -> None:
    """What its host says, of this port first."""
    row = world.hosts.get(name)
    if row is None:
        known = ", ".join(sorted(world.hosts)) or "none"
        result.reasons.append(f"host {name} has never reported: does weft-agent run there? Known are: {known}")
        return
    silent = max(time.time() - row["last_seen"], 0)
    if silent > STALE_AFTER:
        result.reasons.append(f"host {name} has been silent for {duration(silent)}: does weft-agent run there?")
    if not row["ready"]:
        result.reasons.append(f"host {name} says that it is not ready")
    problems = {key: text for key, text in row["problems"].items() if not port or not _of_another(key, port)}
    result.reasons.extend(f"host {name} says: {key}: {text}" for key, text in sorted(problems.items()))
    if not problems:
        result.facts.append(f"host {name} reports no problem{' of this port' if port else ''}")


def _of_another(key: str, port: str) -> bool:
    return key.startswith("port/") and key != f"port/{port}"
