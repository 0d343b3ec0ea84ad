"""A list of 1,000 objects by one task: `module_1000_create`, `module_1000_unchanged`, `module_1000_delete`.

The ceiling is a tight client that does the same requests, many at a time, without Ansible. Beside it, in the same run
and with the same objects: `kubernetes.core.k8s` with one list of definitions, and kubectl. `parts` has the seconds of
each, the seconds of our task for 100 objects, and Ansible's own for a task that does nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.bench.bench_admission import cluster
from tests.bench.record import Record
from tests.support.kubernetes import KubeSandbox, find_programs
from tests.support.ovn import ROOT
from weft.api.kinds import KINDS
from weft.store.kube_api import KubeApi, list_path

COUNT = 1000
STEPS = ("create", "unchanged", "delete")
NAMES = tuple(f"module_1000_{step}" for step in STEPS)
IN_FLIGHT = 32
VIPS = list_path(KINDS["Vip"].INFO)


def _items(count: int) -> list[dict[str, Any]]:
    return [{"name": f"v{n}", "subnet": "ovn-default", "v4ip": f"10.16.{n // 250}.{n % 250 + 2}"} for n in range(count)]


def _document(item: dict[str, Any]) -> dict[str, Any]:
    spec = {"subnet": item["subnet"], "v4ip": item["v4ip"]}
    return {"apiVersion": "kubeovn.io/v1", "kind": "Vip", "metadata": {"name": item["name"]}, "spec": spec}


class Tasks:
    """Runs one task by ansible-playbook, as a user does."""

    def __init__(self, kube: KubeSandbox, folder: Path) -> None:
        self._kubeconfig = str(kube.kubeconfig())
        self._folder = folder

    def run(self, module: str, **options: Any) -> float:
        if module != "ansible.builtin.ping":
            options["kubeconfig"] = self._kubeconfig
        play = {"hosts": "localhost", "gather_facts": False, "tasks": [{"name": "The list", module: options}]}
        path = self._folder / "play.yml"
        path.write_text(yaml.dump([play], Dumper=yaml.CSafeDumper))
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            "localhost,",
            "-c",
            "local",
            str(path),
        ]
        extra = json.dumps({"ansible_python_interpreter": sys.executable})
        return _seconds([*command, "-e", extra])


def _seconds(command: list[str]) -> float:
    started = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return time.monotonic() - started


async def _tight(api: KubeApi) -> dict[str, float]:
    """Seconds of the requests alone."""
    items = _items(COUNT)

    async def many(request: Callable[[dict[str, Any]], Any]) -> float:
        started, waiting = time.monotonic(), iter(items)

        async def worker() -> None:
            for item in waiting:
                await request(item)

        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
        return time.monotonic() - started

    seconds = {"create": await many(lambda item: api.create(VIPS, _document(item)))}
    started = time.monotonic()
    await api.get(f"{VIPS}?limit=500")
    seconds["unchanged"] = time.monotonic() - started
    seconds["delete"] = await many(lambda item: api.delete(f"{VIPS}/{item['name']}"))
    return seconds


def _ours(tasks: Tasks, count: int) -> dict[str, float]:
    items = _items(count)
    return {
        "create": tasks.run("weft.ovn.vips", config=items),
        "unchanged": tasks.run("weft.ovn.vips", config=items),
        "delete": tasks.run("weft.ovn.vips", config=items, state="deleted"),
    }


def _core(tasks: Tasks) -> dict[str, float]:
    documents = [_document(item) for item in _items(COUNT)]
    return {
        "create": tasks.run("kubernetes.core.k8s", definition=documents),
        "unchanged": tasks.run("kubernetes.core.k8s", definition=documents),
        "delete": tasks.run("kubernetes.core.k8s", definition=documents, state="absent"),
    }


def _kubectl(kube: KubeSandbox, folder: Path) -> dict[str, float]:
    path, programs = folder / "list.json", find_programs()
    assert programs is not None
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [_document(i) for i in _items(COUNT)]}))

    def call(verb: str) -> float:
        return _seconds([str(programs / "kubectl"), f"--kubeconfig={kube.kubeconfig()}", verb, f"--filename={path}"])

    return {"create": call("apply"), "unchanged": call("apply"), "delete": call("delete")}


async def run(names: list[str]) -> list[Record]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        async with cluster() as (kube, api):
            ceiling = await _tight(api)
            tasks = Tasks(kube, folder)
            nothing = await asyncio.to_thread(tasks.run, "ansible.builtin.ping")
            small = await asyncio.to_thread(_ours, tasks, COUNT // 10)
            ours = await asyncio.to_thread(_ours, tasks, COUNT)
            core = await asyncio.to_thread(_core, tasks)
            kubectl = await asyncio.to_thread(_kubectl, kube, folder)
    records = []
    for step in STEPS:
        parts = {
            "core_k8s": core[step],
            "core_k8s_to_ours": core[step] / ours[step],
            "kubectl": kubectl[step],
            "of_100": small[step],
            "empty_task": nothing,
        }
        records.append(Record(f"module_1000_{step}", ours[step], "s", ceiling[step], ceiling[step] / ours[step], parts))
    return [record for record in records if record.name in names]
