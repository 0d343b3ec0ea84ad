"""A list of 1,000 objects by one task: `module_1000_create`, `module_1000_unchanged`, `module_1000_delete`.

The ceiling is a tight client that does the same requests, many at a time, without Ansible. Everything is measured once,
one after the other, with the same objects at the same API. `parts` has seconds:

- `core_k8s`, `kubectl`: the same list by one task of `kubernetes.core.k8s`, and by one call of kubectl. That deletes
  five objects a second, by a limit of its own, so that it is given a tenth of them: `kubectl_of_100`.
- `core_k8s_loop_of_10`: one object an item, as lists are mostly written for that module.
- `of_100`: our task for a tenth of the list, and so how it grows.
- `empty_task`, `without_requests`: Ansible's own for a task that does nothing, and for the same list when nobody is
  asked.

`core_k8s_to_ours_net` is the ratio without the empty task. `rss_mb` is the most memory that the module's process had.
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
FEW = COUNT // 10
LOOP = 10
STEPS = ("create", "unchanged", "delete")
NAMES = tuple(f"module_1000_{step}" for step in STEPS)
IN_FLIGHT = 32
VIPS = list_path(KINDS["Vip"].INFO)
Seconds = dict[str, float]
"""Of each step."""


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

    def run(self, module: str, loop: list[Any] | None = None, **options: Any) -> float:
        if module != "ansible.builtin.ping":
            options["kubeconfig"] = self._kubeconfig
        task = {"name": "The list", module: options} | ({} if loop is None else {"loop": loop})
        path = self._folder / "play.yml"
        play = {"hosts": "localhost", "gather_facts": False, "tasks": [task]}
        path.write_text(yaml.dump([play], Dumper=yaml.CSafeDumper))
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        extra = json.dumps({"ansible_python_interpreter": sys.executable})
        return _seconds([program, "-i", "localhost,", "-c", "local", "-e", extra, str(path)])


def _seconds(command: list[str]) -> float:
    started = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return time.monotonic() - started


async def _tight(api: KubeApi) -> Seconds:
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


def _ours(tasks: Tasks, count: int) -> Seconds:
    items = _items(count)
    return {
        "create": tasks.run("weft.ovn.vips", config=items),
        "unchanged": tasks.run("weft.ovn.vips", config=items),
        "delete": tasks.run("weft.ovn.vips", config=items, state="deleted"),
    }


def _core(tasks: Tasks, definition: Any, loop: list[Any] | None = None) -> Seconds:
    return {
        "create": tasks.run("kubernetes.core.k8s", loop, definition=definition),
        "unchanged": tasks.run("kubernetes.core.k8s", loop, definition=definition),
        "delete": tasks.run("kubernetes.core.k8s", loop, definition=definition, state="absent"),
    }


def _kubectl(kube: KubeSandbox, folder: Path, count: int) -> Seconds:
    path, programs = folder / "list.json", find_programs()
    assert programs is not None
    documents = [_document(item) for item in _items(count)]
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}))

    def call(verb: str) -> float:
        return _seconds([str(programs / "kubectl"), f"--kubeconfig={kube.kubeconfig()}", verb, f"--filename={path}"])

    found = {"create": call("apply"), "unchanged": call("apply")}
    return found if count > FEW else {**found, "delete": call("delete")}


MEMORY = r"""
import contextlib, importlib, io, re, sys
from pathlib import Path
from ansible.module_utils import basic
from tests.support.collection import alias
alias()
basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = sys.stdin.buffer.read(), "legacy"
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    importlib.import_module("plugins.modules.vips").main()
# getrusage would tell of the process that started this one, too.
print(int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
"""


def _memory(kube: KubeSandbox, count: int) -> Seconds:
    """Megabytes of the module's process, by step."""
    steps: tuple[tuple[str, dict[str, Any]], ...] = (
        ("create", {}),
        ("unchanged", {}),
        ("delete", {"state": "deleted"}),
    )
    found = {}
    for step, options in steps:
        arguments = {"config": _items(count), "kubeconfig": str(kube.kubeconfig()), **options}
        given = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
        done = subprocess.run([sys.executable, "-c", MEMORY], cwd=ROOT, input=given, capture_output=True, check=True)
        found[step] = float(done.stdout)
    return found


def _measured(kube: KubeSandbox, folder: Path) -> dict[str, Seconds]:
    """By whom and step, in the names of `parts`."""
    tasks = Tasks(kube, folder)
    documents = [_document(item) for item in _items(COUNT)]
    empty = tasks.run("ansible.builtin.ping")
    alone = tasks.run("weft.ovn.vips", config=_items(COUNT), state="rendered")
    found = {
        "ours": _ours(tasks, COUNT),
        "core_k8s": _core(tasks, documents),
        f"core_k8s_loop_of_{LOOP}": _core(tasks, "{{ item }}", documents[:LOOP]),
        f"of_{FEW}": _ours(tasks, FEW),
        "empty_task": dict.fromkeys(STEPS, empty),
        "without_requests": dict.fromkeys(STEPS, alone),
        "rss_mb": _memory(kube, COUNT),
        f"rss_mb_of_{FEW}": _memory(kube, FEW),
        f"kubectl_of_{FEW}": _kubectl(kube, folder, FEW),
    }
    # Last, since it leaves its objects.
    return {**found, "kubectl": _kubectl(kube, folder, COUNT)}


async def run(names: list[str]) -> list[Record]:
    with tempfile.TemporaryDirectory() as scratch:
        async with cluster() as (kube, api):
            ceiling = await _tight(api)
            found = await asyncio.to_thread(_measured, kube, Path(scratch))
    return [_record(step, found, ceiling[step]) for step in STEPS if f"module_1000_{step}" in names]


def _record(step: str, found: dict[str, Seconds], ceiling: float) -> Record:
    parts = {name: figures[step] for name, figures in found.items() if step in figures}
    ours, core, empty = parts.pop("ours"), parts["core_k8s"], parts["empty_task"]
    ratios = {"core_k8s_to_ours": core / ours, "core_k8s_to_ours_net": (core - empty) / (ours - empty)}
    return Record(f"module_1000_{step}", ours, "s", ceiling, ceiling / ours, ratios | parts)
