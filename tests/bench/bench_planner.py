"""`planner_1k`, `planner_10k`: workloads compiled, planned and committed to Northbound and Weft, northd running.

The clock starts when the controller is let go (it was paused while the workloads were stored) and stops when the last
status is in the store. Everything that the controller does in between counts: reserving addresses, both databases,
statuses. The ceiling writes the very rows that the controller wrote into a fabric of its own.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from typing import Any

from tests.bench.process import ControllerProcess, controller, environment
from tests.bench.record import Record
from tests.support.fabric import Fabric, fabric
from tests.support.ovn import ROOT
from weft.ovsdb.database import Database, RowChange

SUBNET = "apiVersion: kubeovn.io/v1\nkind: Subnet\nmetadata: {name: bench}\n"
SUBNET += "spec: {cidrBlock: 10.128.0.0/12, namespaces: [bench]}\n"
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: bench}\n"
COUNTS = {"planner_1k": 1000, "planner_10k": 10_000}
NAMES = tuple(COUNTS)


class _Watch:
    """A client that replicates the bench subnet's object only, so that watching costs nothing."""

    def __init__(self, remote: str) -> None:
        tables = {"Object": ("name", "kind", "status"), "Fabric": ("paused",)}
        self.database = Database(
            "Weft", remote, tables, conditions={"Object": [["name", "==", "bench"]]}, on_change=self._changed
        )
        self._used: int | None = None
        self._event = asyncio.Event()

    def _changed(self, changes: list[RowChange]) -> None:
        for change in changes:
            if change.row.get("kind") == "Subnet" and change.row["status"]:
                self._used = json.loads(change.row["status"]).get("v4usingIPs")
        self._event.set()

    async def until_used(self, count: int) -> None:
        """Until the subnet's status says that so many addresses are in use: it is stored with the last statuses."""
        while self._used != count:
            self._event.clear()
            await self._event.wait()

    async def pause(self, paused: bool) -> None:
        await self.database.commit([{"op": "update", "table": "Fabric", "where": [], "row": {"paused": paused}}])


async def _workloads(count: int) -> tuple[float, dict[str, float], dict[str, Any]]:
    """Seconds, parts, and the rows that were written."""
    async with fabric() as made, controller(made) as process:
        watch = _Watch(made.ovn.weft)
        await watch.database.start(10)
        for number in range(3):
            await made.add_host(f"h{number}")
        await made.apply(f"{NAMESPACE}---\n{SUBNET}")
        await watch.until_used(0)
        await watch.pause(True)
        await made.apply("---\n".join(_pod(number) for number in range(count)))
        await made.disconnect()
        await asyncio.sleep(1 + count / 2000)  # the controller reads them meanwhile; northd and the log settle
        before = _metrics(process)
        started = time.monotonic()
        await watch.pause(False)
        await watch.until_used(count)
        seconds = time.monotonic() - started
        after = _metrics(process)
        await watch.database.close()
        await made.connect()
        parts = {name: after[name] - before[name] for name in before} | {"rss_mb": after["rss_mb"]}
        return seconds, parts, await _written(made)


def _metrics(process: ControllerProcess) -> dict[str, float]:
    return {
        "transactions": process.metric("weft_controller_transactions_total"),
        "rows": process.metric("weft_controller_rows_total"),
        "cpu_seconds": process.metric("process_cpu_seconds_total"),
        "rss_mb": process.metric("process_resident_memory_bytes") / 1e6,
    }


def _pod(number: int) -> str:
    metadata, spec = f"{{name: w{number}, namespace: bench}}", f"{{nodeName: h{number % 3}}}"
    return f"apiVersion: v1\nkind: Pod\nmetadata: {metadata}\nspec: {spec}\n"


async def _written(made: Fabric) -> dict[str, Any]:
    """The rows of the workloads as the controller wrote them, for the ceiling to write again."""
    objects = await made.rows("Object")
    plain = ("kind", "namespace", "name", "uid", "generation", "metadata", "spec")
    return {
        "pods": [{name: row[name] for name in plain} for row in objects if row["kind"] == "Pod"],
        "ips": [{name: row[name] for name in plain} for row in objects if row["kind"] == "IP"],
        "statuses": [{"name": row["name"], "status": row["status"]} for row in objects if row["kind"] == "Pod"],
        "ports": [
            {name: value for name, value in row.items() if value and name != "_uuid"} for row in await made.rows("Port")
        ],
        "switch_ports": [
            {name: row[name] for name in ("name", "addresses", "options", "external_ids")}
            for row in await made.rows("Logical_Switch_Port")
            if row["name"].endswith(".bench")
        ],
    }


async def _ceiling(rows: dict[str, Any]) -> float:
    """Seconds that ovsdbapp takes for the same rows in a fabric that has the pods' objects already."""
    async with fabric() as made:
        made.ovn.nbctl("ls-add", "bench")
        for start in range(0, len(rows["pods"]), 1000):
            await made.client.commit(
                [{"op": "insert", "table": "Object", "row": row} for row in rows["pods"][start : start + 1000]]
            )
        uuids = {row["name"]: str(row["_uuid"]) for row in await made.rows("Object")}
        await made.disconnect()
        given = {**rows, "statuses": [{"uuid": uuids[row["name"]], **row} for row in rows["statuses"]]}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(given, file)
            file.flush()
            command = ("-m", "tests.bench.planner_ceiling", made.ovn.northbound, made.ovn.weft, "bench", file.name)
            process = await asyncio.create_subprocess_exec(
                sys.executable, *command, env=environment(), cwd=ROOT, stdout=asyncio.subprocess.PIPE
            )
            output, _ = await process.communicate()
        await made.connect()
        return float(output)


async def run(names: list[str]) -> list[Record]:
    records = []
    for name in names:
        count = COUNTS[name]
        seconds, parts, rows = await _workloads(count)
        ceiling = await _ceiling(rows)
        parts = {"seconds": seconds, "ceiling_seconds": ceiling, **parts}
        records.append(Record(name, count / seconds, "workloads/s", count / ceiling, ceiling / seconds, parts))
    return records
