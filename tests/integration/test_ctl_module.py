"""Module weft.ovn.endpoint, run by Ansible on this machine, against a real store and controller."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.ctl import ROOT, Weftctl
from tests.support.fabric import Fabric


class Module:
    """Runs one task; gives its result."""

    def __init__(self, made: Fabric, folder: Path) -> None:
        self.folder = folder
        program = folder / "weftctl"
        program.write_text(
            f'#!/bin/sh\nPYTHONPATH={ROOT}/services exec {sys.executable} -m weft.ctl.main "$@"\n', encoding="utf-8"
        )
        program.chmod(0o755)
        self.where = {"weftctl": str(program), "weftctl_config": str(Weftctl(made.ovn).config)}

    async def __call__(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        arguments = json.dumps({**self.where, "wait": False, **options})
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).parent / "ansible"),
            *("localhost", "-i", "localhost,", "-c", "local", "-m", "weft.ovn.endpoint", "-a", arguments),
            *(["--check"] if check else []),
            *("--tree", str(self.folder / "tree")),
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_PYTHON_INTERPRETER": sys.executable},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        result = self.folder / "tree/localhost"
        assert result.exists(), out.decode()
        return dict(json.loads(result.read_text()))


@pytest.fixture
def module(made: Fabric, tmp_path: Path) -> Module:
    return Module(made, tmp_path)


ENDPOINTS = [{"name": f"e{number}", "host": "lab1"} for number in range(12)]


async def test_check_then_make_then_nothing_then_remove(made: Fabric, module: Module) -> None:
    async with made.controller() as controller:
        before = await made.content()
        checked = await module(check=True, config=ENDPOINTS)
        assert checked["changed"]
        assert [item["action"] for item in checked["endpoints"]] == ["created"] * 12
        assert await made.content() == before

        assert (await module(config=ENDPOINTS))["changed"]
        await made.settled(controller)
        again = await module(config=ENDPOINTS)
        assert not again["changed"]
        assert len({item["addresses"][0] for item in again["endpoints"]}) == 12

        removed = await module(config=ENDPOINTS, state="absent", wait=True)
        assert removed["changed"]
        assert not (await module(config=ENDPOINTS, state="absent"))["changed"]
        assert not any(ref.startswith("Pod/") for ref in await made.records())


async def test_what_is_refused_fails_the_task_and_says_why(made: Fabric, module: Module) -> None:
    async with made.controller():
        result = await module(name="web", namespace="nowhere", host="lab1")
        assert result["msg"] == "nowhere/web: metadata.namespace: Namespace/nowhere does not exist"
        assert not result["changed"]


async def test_without_weftctl_it_says_where_to_run(made: Fabric, module: Module) -> None:
    result = await module(name="web", host="lab1", weftctl="/nonexistent/weftctl")
    assert "Run this task on a member of ovn_central" in result["msg"]
