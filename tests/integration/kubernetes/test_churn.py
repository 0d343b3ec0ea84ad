"""300 random changes at a real API server, while the controller that leads is killed and another one takes over.

Two controllers run, each in a process of its own. Whenever things have come to rest all counts are exact, no address is
anybody's twice, none is lost or leaked; at the end a third controller finds nothing left to do.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.kubernetes.test_store import Cluster, cluster, kube
from tests.support import churn_checks as checks
from tests.support.churn import JUDGED, NODES, Change, Churn, Document, ref_of
from tests.support.kubernetes import AuditWrite
from tests.support.ovn import ROOT
from weft.api.documents import parse_document
from weft.api.kinds import KINDS
from weft.store.kube_api import ApiError, KubeApi, collection_path, list_path, object_path
from weft.store.kubernetes import typed
from weft.topology.engine import Engine
from weft.topology.rules import check_delete, check_put
from weft.topology.view import Host, View

__all__ = ["cluster", "kube"]
STEPS = 300
REST = 60
"""After so many changes things are left to settle."""
SEED = int(os.environ.get("WEFT_CHURN_SEED", "4"))
WATCHED = ("Vpc", "Subnet", "Namespace", "IPPool", "Vip", "IP", "StatefulSet", "Pod")
PREFIX = "ovn.kubernetes.io/"


class _Life:
    """The cluster, its users, and its two controllers."""

    def __init__(self, where: Cluster, api: KubeApi, folder: Path) -> None:
        self.made = where.made
        self.api = api
        self.churn = Churn(SEED)
        self.folder = folder
        self.controllers: dict[str, asyncio.subprocess.Process] = {}
        self._kept: dict[str, str] = {}

    async def begin(self) -> None:
        for node in NODES:
            await self.made.add_host(node)
        for name in ("c1", "c2"):
            await self.start(name)
        await _until(lambda: self._exists("Subnet", "join"))
        for document in self.churn.first():
            await self._put(document)

    async def start(self, name: str) -> None:
        file = self.folder / f"{name}.toml"
        file.write_text(
            f'name = "{name}"\n[weft]\nremote = "{self.made.ovn.weft}"\n'
            f'[northbound]\nremote = "{self.made.ovn.northbound}"\n'
            f'[kubernetes]\nkubeconfig = "{self.made.kubeconfig}"\n[metrics]\nlisten = ""\n'
        )
        self.controllers[name] = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "weft.controller.main", "--config", str(file)),
            env={**os.environ, "PYTHONPATH": str(ROOT / "services")},
        )

    async def kill_leader(self) -> str:
        """By SIGKILL; who it was."""
        leader = str((await self.made.fabric_row())["leader"])
        await self.kill(leader)
        return leader

    async def start_again(self, name: str) -> None:
        """As soon as the other one leads: it would have its lease back otherwise."""
        async with asyncio.timeout(30):
            while (await self.made.fabric_row())["leader"] == name:
                await asyncio.sleep(0.05)
        await self.start(name)

    async def kill(self, name: str) -> None:
        process = self.controllers.pop(name)
        process.send_signal(signal.SIGKILL)
        await process.wait()

    # -- changes ------------------------------------------------------------------------------------------------------

    async def step(self) -> None:
        changes = self.churn.propose()
        if any(document["kind"] in JUDGED for _, document in changes):
            await self.settle()
            if not await self._is_allowed(changes):
                return
        for verb, document in changes:
            await (self._put(document) if verb == "put" else self._delete(document))
        self.churn.accept(changes)

    async def _is_allowed(self, changes: list[Change]) -> bool:
        view = View()
        for kind in WATCHED:
            for item in (await self.api.get(list_path(KINDS[kind].INFO)))["items"]:
                view.put(typed(KINDS[kind], item))
        for verb, document in changes:
            resource = parse_document(document)
            if check_put(view, resource) if verb == "put" else check_delete(view, resource):
                return False
        return True

    async def _put(self, document: Document) -> None:
        try:
            await self.api.create(_collection(document), document)
        except ApiError as error:
            if error.status != 409:
                raise
            await self.api.patch(_path(document), document)

    async def _delete(self, document: Document) -> None:
        await self.api.delete(f"{_path(document)}?gracePeriodSeconds=0")
        if document["kind"] in JUDGED:  # the controller has a finalizer on it
            await _until(lambda: self._is_gone(document))

    async def _exists(self, kind: str, name: str) -> bool:
        return not await self._is_gone({"kind": kind, "metadata": {"name": name}})

    async def _is_gone(self, document: Document) -> bool:
        try:
            await self.api.get(_path(document))
        except ApiError as error:
            if error.status != 404:
                raise
            return True
        return False

    # -- at rest ------------------------------------------------------------------------------------------------------

    async def objects(self) -> dict[str, Any]:
        found = {}
        for kind in WATCHED:
            for item in (await self.api.get(list_path(KINDS[kind].INFO)))["items"]:
                found[ref_of({"kind": kind, **item})] = item
        return found

    async def settle(self, seconds: float = 30) -> None:
        """Until all is as it ought to be; the API tells nobody when that is."""
        async with asyncio.timeout(seconds + 10):
            deadline = asyncio.get_running_loop().time() + seconds
            while True:
                try:
                    await self._check(await self.objects())
                except (AssertionError, KeyError):
                    if asyncio.get_running_loop().time() > deadline:
                        raise
                    await asyncio.sleep(0.2)
                else:
                    return

    async def _check(self, objects: dict[str, Any]) -> None:
        checks.check_addresses(objects)
        checks.check_owners(objects)
        checks.check_counts(objects, float)
        _check_who_waits(objects)
        await self._check_ports(objects)

    async def _check_ports(self, objects: dict[str, Any]) -> None:
        """What pods say, what is reserved, and the ports in the Northbound are the same."""
        ips, told = checks.of_kind(objects, "IP"), {}
        for name, pod in checks.of_kind(objects, "Pod").items():
            marks = pod["metadata"].get("annotations", {})
            vip = marks.get(f"{PREFIX}vip", "")
            ip = ips.get(f"vip-{vip}" if vip else name)
            assert (marks.get(f"{PREFIX}routed") == "true") == (ip is not None), name
            if ip is not None:
                assert marks[f"{PREFIX}ip_address"] == ip["spec"]["ipAddress"]
                told[name] = [" ".join([ip["spec"]["macAddress"], *ip["spec"]["ipAddress"].split(",")])]
        rows = await self.made.rows("Logical_Switch_Port")
        ports = {row["name"]: row["addresses"] for row in rows if row["external_ids"].get("pod")}
        assert ports == told

    async def check_kept(self) -> None:
        """The pods of a StatefulSet that was left alone have the addresses that they had."""
        now = checks.kept(await self.objects())
        for name, address in self._kept.items():
            if name.rpartition("-")[0] not in self.churn.disturbed:
                assert now.get(name) == address, name
        self._kept = now
        self.churn.disturbed.clear()


def _check_who_waits(objects: dict[str, Any]) -> None:
    """Those without an address could not have one: a controller that has just read all this reserves nothing."""
    engine = Engine()
    for ref, item in objects.items():
        engine.put(typed(KINDS[ref.partition("/")[0]], item))
    for node in NODES:
        engine.put(Host(node, ready=True))
    assert engine.reserve(engine.take_dirty()) == []


def _collection(document: Document) -> str:
    return collection_path(KINDS[document["kind"]].INFO, document["metadata"].get("namespace", ""))


def _path(document: Document) -> str:
    metadata = document["metadata"]
    return object_path(KINDS[document["kind"]].INFO, metadata.get("namespace", ""), metadata["name"])


async def _until(holds: Callable[[], Any], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.05)


@asynccontextmanager
async def _living(where: Cluster, folder: Path) -> AsyncIterator[_Life]:
    api = KubeApi(where.made.kubeconfig)
    await api.open()
    life = _Life(where, api, folder)
    try:
        await life.begin()
        yield life
    finally:
        for name in list(life.controllers):
            await life.kill(name)
        await api.close()


@pytest.mark.slow
async def test_300_changes_while_leaders_are_killed(cluster: Cluster, tmp_path: Path) -> None:
    print(f"WEFT_CHURN_SEED={SEED}")
    leaders = []
    async with _living(cluster, tmp_path) as life:
        for number in range(1, STEPS + 1):
            await life.step()
            if number in (80, 200):
                leaders.append(await life.kill_leader())
            if number in (90, 210):
                await life.start_again(leaders[-1])
            if number % REST == 0:
                await life.settle()
                await life.check_kept()
        for name in list(life.controllers):
            await life.kill(name)
        rows, writes = await _content(cluster), len(_written(cluster))
        async with cluster.made.controller("c3"):
            pass
        assert _written(cluster)[writes:] == [], "a new leader has nothing to say"
        assert await _content(cluster) == rows
    assert set(leaders) == {"c1", "c2"}


async def _content(where: Cluster) -> dict[str, Any]:
    """All but who leads."""
    content = await where.made.content()
    return {table: rows for table, rows in content.items() if table not in ("Fabric", "NB_Global")}


def _written(where: Cluster) -> list[AuditWrite]:
    """What was written to the API. Each leader keeps a lease, and may say again what it sees."""
    return [write for write in where.kube.audit_writes() if write.resource not in ("leases", "events")]
