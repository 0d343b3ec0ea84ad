"""Planned rows of modules whose objects are in a Kubernetes API: the databases' truth, the API's objects."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support.ctl import Weftctl
from tests.support.fabric import Fabric
from tests.support.kubernetes import KubeSandbox
from tests.support.module import run_module
from tests.support.ovn import ROOT

Run = Callable[..., Any]
SUBNET = {"name": "planned", "vpc": "planned", "cidr_block": "10.77.0.0/24"}


@pytest_asyncio.fixture
async def living(made: Fabric, kube: KubeSandbox) -> AsyncIterator[Any]:
    """A controller that has its objects from the API."""
    kube.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "roles/crds/files"))
    kube.kubectl("wait", "--for=condition=Established", "crd", "--all")
    kube.kubectl("apply", "-f", str(ROOT / "roles/controller/files/rbac.yaml"))
    made.kubeconfig = str(kube.kubeconfig())
    async with made.controller() as controller:
        yield controller


@pytest.fixture
def module(made: Fabric, kube: KubeSandbox, tmp_path: Path) -> Run:
    program = tmp_path / "weftctl"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT}/services exec {sys.executable} -m weft.ctl.main "$@"\n')
    program.chmod(0o755)
    where = {"weftctl": str(program), "weftctl_config": str(Weftctl(made.ovn).config)}

    async def run(name: str, **options: Any) -> dict[str, Any]:
        return await asyncio.to_thread(partial(run_module, name, kubeconfig=str(kube.kubeconfig()), **where, **options))

    return run


async def test_planned_rows_are_those_that_are_written(made: Fabric, living: Any, module: Run) -> None:
    assert (await module("vpcs", config=[{"name": "planned"}], wait=True))["changed"]
    checked = await module("subnets", check=True, planned=True, config=[SUBNET])
    assert not [row for row in await made.rows("Logical_Switch") if row["name"] == "planned"]
    done = await module("subnets", planned=True, config=[SUBNET], wait=True)
    assert done["planned"] == checked["planned"]
    assert done["planned"]["problems"] == []
    assert {change["owner"] for change in done["planned"]["changes"]} <= {"Subnet/planned", "Vpc/planned"}
    (row,) = [row for row in await made.rows("Logical_Switch") if row["name"] == "planned"]
    (switch,) = [change for change in done["planned"]["changes"] if change["table"] == "Logical_Switch"]
    assert switch["uuid"] == str(row["_uuid"])
    gone = await module("subnets", planned=True, config=[{"name": "planned"}], state="deleted", wait=True)
    assert ("delete", "Logical_Switch", "planned") in {
        (change["op"], change["table"], change["name"]) for change in gone["planned"]["changes"]
    }
    assert (await module("vpcs", config=[{"name": "planned"}], state="deleted", wait=True))["changed"]


async def test_weftctl_says_that_it_does_not_know_the_objects(made: Fabric, living: Any) -> None:
    said = await Weftctl(made.ovn)("plan")
    assert (said.code, said.err.strip()) == (1, "error: objects are kept in Kubernetes: give all of them by --given")
