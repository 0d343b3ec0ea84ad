"""`why` of what has ports, pods and virtual machines: are they bound, and what do their hosts say.

The ports of a pod in which a virtual machine runs are the machine's: they keep its name from one pod to the next.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from weft.api.core import Pod
from weft.api.problem import InvalidError
from weft.ctl.host_advice import advice, concerns
from weft.ctl.printing import duration
from weft.ctl.status import STALE_AFTER
from weft.ctl.why_world import Answer, World
from weft.ovsdb.identity import OWNER
from weft.store.fabric import Record

MACHINE: Final = "VirtualMachine"
PORT_OWNERS: Final = frozenset({"Pod", MACHINE})
PORT_PROBLEMS: Final = ("port", "shaping", "mirror")
"""Subjects of problems that concern a single port."""


def owner_of(ref: str, world: World) -> str:
    """Whose a pod's ports are: its own, or the machine's that runs in it. Of a machine, itself."""
    pod = _pod(world.records.get(ref)) if ref.startswith("Pod/") else None
    if pod is not None:
        return pod.owner
    return next((owner for port in _of_pod(ref, world) if (owner := port["external_ids"].get(OWNER))), ref)


def runs(ref: str, world: World) -> bool:
    """Whether a machine is known by its pods: nothing needs its own object."""
    return ref.startswith(f"{MACHINE}/") and any(_pods_of(ref, world))


def port_name(owner: str) -> str:
    """The name of an owner's first port, and of its reservation."""
    _, namespace, name = owner.split("/")
    return f"{name}.{namespace}"


def note_ports(ref: str, world: World, result: Answer) -> None:
    """Each port, whether it is bound, and else what its host says."""
    owner = owner_of(ref, world)
    if owner != ref:
        result.facts.append(f"it runs {owner}, whose ports it has: see weftctl why {owner}")
    ports = [port for port in world.ports if port["external_ids"].get(OWNER) == ref] or _of_pod(ref, world)
    if ref.startswith(f"{MACHINE}/"):
        _note_pods(ref, world, ports, result)
    elif not ports:
        result.reasons.append(_no_port(ref, owner, world))
    for port in ports:
        _note_port(port, world, result)


def _pod(record: Record | None) -> Pod | None:
    if record is None:
        return None
    try:
        resource = record.resource()
    except (InvalidError, ValueError):
        return None
    return resource if isinstance(resource, Pod) else None


def _of_pod(ref: str, world: World) -> list[Mapping[str, Any]]:
    return [port for port in world.ports if f"Pod/{port['pod_namespace']}/{port['pod_name']}" == ref]


def _no_port(ref: str, owner: str, world: World) -> str:
    record = world.records.get(ref)
    if record is not None and not json.loads(record.spec or "{}").get("nodeName"):
        return "it has no host yet: nothing has scheduled it (spec.nodeName)"
    return f"no host knows port {port_name(owner)}: the controller has not committed it"


def _note_pods(ref: str, world: World, ports: list[Mapping[str, Any]], result: Answer) -> None:
    """In which pods a machine runs: none while it is stopped, two while it moves."""
    places = {f"Pod/{port['pod_namespace']}/{port['pod_name']}": port["host"] for port in ports}
    for pod, place in places.items():
        result.facts.append(f"it runs in {pod} on host {place}")
    if len(places) > 1:
        where = " to ".join(dict.fromkeys(port["host"] for port in _by_age(ports)))
        result.facts.append(f"it moves from {where}: its port is bound where it announced itself last")
    waiting = [record.ref for record in _pods_of(ref, world) if record.ref not in places]
    result.reasons.extend(f"its pod {pod} has no port yet: see weftctl why {pod}" for pod in waiting)
    if not places and not waiting:
        reservation = world.records.get(f"IP/{port_name(ref)}")
        kept = ", its addresses are kept" if reservation is not None else ""
        result.reasons.append(f"no pod runs it: it is stopped, or nothing has made its pod{kept}")


def _by_age(ports: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(ports, key=lambda port: bool(port.get("arriving")))


def _pods_of(ref: str, world: World) -> Iterator[Record]:
    """The machine's pods in the fabric's own store."""
    for record in world.records.values():
        if record.kind == "Pod" and "VirtualMachineInstance" in record.metadata:
            pod = _pod(record)
            if pod is not None and pod.owner == ref:
                yield record


def _note_port(port: Mapping[str, Any], world: World, result: Answer) -> None:
    name, place = port["name"], port["host"]
    if port["device_type"] == "none":
        result.facts.append(f"port {name} on host {place} is for addresses of another plugin's interface")
    elif name in world.up:
        result.facts.append(f"port {name} is bound on host {place}")
        problems = world.hosts.get(place, {"problems": {}})["problems"]
        own = [f"{subject}/{name}" for subject in PORT_PROBLEMS if f"{subject}/{name}" in problems]
        result.facts.extend(f"host {place} says: {key}: {problems[key]}" for key in own)
    elif port.get("arriving"):
        result.facts.append(f"port {name} comes to host {place}")
    else:
        result.reasons.append(f"port {name} is not bound on host {place}")
        note_host(place, world, result, name)


def note_host(name: str, world: World, result: Answer, port: str = "") -> None:
    """What a host says; of a port that waits there only its own and the host's problems."""
    row = world.hosts.get(name)
    if row is None:
        known = ", ".join(sorted(world.hosts)) or "none"
        result.reasons.append(f"host {name} has never reported: does weft-agent run there? Known are: {known}")
        return
    silent = max(time.time() - row["last_seen"], 0)
    if silent > STALE_AFTER:
        result.reasons.append(f"host {name} has been silent for {duration(silent)}: does weft-agent run there?")
    if not row["ready"]:
        since = row.get("ready_since")
        word = f" for {duration(time.time() - since)}" if since else ""
        result.reasons.append(f"host {name} says that it is not ready{word}: see weftctl node {name}")
    problems = {key: text for key, text in row["problems"].items() if not port or concerns(key, port)}
    result.reasons.extend(f"host {name} says: {key}: {text}{_hint(key)}" for key, text in sorted(problems.items()))
    if not problems:
        result.facts.append(f"host {name} reports no problem{' of this port' if port else ''}")


def _hint(problem: str) -> str:
    text = advice(problem)
    return f"; what to do: {text}" if text else ""
