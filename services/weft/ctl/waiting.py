"""Waiting for endpoints, by the replica's events: nothing is polled.

An endpoint is there when its Pod is Ready: OVN has bound its port on its host. It is gone when its address is free
again.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from weft.ctl.host_advice import concerns
from weft.ctl.printing import duration
from weft.ctl.status import STALE_AFTER
from weft.ovsdb.database import RowChange
from weft.store.fabric import to_record

GRACE = 2.0
"""Seconds for which a refused address may be the controller's answer to an earlier state of things."""


class Watcher:
    """Follows objects, hosts and the fabric's row. `feed` is the database's `on_change`."""

    def __init__(self) -> None:
        self.statuses: dict[str, Mapping[str, Any]] = {}
        self.nodes: dict[str, str] = {}
        self.addresses: set[str] = set()
        self.hosts: dict[str, Mapping[str, Any]] = {}
        self.fabric: Mapping[str, Any] = {}
        self._changed = asyncio.Event()

    def feed(self, changes: list[RowChange]) -> None:
        for change in changes:
            if not change.row:
                continue
            match change.table:
                case "Object":
                    self._feed_object(change)
                case "Host_Status":
                    self.hosts[change.row["name"]] = change.row
                case "Fabric":
                    self.fabric = change.row
        self._changed.set()

    def _feed_object(self, change: RowChange) -> None:
        record = to_record(change.uuid, change.row)
        gone = change.op == "delete"
        if record.kind == "IP":
            (self.addresses.discard if gone else self.addresses.add)(record.name)
        elif record.kind == "Pod":
            if gone:
                self.statuses.pop(record.ref, None)
                return
            self.statuses[record.ref] = json.loads(record.status) if record.status else {}
            self.nodes[record.ref] = json.loads(record.spec or "{}").get("nodeName", "")

    async def wait(self, ready: Iterable[str], gone: Iterable[str], patience: float) -> dict[str, str]:
        """Until these pods are ready and the addresses of these ports are free. Pod -> why not."""
        started = time.monotonic()
        while True:
            self._changed.clear()
            elapsed = time.monotonic() - started
            waiting = [ref for ref in ready if not self._is_ready(ref)]
            hopeless = [ref for ref in waiting if self._refusal(ref)]
            leaving = [port for port in gone if port in self.addresses]
            if not waiting and not leaving:
                return {}
            decided = elapsed >= GRACE and len(hopeless) == len(waiting) and not leaving
            if elapsed >= patience or decided:
                return {ref: self._why(ref, elapsed) for ref in waiting} | dict(_still(leaving, elapsed))
            left = min(patience - elapsed, GRACE - elapsed if hopeless and elapsed < GRACE else patience)
            try:
                async with asyncio.timeout(left + 0.01):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _conditions(self, ref: str) -> dict[str, Mapping[str, Any]]:
        return {condition["type"]: condition for condition in self.statuses.get(ref, {}).get("conditions", ())}

    def _is_ready(self, ref: str) -> bool:
        return bool(self._conditions(ref).get("Ready", {}).get("status") == "True")

    def _refusal(self, ref: str) -> str:
        allocated = self._conditions(ref).get("Allocated", {})
        return f"{allocated['reason']}: {allocated['message']}" if allocated.get("status") == "False" else ""

    def _why(self, ref: str, elapsed: float) -> str:
        if refusal := self._refusal(ref):
            return f"no address: {refusal}"
        after = f"not ready after {duration(elapsed)}"
        condition = self._conditions(ref).get("Ready")
        if condition is None:
            return f"{after}: {self._controller_problem()}"
        return f"{after}: {condition['message'] or condition['reason']}{self._host_problem(ref)}"

    def why_not_moved(self, ref: str, place: str) -> str:
        """In words: `place` is where its port is instead."""
        why = self._controller_problem() if self.fabric.get("paused") else f"{place}{self._host_problem(ref)}"
        return f"not moved in time: {why}"

    def _controller_problem(self) -> str:
        if self.fabric.get("paused"):
            return "the fabric is paused (weftctl resume)"
        leader = self.fabric.get("leader")
        return f"the controller has not looked at it (last leader: {leader or 'none'}; see weftctl status)"

    def _host_problem(self, ref: str) -> str:
        name = self.nodes.get(ref, "")
        row = self.hosts.get(name)
        if row is None:
            known = ", ".join(sorted(self.hosts)) or "none"
            return f"; host {name} has never reported: is that its name, does weft-agent run there? known are: {known}"
        silent = time.time() - row["last_seen"]
        namespace, _, pod = ref.removeprefix("Pod/").partition("/")
        problem = row["problems"].get(f"port/{pod}.{namespace}")
        if problem:
            return f"; host {name} says: {problem}"
        if silent > STALE_AFTER:
            return f"; host {name} has been silent for {duration(silent)}: does weft-agent run there?"
        found = sorted((key, text) for key, text in row["problems"].items() if concerns(key, f"{pod}.{namespace}"))
        others = "; ".join(f"{key}: {text}" for key, text in found)
        if not row["ready"]:
            return f"; host {name} is not ready: {others or 'see weftctl node ' + name}"
        return f"; host {name} has problems: {others}" if others else ""


def _still(ports: Iterable[str], elapsed: float) -> Iterable[tuple[str, str]]:
    for port in ports:
        name, _, namespace = port.rpartition(".")
        yield f"Pod/{namespace}/{name}", f"its address is still reserved after {duration(elapsed)}"
