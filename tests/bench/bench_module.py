"""A list of 1,000 objects by one task: `module_1000_create`, `module_1000_unchanged`, `module_1000_delete`.

The ceiling is a tight client that does the same requests, many at a time, without Ansible. Beside it, in the same run
and with the same objects: `kubernetes.core.k8s` with one list of definitions, and kubectl. `parts` has the seconds of
each, the seconds of our task for 100 objects, and Ansible's own for a task that does nothing (`empty_task`) and for the
same list without any request (`without_requests`); `core_k8s_to_ours_net` is the ratio without the empty task. All of
it is measured `ROUNDS` times, one after the other, and the best of each counts, since other work of the machine only
adds. `rss_mb` is the most memory that the module's process had.
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
ROUNDS = 2
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


MEMORY = """
import contextlib, importlib, io, resource, sys
from ansible.module_utils import basic
from tests.support.collection import alias
alias()
basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = sys.stdin.buffer.read(), "legacy"
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    importlib.import_module("plugins.modules.vips").main()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
"""


def _memory(kube: KubeSandbox, **options: Any) -> float:
    """Megabytes of the module's process."""
    arguments = {"ANSIBLE_MODULE_ARGS": {"config": _items(COUNT), "kubeconfig": str(kube.kubeconfig()), **options}}
    command = [sys.executable, "-c", MEMORY]
    done = subprocess.run(command, cwd=ROOT, input=json.dumps(arguments).encode(), capture_output=True, check=True)
    return float(done.stdout)


def _least(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {step: min(seconds[step] for seconds in rounds) for step in rounds[0]}


def _round(kube: KubeSandbox, folder: Path, tasks: Tasks) -> dict[str, dict[str, float]]:
    """Everything once: by whom and step, seconds."""
    alone = {
        "empty_task": tasks.run("ansible.builtin.ping"),
        "without_requests": tasks.run("weft.ovn.vips", config=_items(COUNT), state="rendered"),
    }
    return {
        "alone": alone,
        "small": _ours(tasks, COUNT // 10),
        "ours": _ours(tasks, COUNT),
        "core": _core(tasks),
        "kubectl": _kubectl(kube, folder),
    }


async def run(names: list[str]) -> list[Record]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        async with cluster() as (kube, api):
            tasks = Tasks(kube, folder)
            ceilings, rounds = [], []
            for _ in range(ROUNDS):
                ceilings.append(await _tight(api))
                rounds.append(await asyncio.to_thread(_round, kube, folder, tasks))
            memory = {
                step: await asyncio.to_thread(_memory, kube, **options)
                for step, options in (("create", {}), ("unchanged", {}), ("delete", {"state": "deleted"}))
            }
    ceiling = _least(ceilings)
    best = {who: _least([found[who] for found in rounds]) for who in rounds[0]}
    return [_record(step, best, ceiling[step], memory[step]) for step in STEPS if f"module_1000_{step}" in names]


def _record(step: str, best: dict[str, dict[str, float]], ceiling: float, memory: float) -> Record:
    ours, core, empty = best["ours"][step], best["core"][step], best["alone"]["empty_task"]
    parts = {
        "core_k8s": core,
        "core_k8s_to_ours": core / ours,
        "core_k8s_to_ours_net": (core - empty) / (ours - empty),
        "kubectl": best["kubectl"][step],
        "of_100": best["small"][step],
        **best["alone"],
        "rss_mb": memory,
    }
    return Record(f"module_1000_{step}", ours, "s", ceiling, ceiling / ours, parts)
