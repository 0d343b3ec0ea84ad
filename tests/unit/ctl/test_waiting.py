"""Waiting by events: rows come, and the answer changes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from weft.ctl.waiting import Watcher
from weft.ovsdb.database import RowChange

POD = "Pod/default/web"


def row(table: str, name: str, values: Mapping[str, Any], op: Any = "update") -> RowChange:
    return RowChange(table, uuid5(NAMESPACE_DNS, table + name), op, {"name": name, **values})


def object_(kind: str, name: str, *conditions: tuple[str, bool, str], op: Any = "update") -> RowChange:
    status = [
        {"type": kind, "status": str(holds), "reason": "R", "message": message} for kind, holds, message in conditions
    ]
    values = {
        "kind": kind,
        "namespace": "default" if kind == "Pod" else "",
        "uid": "",
        "generation": 1,
        "metadata": "{}",
        "spec": json.dumps({"nodeName": "h1"}),
        "status": json.dumps({"conditions": status}) if status else "",
    }
    return row("Object", name, values, op)


def host(seen: float = 0, ready: bool = True, **problems: str) -> RowChange:
    return row("Host_Status", "h1", {"last_seen": time.time() - seen, "ready": ready, "problems": problems})


async def ready(watcher: Watcher, patience: float = 0.05) -> str:
    return (await watcher.wait([POD], [], patience)).get(POD, "")


async def test_it_ends_with_the_event() -> None:
    watcher = Watcher()
    watcher.feed([object_("Pod", "web", ("Ready", False, "down"))])
    waiting = asyncio.create_task(ready(watcher, 5))
    await asyncio.sleep(0.02)
    watcher.feed([object_("Pod", "web", ("Allocated", True, ""), ("Ready", True, ""))])
    assert await asyncio.wait_for(waiting, 1) == ""


async def test_what_the_host_says_is_part_of_the_answer() -> None:
    watcher = Watcher()
    watcher.feed([object_("Pod", "web", ("Ready", False, "not bound")), host(**{"port/web.default": "no bridge"})])
    assert await ready(watcher) == "not ready after 0s: not bound; host h1 says: no bridge"


async def test_a_silent_host_is_named() -> None:
    watcher = Watcher()
    watcher.feed([object_("Pod", "web", ("Ready", False, "not bound")), host(seen=600)])
    assert "host h1 has been silent for 10m" in await ready(watcher)


async def test_other_problems_of_the_host_are_said_too() -> None:
    watcher = Watcher()
    watcher.feed([object_("Pod", "web", ("Ready", False, "not bound")), host(ovs="vswitchd is down")])
    assert "host h1 has problems: ovs: vswitchd is down" in await ready(watcher)


async def test_a_host_that_is_not_ready_is_said_to_be_so() -> None:
    watcher = Watcher()
    watcher.feed([object_("Pod", "web", ("Ready", False, "not bound")), host(ready=False)])
    assert (await ready(watcher)).endswith("; host h1 is not ready: see weftctl node h1")
    watcher.feed([host(ready=False, ovs="vswitchd is down")])
    assert (await ready(watcher)).endswith("; host h1 is not ready: ovs: vswitchd is down")


async def test_a_paused_fabric_is_said() -> None:
    watcher = Watcher()
    watcher.feed([object_("Pod", "web"), row("Fabric", "f", {"paused": True, "leader": "c1"})])
    assert "the fabric is paused" in await ready(watcher)


async def test_a_refused_address_may_be_old_news() -> None:
    """The controller's answer to an earlier state must not end the wait at once."""
    watcher = Watcher()
    watcher.feed([object_("Pod", "web", ("Allocated", False, "Subnet/x is full"))])
    waiting = asyncio.create_task(ready(watcher, 5))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    watcher.feed([object_("Pod", "web", ("Allocated", True, ""), ("Ready", True, ""))])
    assert await asyncio.wait_for(waiting, 1) == ""


async def test_gone_when_its_address_is_free() -> None:
    watcher = Watcher()
    watcher.feed([object_("IP", "web.default")])
    assert "still reserved" in (await watcher.wait([], ["web.default"], 0.05))[POD]
    watcher.feed([object_("IP", "web.default", op="delete")])
    assert await watcher.wait([], ["web.default"], 0.05) == {}
