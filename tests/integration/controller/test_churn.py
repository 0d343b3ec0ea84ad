"""2,000 random changes against a simple model: creations, deletions, moves, and restarts of the controller.

Whenever the fabric is settled: every count is exact, no address is anybody's twice, none is lost or leaked, who waits
has to wait, and the databases have the rows that compiling all documents anew gives.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.support import churn_checks as checks
from tests.support.churn import JUDGED, NODES, Change, Churn, ref_of
from tests.support.fabric import Fabric
from weft.api.documents import parse_document
from weft.controller.main import Controller
from weft.ctl.config import Config
from weft.ctl.plan import preview
from weft.ctl.session import Session
from weft.ctl.world import resources_of, view_of
from weft.ovsdb.database import Operation
from weft.service import Remote
from weft.store.fabric import (
    Record,
    changed_columns,
    delete_operation,
    insert_operation,
    resource_row,
    update_operation,
)
from weft.topology.engine import Engine
from weft.topology.rules import check_delete, check_put
from weft.topology.view import Host

STEPS = 2000
SEED = int(os.environ.get("WEFT_CHURN_SEED", "4"))


class _Life:
    """The fabric, its users and its controller."""

    def __init__(self, made: Fabric, stack: AsyncExitStack, seed: int) -> None:
        self.made = made
        self.churn = Churn(seed)
        self.controller: Controller
        self._stack = stack
        self._kept: dict[str, str] = {}

    async def begin(self) -> None:
        for node in NODES:
            await self.made.add_host(node)
        await self.restart()
        await self._store([("put", document) for document in self.churn.first()])

    async def restart(self) -> None:
        """Stopped wherever it is, and another one started."""
        await self._stack.aclose()
        self.controller = await self._stack.enter_async_context(self.made.controller(settled=False))

    async def step(self) -> None:
        changes = self.churn.propose()
        if any(document["kind"] in JUDGED for _, document in changes):
            await self.made.settled(self.controller)
            if not await self._is_allowed(changes):
                return
        await self._store(changes)
        self.churn.accept(changes)

    async def _is_allowed(self, changes: list[Change]) -> bool:
        view = view_of(await self.made.records())
        for verb, document in changes:
            resource = parse_document(document)
            if check_put(view, resource) if verb == "put" else check_delete(view, resource):
                return False
        return True

    async def _store(self, changes: list[Change]) -> None:
        records = await self.made.records()
        for verb, document in changes:
            record = records.pop(ref_of(document), None)
            if operations := _operations(verb, document, record):
                await self.made.client.commit(operations)

    async def check(self) -> None:
        await self.made.settled(self.controller)
        records = await self.made.records()
        objects: dict[str, Any] = {ref: record.document() for ref, record in records.items()}
        assert {ref for ref in objects if not ref.startswith("IP/")} >= self.churn.documents.keys()
        checks.check_addresses(objects)
        checks.check_owners(objects)
        checks.check_counts(objects)
        checks.check_pods(objects)
        self._check_kept(checks.kept(objects))
        _check_statuses(records, objects)
        await self._check_rows()

    def _check_kept(self, now: dict[str, str]) -> None:
        """The pods of a StatefulSet that was left alone have the addresses that they had."""
        for name, address in self._kept.items():
            if name.rpartition("-")[0] not in self.churn.disturbed:
                assert now.get(name) == address, name
        self._kept = now
        self.churn.disturbed.clear()

    async def _check_rows(self) -> None:
        config = Config(Remote(self.made.ovn.weft), Remote(self.made.ovn.northbound))
        result = await preview(Session(config))
        assert not result.reservations, "somebody waits who need not"
        assert not result.releases
        assert not result.changes
        assert not result.problems


def _check_statuses(records: dict[str, Record], objects: dict[str, Any]) -> None:
    """What is said of each object is what a controller would say that has just read them all."""
    engine = Engine()
    for item in [*resources_of(records), *(Host(node, ready=True) for node in NODES)]:
        engine.put(item)
    engine.reserve(engine.take_dirty())
    for ref, document in objects.items():
        if (status := engine.status(ref)) is not None:
            said, expected = _timeless(document["status"]), _timeless(status)
            assert said == expected or _still_true(said, expected), f"{ref}: {said} is not {expected}"


def _still_true(said: dict[str, Any], expected: dict[str, Any]) -> bool:
    """A pod that waits says what it lacked when it was last tried. It may lack more since; what it says has to hold."""
    ours, theirs = said["conditions"][0], expected["conditions"][0]
    if (ours["reason"], theirs["reason"]) != ("NoAddressAvailable", "NoAddressAvailable"):
        return False
    return _lacks(ours["message"]) <= _lacks(theirs["message"])


def _lacks(message: str) -> set[str]:
    return set(message.partition(";")[0].partition(": ")[2].split(" and "))


def _timeless(status: dict[str, Any]) -> dict[str, Any]:
    words = ("type", "status", "reason", "message")
    return {**status, "conditions": [{word: item.get(word, "") for word in words} for item in status["conditions"]]}


def _operations(verb: str, document: dict[str, Any], record: Record | None) -> list[Operation]:
    if verb == "delete":
        return [delete_operation(record)] if record else []
    resource = parse_document(document)
    if record is None:
        return [insert_operation(resource_row(resource))]
    columns = changed_columns(record, resource)
    return [update_operation(record, columns)] if columns else []


@pytest.mark.slow
async def test_2000_changes(made: Fabric) -> None:
    print(f"WEFT_CHURN_SEED={SEED}")
    async with AsyncExitStack() as stack:
        life = _Life(made, stack, SEED)
        await life.begin()
        for number in range(1, STEPS + 1):
            await life.step()
            if life.churn.random.random() < 0.3:
                await asyncio.sleep(0.002)
            if number % 100 == 0:
                await life.restart()
            if number % 50 == 0:
                await life.check()
