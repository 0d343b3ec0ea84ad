"""`site_unchanged`: site.yml again on a finished lab. It may change nothing; how long it takes is the figure."""

from __future__ import annotations

import asyncio
import re
import time

from tests.bench.record import Record
from tests.support.ovn import ROOT

NAMES = ("site_unchanged",)


async def run(names: list[str]) -> list[Record]:
    """Needs the lab (`make lab`). The first run brings it to its finished state, the second is measured."""
    await _site()
    started = time.monotonic()
    recap = await _site()
    seconds = time.monotonic() - started
    changed = sum(int(count) for count in re.findall(r"changed=(\d+)", recap))
    ok = sum(int(count) for count in re.findall(r"ok=(\d+)", recap))
    parts = {"changed": float(changed), "task_results": float(ok), "hosts": float(len(re.findall(r"changed=", recap)))}
    return [Record("site_unchanged", seconds, "s", parts=parts)]


async def _site() -> str:
    process = await asyncio.create_subprocess_exec(
        "ansible-playbook", "playbooks/site.yml", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"site.yml failed:\n{output.decode()[-4000:]}")
    return output.decode()
