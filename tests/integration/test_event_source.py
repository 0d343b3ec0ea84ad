"""The event source for ansible-rulebook with a real cluster of databases: it goes on when what it listens to ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import runpy
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.ctl import ROOT
from tests.support.ctl_cluster import Cluster, Heard

SOURCE = runpy.run_path(str(ROOT / "extensions/eda/plugins/event_source/fabric.py"))


@contextlib.asynccontextmanager
async def listening(cluster: Cluster, program: Path) -> AsyncIterator[Heard]:
    """The source with a program `weftctl` of this checkout."""
    call = f"{sys.executable} -m weft.ctl.main --config {cluster.ctl.config}"
    program.write_text(f'#!/bin/sh\necho $$ >{program}.pid\nPYTHONPATH={ROOT}/services exec {call} "$@"\n')
    program.chmod(0o755)
    queue: asyncio.Queue[object] = asyncio.Queue()
    source = asyncio.create_task(SOURCE["main"](queue, {"command": [str(program)], "interval": 0.3, "hold": 0.5}))
    try:
        yield Heard(lambda: asyncio.wait_for(queue.get(), 30))
    finally:
        source.cancel()
        await asyncio.gather(source, return_exceptions=True)


async def test_a_member_that_dies(cluster: Cluster, tmp_path: Path) -> None:
    """The same is told again by whichever weftctl comes after one that died, and nothing runs on after the source."""
    program = tmp_path / "weftctl"
    victim = (await cluster.leader() + 1) % 3
    async with listening(cluster, program) as heard:
        await heard.until(type="watching")
        cluster.members[victim].kill()
        lost = {"type": "database_member_lost", "state": "began", "member": cluster.raft.remotes[victim]}
        await heard.until(**lost)
        pid = int(Path(f"{program}.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        await heard.until(**lost)
        after = int(Path(f"{program}.pid").read_text())
        assert after != pid
    while Path(f"/proc/{after}").exists():  # the test's time limit ends it
        await asyncio.sleep(0.05)


async def test_what_weftctl_refuses_ends_the_source(tmp_path: Path) -> None:
    program = tmp_path / "weftctl"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT}/services exec {sys.executable} -m weft.ctl.main "$@"\n')
    program.chmod(0o755)
    with pytest.raises(ValueError, match="interval"):
        await SOURCE["main"](asyncio.Queue(), {"command": [str(program)], "interval": 0.1})
