"""`why`: what keeps an object from being ready, from everybody who has a say in it.

The object's own conditions; what it stands on; the controller (paused, held, refused, rejected); its host; its port.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AsyncExitStack

from weft.ctl.printing import age
from weft.ctl.question import ELSEWHERE, kept_elsewhere
from weft.ctl.session import Session, read_fabric, read_records, read_rows
from weft.ctl.status import ADVICE
from weft.ctl.why_port import PORT_OWNERS, note_host, note_ports, owner_of, port_name, runs
from weft.ctl.why_world import Answer, World
from weft.ovsdb import columns
from weft.ovsdb.index import OwnerIndex
from weft.store.fabric import Record
from weft.topology.network import vip_reservation


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
            await read_rows(weft, "Port"),
            up,
        )


def answer(ref: str, world: World) -> Answer:
    """Everything that is known about `ref`."""
    result = Answer(ref)
    result.reasons.extend(_controller(ref, world))
    kind, _, name = ref.partition("/")
    if kind == "Host":
        note_host(name, world, result)
    elif kept_elsewhere(world.records):
        result.facts.append(ELSEWHERE)
    elif (record := world.records.get(ref)) is None and runs(ref, world):
        result.facts.append("the store has no such object; its pods name it")
    elif record is None:
        result.reasons.append("it does not exist in the store")
    else:
        _conditions(record, result)
        result.reasons.extend(_foundations(record, world))
    if kind in PORT_OWNERS:
        note_ports(ref, world, result)
    return result


def _controller(ref: str, world: World) -> Iterator[str]:
    """What the controller holds against it, and whether there is one at all."""
    if not world.fabric["leader"]:
        yield "no controller has led this fabric yet: does weft-controller run?"
    kind, _, name = ref.partition("/")
    mine = {"paused", "store", "fabric", f"rejected/{ref}", f"refused/{ref}", f"held/{kind}"}
    if kind in PORT_OWNERS:
        owner = owner_of(ref, world)
        reservation = port_name(owner)
        mine |= {f"refused/{owner}", f"conflict/{reservation}", f"rejected/IP/{reservation}"}
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
    if not status and record.kind != "VirtualMachine":
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
    if record.kind in PORT_OWNERS:
        yield f"Namespace/{record.namespace}"
        reservation = world.records.get(f"IP/{port_name(owner_of(record.ref, world))}")
        wanted = json.loads(record.metadata or "{}").get("annotations", {}).get("ovn.kubernetes.io/logical_switch")
        subnet = wanted if reservation is None else json.loads(reservation.spec).get("subnet")
        if subnet:
            yield f"Subnet/{subnet}"
