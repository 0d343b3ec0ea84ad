"""`endpoint`: a workload without Kubernetes.

An endpoint is a Pod object with a host and the annotation `weft.ovn/netns`: the agent of that host keeps a network
namespace of that name and wires it by the same CNI path as a kubelet's pods. Its addresses, subnet, MAC and network
namespace are fixed when it is made, as a pod's are, and go with it to another host; what is not given stays as it is.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from weft.api.annotations import NETNS
from weft.api.core import IP_ADDRESS, LOGICAL_SWITCH, MAC_ADDRESS
from weft.api.documents import Document, parse_document
from weft.api.problem import InvalidError, Problem
from weft.ctl.apply import Result, remove_objects, store_documents
from weft.ctl.arriving import arrivals
from weft.ctl.errors import UsageError
from weft.ctl.session import Session, read_records
from weft.ctl.waiting import Watcher
from weft.ovsdb.database import Database
from weft.store.fabric import Record

_ANNOTATIONS = {"subnet": LOGICAL_SWITCH, "ip": IP_ADDRESS, "mac": MAC_ADDRESS, "netns": NETNS}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is asked for. An empty field: whatever it is, or the fabric's choice."""

    name: str
    namespace: str = "default"
    host: str = ""
    subnet: str = ""
    ip: str = ""
    mac: str = ""
    netns: str = ""
    state: str = "present"

    @property
    def ref(self) -> str:
        return f"Pod/{self.namespace}/{self.name}"

    @property
    def port(self) -> str:
        return f"{self.name}.{self.namespace}"


@dataclass(slots=True)
class Answer:
    """What became of one endpoint: `error` says why it is not as asked."""

    endpoint: Endpoint
    result: Result | None = None
    error: str = ""
    status: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    mac: str = ""
    subnet: str = ""
    host: str = ""
    netns: str = ""

    @property
    def moved(self) -> bool:
        """Whether it was on another host before."""
        sides = (self.result.before, self.result.after) if self.result else ()
        hosts = [side["spec"].get("nodeName") for side in sides if side is not None]
        return len(hosts) == 2 and None not in hosts and hosts[0] != hosts[1]

    @property
    def action(self) -> str:
        """What was done, in a word."""
        return "moved" if self.moved else self.result.action if self.result else "refused"

    @property
    def ready(self) -> bool:
        return any(c["type"] == "Ready" and c["status"] == "True" for c in self.status.get("conditions", ()))

    def document(self) -> dict[str, Any]:
        result = self.result
        return {
            "name": self.endpoint.name,
            "namespace": self.endpoint.namespace,
            "state": self.endpoint.state,
            "action": self.action,
            "ready": self.ready,
            "host": self.host,
            "subnet": self.subnet,
            "addresses": list(self.addresses),
            "mac": self.mac,
            "netns": self.netns,
            "before": result.before if result else None,
            "after": result.after if result else None,
            "error": self.error,
        }


def parse_endpoints(values: Any, source: str) -> list[Endpoint]:
    """From a list of mappings. Raises UsageError that names entry and field."""
    if not isinstance(values, list):
        raise UsageError(f"{source}: expected a list of endpoints, got {type(values).__name__}")
    return [_parse(value, f"{source}: entry {number}") for number, value in enumerate(values, 1)]


def _parse(value: Any, where: str) -> Endpoint:
    allowed = [field.name for field in dataclasses.fields(Endpoint)]
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        raise UsageError(f"{where}: expected a mapping with a name, got {value!r}")
    for key, item in value.items():
        if key not in allowed:
            raise UsageError(f"{where}: {key}: no such field; allowed: {', '.join(allowed)}")
        if not isinstance(item, str | None):
            raise UsageError(f"{where}: {key}: got {item!r}, expected a text")
    endpoint = Endpoint(**{key: item for key, item in value.items() if item})
    if endpoint.state not in ("present", "absent"):
        raise UsageError(f"{where}: state: got {endpoint.state!r}; allowed: present, absent")
    return endpoint


async def keep(
    session: Session,
    endpoints: Sequence[Endpoint],
    *,
    wait: bool = True,
    patience: float = 60.0,
    dry_run: bool = False,
    ignore_absent: bool = True,
    create: bool = True,
) -> list[Answer]:
    """Make endpoints be or not be, all in one go; without `create` only those that there are.

    With `wait`, until their hosts have done it or `patience` seconds are over.
    """
    watcher = Watcher()
    tables = ("Object", "Host_Status", "Fabric")
    async with session.weft(tables, on_change=watcher.feed) as weft:
        answers = {endpoint.ref: Answer(endpoint) for endpoint in endpoints}
        await _remove(weft, answers, dry_run=dry_run, ignore_absent=ignore_absent)
        await _store(weft, answers, dry_run=dry_run, create=create)
        if wait and not dry_run:
            await _wait(session, watcher, answers, patience)
        records = await read_records(weft)
    for answer in answers.values():
        _describe(answer, records)
    return list(answers.values())


async def _wait(session: Session, watcher: Watcher, answers: Mapping[str, Answer], patience: float) -> None:
    """Those that move are awaited first: that they are ready may be said of the host that they leave."""
    started = time.monotonic()
    moving = {ref: answer.endpoint for ref, answer in answers.items() if answer.moved and not answer.error}
    late = await arrivals(session, {endpoint.port: endpoint.host for endpoint in moving.values()}, patience)
    for ref, endpoint in moving.items():
        if why := late.get(endpoint.port):
            answers[ref].error = watcher.why_not_moved(ref, why)
    waiting = [answer.endpoint for answer in answers.values() if not answer.error]
    gone = [endpoint.port for endpoint in waiting if endpoint.state == "absent"]
    ready = [endpoint.ref for endpoint in waiting if endpoint.state == "present"]
    for ref, why in (await watcher.wait(ready, gone, started + patience - time.monotonic())).items():
        answers[ref].error = why


async def _remove(weft: Database, answers: Mapping[str, Answer], *, dry_run: bool, ignore_absent: bool) -> None:
    refs = [ref for ref, answer in answers.items() if answer.endpoint.state == "absent"]
    if refs:
        applied = await remove_objects(weft, refs, ignore_absent=ignore_absent, dry_run=dry_run)
        _note(answers, applied.results, applied.problems)


async def _store(weft: Database, answers: Mapping[str, Answer], *, dry_run: bool, create: bool) -> None:
    records = await read_records(weft)
    documents: list[Document] = []
    for answer in answers.values():
        if answer.endpoint.state == "present":
            if not create and answer.endpoint.ref not in records:
                answer.error = "does not exist"
                continue
            try:
                documents.append(_document(answer.endpoint, records))
            except InvalidError as error:
                _note(answers, (), error.problems)
    applied = await store_documents(weft, documents, dry_run=dry_run)
    _note(answers, applied.results, applied.problems)


def _note(answers: Mapping[str, Answer], results: Iterable[Result], problems: Iterable[Problem]) -> None:
    for result in results:
        answers[result.ref].result = result
    for problem in problems:
        answer = answers[problem.object]
        text = ": ".join(part for part in (problem.field, problem.message) if part)
        answer.error = f"{answer.error}; {text}" if answer.error else text


def _document(endpoint: Endpoint, records: Mapping[str, Record]) -> Document:
    """The Pod that the endpoint is, on top of what is stored. Raises InvalidError for what may not change."""
    record = records.get(endpoint.ref)
    stored = {} if record is None else record.document()
    metadata = stored.get("metadata", {})
    annotations = dict(metadata.get("annotations", {}))
    if record is not None:
        _check_fixed(endpoint, annotations, records.get(f"IP/{endpoint.port}"))
    for field, key in _ANNOTATIONS.items():
        if value := getattr(endpoint, field):
            annotations[key] = value.lower() if field == "mac" else value
    annotations.setdefault(NETNS, endpoint.port)
    raw = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": endpoint.name,
            "namespace": endpoint.namespace,
            "labels": metadata.get("labels", {}),
            "annotations": annotations,
        },
        "spec": {**stored.get("spec", {}), **({"nodeName": endpoint.host} if endpoint.host else {})},
    }
    return Document(raw, parse_document(raw), "")


def _check_fixed(endpoint: Endpoint, annotations: Mapping[str, str], ip: Record | None) -> None:
    spec = {} if ip is None else json.loads(ip.spec)
    now = {
        "subnet": spec.get("subnet") or annotations.get(LOGICAL_SWITCH, ""),
        "ip": spec.get("ipAddress") or annotations.get(IP_ADDRESS, ""),
        "mac": spec.get("macAddress") or annotations.get(MAC_ADDRESS, ""),
        "netns": annotations.get(NETNS, ""),
    }
    problems = [
        Problem(endpoint.ref, field, f"{wanted!r}: cannot change from {now[field]!r}; delete the endpoint first")
        for field in now
        if (wanted := getattr(endpoint, field)) and now[field] and not _same(wanted, now[field])
    ]
    if problems:
        raise InvalidError(problems)


def _same(wanted: str, have: str) -> bool:
    """Equal, or some of the addresses that it has."""
    parts = {part.strip().lower() for part in have.split(",")}
    return {part.strip().lower() for part in wanted.split(",")} <= parts


def _describe(answer: Answer, records: Mapping[str, Record]) -> None:
    pod, ip = records.get(answer.endpoint.ref), records.get(f"IP/{answer.endpoint.port}")
    if pod is not None:
        document = pod.document()
        answer.status = document.get("status", {})
        answer.host = document["spec"].get("nodeName", "")
        answer.netns = document["metadata"].get("annotations", {}).get(NETNS, "")
    if ip is not None:
        spec = json.loads(ip.spec)
        answer.addresses = tuple(filter(None, spec.get("ipAddress", "").split(",")))
        answer.mac, answer.subnet = spec.get("macAddress", ""), spec.get("subnet", "")


async def list_endpoints(session: Session, namespace: str = "") -> list[Answer]:
    """All pods that have a network namespace kept by an agent."""
    async with session.weft(("Object",)) as weft:
        records = await read_records(weft)
    answers: list[Answer] = []
    for record in sorted(records.values(), key=lambda record: (record.namespace, record.name)):
        if record.kind != "Pod" or (namespace and record.namespace != namespace):
            continue
        answer = Answer(Endpoint(record.name, record.namespace))
        _describe(answer, records)
        if answer.netns:
            answers.append(answer)
    return answers


async def wait_for(
    session: Session, names: Sequence[str], namespace: str, patience: float
) -> tuple[list[str], list[str]]:
    """Wait for endpoints that are asked for already, all of them without `names`: (those that are ready, problems)."""
    watcher = Watcher()
    async with session.weft(("Object", "Host_Status", "Fabric"), on_change=watcher.feed) as weft:
        records = await read_records(weft)
        known = {record.ref: record for record in records.values() if record.kind == "Pod" and _netns(record)}
        if names:
            wanted = [f"Pod/{namespace or 'default'}/{name}" for name in names]
        else:
            wanted = [ref for ref, record in known.items() if namespace in ("", record.namespace)]
        present = [ref for ref in wanted if ref in known]
        failed = await watcher.wait(present, (), patience)
    problems = [f"{ref}: no such endpoint" for ref in wanted if ref not in known]
    problems += [f"{ref}: {why}" for ref, why in sorted(failed.items())]
    return [ref for ref in present if ref not in failed], problems


def _netns(record: Record) -> str:
    return str(json.loads(record.metadata or "{}").get("annotations", {}).get(NETNS, ""))
