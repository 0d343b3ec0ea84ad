"""The fabric as the rules see it: typed objects of the store, and what admitting a document to them means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from weft.api.base import Resource
from weft.api.documents import Document
from weft.api.kinds import RANK
from weft.api.problem import InvalidError, Problem
from weft.net.addresses import Network
from weft.store.fabric import Record
from weft.topology.rules import check_put
from weft.topology.view import Host, View


@dataclass(frozen=True, slots=True)
class Verdict:
    """A document that was looked at; with `problems` it was refused."""

    document: Document
    problems: tuple[Problem, ...] = ()


def view_of(records: Mapping[str, Record], hosts: Iterable[Host] = (), services: tuple[Network, ...] = ()) -> View:
    """The rules' view. Stored documents that are broken are left out, as the controller leaves them out."""
    view = View(services=services)
    for resource in resources_of(records):
        view.put(resource)
    for host in hosts:
        view.put(host)
    return view


def resources_of(records: Mapping[str, Record]) -> Iterator[Resource]:
    """Typed objects, in the order in which kinds depend on each other."""
    for record in sorted(records.values(), key=lambda record: RANK.get(record.kind, 99)):
        try:
            yield record.resource()
        except (InvalidError, ValueError):
            continue


def hosts_of(rows: Iterable[Mapping[str, Any]]) -> list[Host]:
    """Hosts, from their rows in `Host_Status`."""
    return [Host.of(row) for row in rows]


def admit(view: View, documents: Iterable[Document], put: Callable[[Resource], None] | None = None) -> list[Verdict]:
    """Judge documents one after the other, each in the light of those admitted before it.

    They are taken in the order of their kinds, so that a VPC or subnet may come after its user in the same call.
    `put` (by default the view's own) takes in what is admitted.
    """
    verdicts: list[Verdict] = []
    first: dict[str, str] = {}
    for document in sorted(documents, key=lambda document: RANK.get(document.resource.INFO.kind, 99)):
        resource = document.resource
        if resource.ref in first:
            found = [resource.problem("metadata.name", f"is given twice, first at {first[resource.ref]}")]
        else:
            first[resource.ref] = document.source
            found = check_put(view, resource)
        problems = tuple(replace(problem, source=document.source) for problem in found)
        if not problems:
            (put or view.put)(resource)
        verdicts.append(Verdict(document, problems))
    return verdicts


def as_stored(resource: Resource, old: Resource | Host | None) -> Resource:
    """The resource with the identity that the store has given it, if any."""
    if not isinstance(old, Resource):
        return resource
    return resource.model_copy(update={"uid": old.uid, "generation": old.generation})


def content(resource: Resource) -> tuple[Any, ...]:
    """What somebody wrote of an object: two with the same are as one."""
    return resource.spec_document(), resource.metadata.labels, resource.metadata.annotations


def display_name(resource: Resource | Record) -> str:
    """As `apply` prints it: `subnet/blue`, `pod/ns1/web`."""
    kind, _, name = resource.ref.partition("/")
    return f"{kind.lower()}/{name}"
