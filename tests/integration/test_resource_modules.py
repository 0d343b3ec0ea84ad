"""Modules of objects at the fabric's own store, with a controller: the same words, states and refusals as at an API."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.ctl import ROOT, Weftctl
from tests.support.fabric import Fabric
from tests.support.module import run_module
from tests.support.play import play

Run = Callable[..., Any]
VPC = {"name": "shop", "namespaces": ["web"]}
SUBNETS = [{"name": f"web-{number}", "vpc": "shop", "cidr_block": f"10.9.{number}.0/24"} for number in range(20)]


@pytest.fixture
def where(made: Fabric, tmp_path: Path) -> dict[str, str]:
    """The options that lead to the store."""
    program = tmp_path / "weftctl"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT}/services exec {sys.executable} -m weft.ctl.main "$@"\n')
    program.chmod(0o755)
    return {"store": "fabric", "weftctl": str(program), "weftctl_config": str(Weftctl(made.ovn).config)}


@pytest.fixture
def module(where: dict[str, str]) -> Run:
    async def run(name: str, **options: Any) -> dict[str, Any]:
        return await asyncio.to_thread(partial(run_module, name, **where, **options))

    return run


async def test_a_vpc_with_subnets_comes_and_goes(made: Fabric, module: Run) -> None:
    async with made.controller() as controller:
        before = await made.content()
        assert (await module("vpcs", config=[VPC], wait=True))["changed"]
        checked = await module("subnets", check=True, config=SUBNETS)
        assert [change["action"] for change in checked["changes"]] == ["created"] * 20
        assert not [row for row in await made.rows("Logical_Switch") if row["name"].startswith("web-")]
        assert len((await module("subnets", config=SUBNETS, wait=True))["changes"]) == 20
        await made.settled(controller)
        assert len([row for row in await made.rows("Logical_Switch") if row["name"].startswith("web-")]) == 20
        for state in ("merged", "replaced", "overridden"):
            assert not (await module("subnets", config=SUBNETS, state=state))["changed"]
        gone = await module("subnets", config=SUBNETS[:1], state="overridden", wait=True)
        assert len(gone["changes"]) == 19, gone
        await module("subnets", config=SUBNETS, state="deleted", wait=True)
        assert (await module("vpcs", config=[VPC], state="deleted", wait=True))["changed"]
        await made.settled(controller)
        assert await made.content() == before


async def test_what_is_refused_is_named_and_the_others_are_made(made: Fabric, module: Run) -> None:
    async with made.controller():
        await module("vpcs", config=[VPC])
        wrong = {"name": "wrong", "vpc": "shop", "cidr_block": "10.9.1.0/25"}
        result = await module("subnets", config=[*SUBNETS[:3], wrong])
        assert result["failed"]
        assert list(result["refused"]) == ["wrong"]
        assert "10.9.1.0/24" in result["refused"]["wrong"]
        assert len(result["changes"]) == 3


async def test_a_vpc_in_use_stays(made: Fabric, module: Run) -> None:
    async with made.controller():
        await module("vpcs", config=[VPC])
        await module("subnets", config=SUBNETS[:1], wait=True)
        result = await module("vpcs", config=[VPC], state="deleted")
        assert result["failed"]
        assert result["msg"] == "Vpc: 1 of 1 changes refused: shop: is in use by 1 subnets: web-0"


async def test_a_playbook_with_defaults_for_all_of_them(made: Fabric, where: dict[str, str], tmp_path: Path) -> None:
    subnets = [{"name": "blue", "cidr_block": "10.9.0.0/24"}, {"name": "red", "cidr_block": "10.9.1.0/24"}]
    tasks = [
        {"name": "VPC", "weft.ovn.vpcs": {"config": [VPC]}},
        {"name": "Subnets", "weft.ovn.subnets": {"config": subnets}},
    ]
    site = [
        {
            "name": "Networks from a list",
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/weft.ovn.resources": where},
            "tasks": tasks,
        }
    ]
    path = tmp_path / "networks.yml"
    path.write_text(yaml.safe_dump(site, sort_keys=False))
    python = {"ansible_python_interpreter": sys.executable}
    async with made.controller():
        run = partial(asyncio.to_thread, play, path, "--inventory", "localhost,", "--connection", "local")
        checked = (await run("--check", "--diff", variables=python)).succeeded()
        assert '+        "cidr_block": "10.9.0.0/24"' in checked.text
        assert checked.changed["localhost"] == 2
        assert (await run(variables=python)).succeeded().changed["localhost"] == 2
        assert (await run(variables=python)).succeeded().changed["localhost"] == 0


async def test_documents_of_several_kinds_in_any_order(made: Fabric, module: Run) -> None:
    documents = [
        {"apiVersion": "kubeovn.io/v1", "kind": kind, "metadata": {"name": "shop"}, "spec": spec}
        for kind, spec in (("Subnet", {"vpc": "shop", "cidrBlock": "10.9.0.0/24"}), ("Vpc", {"namespaces": ["web"]}))
    ]
    async with made.controller():
        result = await module("resources", config=documents, wait=True)
        assert [change["kind"] for change in result["changes"]] == ["Vpc", "Subnet"]
        assert not (await module("resources", config=documents, state="replaced"))["changed"]
        result = await module("resources", config=documents, state="deleted", wait=True)
        assert [change["kind"] for change in result["changes"]] == ["Subnet", "Vpc"]


async def test_planned_rows_are_those_that_are_written(made: Fabric, module: Run) -> None:
    async with made.controller() as controller:
        await module("vpcs", config=[VPC], wait=True)
        before = await made.content()
        checked = await module("subnets", check=True, planned=True, config=SUBNETS[:2])
        assert await made.content() == before
        done = await module("subnets", planned=True, config=SUBNETS[:2], wait=True)
        assert done["planned"] == checked["planned"]
        await made.settled(controller)
        uuids = {str(row["_uuid"]): row["name"] for row in await made.rows("Logical_Switch")}
        switches = {c["uuid"]: c["name"] for c in done["planned"]["changes"] if c["table"] == "Logical_Switch"}
        assert switches == {uuid: name for uuid, name in uuids.items() if name.startswith("web-")}
        assert (await module("subnets", planned=True, config=SUBNETS[:2]))["planned"]["changes"] == []
        only = await module("subnets", check=True, planned=True, config=SUBNETS[2:3], state="overridden")
        switches = {(c["op"], c["name"]) for c in only["planned"]["changes"] if c["table"] == "Logical_Switch"}
        assert switches == {("delete", "web-0"), ("delete", "web-1"), ("insert", "web-2")}


async def test_planned_rows_of_kinds_that_need_each_other(made: Fabric, module: Run) -> None:
    documents = [
        {"apiVersion": "kubeovn.io/v1", "kind": kind, "metadata": {"name": "shop"}, "spec": spec}
        for kind, spec in (("Subnet", {"vpc": "shop", "cidrBlock": "10.9.0.0/24"}), ("Vpc", {"namespaces": ["web"]}))
    ]
    async with made.controller():
        result = await module("resources", planned=True, config=documents)
        assert {"Logical_Router", "Logical_Switch"} <= {change["table"] for change in result["planned"]["changes"]}
        assert result["planned"]["problems"] == []
