"""`plan --offline`: what the rules say of documents with no fabric at hand, in the words of all other places.

The world is what other documents say (`--given`); where these have no default VPC, a new fabric's. Deployments and
other makers of pods are judged by their templates, nodes (given) by their addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from weft.api.base import Resource
from weft.api.core import Node
from weft.api.documents import Document, Kinds, Loaded
from weft.api.ip import IP
from weft.api.kinds import KINDS, RANK
from weft.api.problem import Problem
from weft.api.templates import MAKERS
from weft.ctl.errors import CtlError, UsageError
from weft.ctl.printing import to_json, write
from weft.ctl.sources import load_sources
from weft.ctl.world import admit, content
from weft.net.addresses import Network
from weft.topology.engine import Engine
from weft.topology.first import Defaults, first_objects
from weft.topology.rules import check_delete
from weft.topology.view import DEFAULT_VPC, SERVICE_CIDRS, owner_of, parse_services

JUDGED: Kinds = {**KINDS, Node.INFO.kind: Node, **MAKERS}
"""Kinds that may be given here: those that are stored, and those whose pods or addresses matter."""


@dataclass(slots=True)
class Judgement:
    """What became of documents."""

    objects: list[tuple[str, str]] = field(default_factory=list)
    """(reference, created | configured | unchanged | deleted)."""
    reservations: list[IP] = field(default_factory=list)
    waiting: dict[str, str] = field(default_factory=dict)
    """Owners that would get no address, and why."""
    problems: list[Problem] = field(default_factory=list)


def judge(given: Loaded, wanted: Loaded, services: tuple[Network, ...]) -> Judgement:
    """What putting the wanted documents into the given world would do, and what forbids it."""
    result = Judgement(problems=[*given.problems, *wanted.problems])
    engine = make_world(given, services)

    def put(resource: Resource) -> None:
        old = engine.view.find(resource.ref)
        same = isinstance(old, Resource) and content(old) == content(resource)
        result.objects.append((resource.ref, "unchanged" if same else "created" if old is None else "configured"))
        if not same and resource.INFO.kind in KINDS:
            engine.put(resource)

    for verdict in admit(engine.view, wanted.documents, put):
        result.problems.extend(verdict.problems)
    result.reservations = engine.reserve(engine.take_dirty())
    result.waiting = {owner: str(error) for owner, error in engine.unallocated.items()}
    return result


def judge_deletion(given: Loaded, unwanted: Loaded, services: tuple[Network, ...]) -> Judgement:
    """The same of taking objects out of it, users before what they use."""
    result = Judgement(problems=[*given.problems, *unwanted.problems])
    view = make_world(given, services).view
    for document in sorted(unwanted.documents, key=_rank, reverse=True):
        item = view.find(document.resource.ref)
        if not isinstance(item, Resource):
            result.problems.append(replace(document.resource.problem("", "does not exist"), source=document.source))
        elif found := check_delete(view, item):
            result.problems.extend(replace(problem, source=document.source) for problem in found)
        else:
            view.remove(item)
            result.objects.append((item.ref, "deleted"))
    return result


def make_world(given: Loaded, services: tuple[Network, ...]) -> Engine:
    """As the controller would have it: what breaks a rule there is not in effect, and not what is judged."""
    resources = [document.resource for document in sorted(given.documents, key=_rank)]
    if all(resource.ref != f"Vpc/{DEFAULT_VPC}" for resource in resources):
        resources = [*first_objects(Defaults()), *resources]
    engine = Engine()
    engine.view.services = services
    for resource in resources:
        if resource.INFO.kind not in MAKERS:
            engine.put(resource)
    engine.reserve(engine.take_dirty())
    engine.take_dirty()
    return engine


def _rank(document: Document) -> int:
    return RANK.get(document.resource.INFO.kind, len(RANK))


# -- showing it -------------------------------------------------------------------------------------------------------


def as_text(result: Judgement) -> list[str]:
    """Lines for a person."""
    lines = [f"object {ref} would be {action}" for ref, action in result.objects]
    lines += [
        f"address {ip.spec.ip_address} of subnet {ip.spec.subnet} would be reserved for {owner_of(ip)}"
        for ip in result.reservations
    ]
    lines += [f"waits: {owner}: {why}" for owner, why in result.waiting.items()]
    refused = len({(problem.object, problem.source) for problem in result.problems})
    return [
        *lines,
        f"{len(result.objects)} documents are as the rules want them, {refused} are not; no fabric was asked",
    ]


def as_document(result: Judgement) -> dict[str, Any]:
    """The same for a program."""
    return {
        "objects": [{"object": ref, "action": action} for ref, action in result.objects],
        "reservations": [_reservation(ip) for ip in result.reservations],
        "waiting": result.waiting,
        "problems": [str(problem) for problem in result.problems],
    }


def _reservation(ip: IP) -> dict[str, str]:
    return {"for": owner_of(ip), "subnet": ip.spec.subnet, "addresses": ip.spec.ip_address}


def command(
    files: Sequence[str], given: Sequence[str], service_cidrs: Sequence[str] | None, *, delete: bool, json: bool
) -> None:
    """Judge and print. Raises UsageError for what cannot be read, CtlError with all that is refused."""
    try:
        services = parse_services(SERVICE_CIDRS if service_cidrs is None else service_cidrs)
    except ValueError as error:
        raise UsageError(f"--service-cidr: {error}") from None
    world, documents = (load_sources(names, JUDGED) for names in (given, files))
    result = (judge_deletion if delete else judge)(world, documents, services)
    write(*([to_json(as_document(result))] if json else as_text(result)))
    if result.problems:
        raise CtlError(*map(str, result.problems))
