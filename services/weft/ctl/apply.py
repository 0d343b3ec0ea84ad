"""`apply` and `delete`: documents into the store, and out of it.

Every document stands for itself: what is wrong with one does not hold up the others. All that was admitted goes to the
store in as few transactions as its size allows; each waits for the objects to be as they were read, and when somebody
else was faster everything is read, judged and compared again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from weft.api.core import Pod
from weft.api.documents import Document
from weft.api.kinds import RANK
from weft.api.problem import Problem
from weft.ctl.errors import CtlError
from weft.ctl.session import Session, check_store, read_records, read_rows
from weft.ctl.waiting import Watcher
from weft.ctl.world import admit, display_name, hosts_of, view_of
from weft.net.addresses import Network
from weft.ovsdb.database import Database, Operation
from weft.ovsdb.errors import CommitError
from weft.store.fabric import (
    Record,
    changed_columns,
    delete_operation,
    insert_operation,
    resource_row,
    unchanged_since,
    update_operation,
)
from weft.topology.rules import check_delete

ATTEMPTS = 6
OBJECTS_PER_TRANSACTION = 500
Action = Literal["created", "configured", "unchanged", "deleted", "absent"]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one object. `before` and `after` are documents without `status`, for showing differences."""

    ref: str
    shown: str
    action: Action
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

    @property
    def changed(self) -> bool:
        return self.action not in ("unchanged", "absent")


@dataclass(slots=True)
class Applied:
    """What became of all of them, and what is wrong with those that were refused."""

    results: list[Result] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class _Step:
    """One object's part of a transaction."""

    result: Result
    operations: list[Operation]


async def apply_documents(
    session: Session, documents: Sequence[Document], *, dry_run: bool = False, patience: float | None = None
) -> Applied:
    """Store what is admitted; the rest is in `problems`.

    With `patience`, in seconds, also wait until the pods that have a host are ready; those that are not are problems.
    """
    if patience is None or dry_run:
        async with session.weft() as weft:
            return await store_documents(weft, documents, session.config.services, dry_run=dry_run)
    watcher = Watcher()
    async with session.weft(on_change=watcher.feed) as weft:
        applied = await store_documents(weft, documents, session.config.services)
        stored = {result.ref for result in applied.results}
        pods = [d.resource for d in documents if isinstance(d.resource, Pod) and d.resource.spec.node_name]
        failed = await watcher.wait([pod.ref for pod in pods if pod.ref in stored], [], patience)
    applied.problems.extend(Problem(ref, "", why) for ref, why in failed.items())
    return applied


async def store_documents(
    weft: Database, documents: Sequence[Document], services: tuple[Network, ...] = (), *, dry_run: bool = False
) -> Applied:
    """The same, over a connection that is there already. `services` are CIDRs that subnets may not overlap."""
    await check_store(weft)
    for attempt in range(ATTEMPTS):
        records = await read_records(weft)
        applied = Applied()
        steps: list[_Step] = []
        hosts = hosts_of(await read_rows(weft, "Host_Status"))
        for verdict in admit(view_of(records, hosts, services), documents):
            if verdict.problems:
                applied.problems.extend(verdict.problems)
            else:
                steps.append(_put(records.get(verdict.document.resource.ref), verdict.document))
        if dry_run or await _commit(weft, steps, attempt):
            applied.results = [step.result for step in steps]
            return applied
    raise CtlError(f"somebody else keeps changing these objects: given up after {ATTEMPTS} attempts")


def _put(record: Record | None, document: Document) -> _Step:
    resource = document.resource
    ref, shown = resource.ref, display_name(resource)
    after = {
        "metadata": resource.metadata.model_dump(by_alias=True, exclude_defaults=True),
        "spec": resource.spec_document(),
    }
    if record is None:
        return _Step(Result(ref, shown, "created", None, after), [insert_operation(resource_row(resource))])
    before = _plain(record)
    columns = changed_columns(record, resource)
    if not columns:
        return _Step(Result(ref, shown, "unchanged", before, before), [])
    return _Step(
        Result(ref, shown, "configured", before, after), [unchanged_since(record), update_operation(record, columns)]
    )


def _plain(record: Record) -> dict[str, Any]:
    document = record.document()
    kept = ("name", "namespace", "labels", "annotations")
    return {
        "metadata": {key: value for key, value in document["metadata"].items() if key in kept},
        "spec": document["spec"],
    }


async def _commit(weft: Database, steps: Sequence[_Step], attempt: int) -> bool:
    """Whether all of it is in the store. What is in already by an earlier, partly successful attempt needs no step."""
    pending = [step for step in steps if step.operations]
    for start in range(0, len(pending), OBJECTS_PER_TRANSACTION):
        part = pending[start : start + OBJECTS_PER_TRANSACTION]
        try:
            await weft.commit([operation for step in part for operation in step.operations])
        except CommitError as error:
            if attempt == ATTEMPTS - 1:
                raise CtlError(str(error)) from None
            await asyncio.sleep(0.05 * 2**attempt)
            return False
    return True


async def delete_objects(
    session: Session, refs: Sequence[str], *, ignore_absent: bool, dry_run: bool = False
) -> Applied:
    """Delete objects, users before what they use."""
    async with session.weft(("Object", "Fabric")) as weft:
        return await remove_objects(weft, refs, ignore_absent=ignore_absent, dry_run=dry_run)


async def remove_objects(weft: Database, refs: Sequence[str], *, ignore_absent: bool, dry_run: bool = False) -> Applied:
    """The same, over a connection that is there already."""
    await check_store(weft)
    for attempt in range(ATTEMPTS):
        records = await read_records(weft)
        applied = Applied()
        steps = list(_removals(records, refs, ignore_absent, applied.problems))
        if dry_run or await _commit(weft, steps, attempt):
            applied.results = [step.result for step in steps]
            return applied
    raise CtlError(f"somebody else keeps changing these objects: given up after {ATTEMPTS} attempts")


def _removals(
    records: dict[str, Record], refs: Sequence[str], ignore_absent: bool, problems: list[Problem]
) -> Iterator[_Step]:
    view = view_of(records)
    known = {resource.ref: resource for resource in view.resources()}
    for ref in sorted(dict.fromkeys(refs), key=lambda ref: -RANK[ref.partition("/")[0]]):
        kind, _, name = ref.partition("/")
        shown = f"{kind.lower()}/{name}"
        record = records.get(ref)
        if record is None:
            if not ignore_absent:
                problems.append(Problem(ref, "", "does not exist"))
            yield _Step(Result(ref, shown, "absent"), [])
            continue
        resource = known.get(ref)  # None: stored, and broken; that may always go
        if resource is not None:
            if found := check_delete(view, resource):
                problems.extend(found)
                continue
            view.remove(resource)
        yield _Step(Result(ref, shown, "deleted", _plain(record), None), [delete_operation(record)])
