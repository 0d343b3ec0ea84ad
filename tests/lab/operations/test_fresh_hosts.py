"""All hosts burn down: others in their place have every workload's address again, by site, restore and a backup."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.lab.conftest import CHECKOUT, LAB, Lab
from tests.lab.operations.conftest import NAMESPACE, Pair, newest, operation
from tests.support.ovn import CACHE
from tests.support.play import play

pytestmark = pytest.mark.operations
Eventually = Callable[..., None]
AUTHORITY = CACHE / (f"labs/{LAB}" if LAB else "lab") / "pki"


def workloads(lab: Lab) -> dict[str, dict[str, Any]]:
    """Where each is, and what it has."""
    found = json.loads(lab["lab1"].run(["weftctl", "endpoint", "list", "-o", "json"]).stdout)
    kept = ("host", "subnet", "addresses", "mac", "netns", "ready")
    return {f"{item['namespace']}/{item['name']}": {key: item[key] for key in kept} for item in found}


def strays() -> list[dict[str, Any]]:
    """Pairs that do not reach each other as the objects say, of all workloads and hosts."""
    command = [sys.executable, "tools/reach.py", "--no-apply", "--output", "json"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode in (0, 1), done.stderr
    tries = json.loads(done.stdout)["tries"]
    assert len(tries) > 50
    return [item for item in tries if not item["right"]]


@contextmanager
def timed(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - began:.0f} s")


@pytest.mark.parametrize("authority", ["another authority", "the restored authority"])
def test_three_fresh_hosts_have_every_workload_again(
    healthy: Lab, pair: Pair, eventually: Eventually, authority: str
) -> None:
    before = workloads(healthy)
    assert before[f"{NAMESPACE}/one"]["ready"]
    trusted = (AUTHORITY / "ca.crt").read_bytes()
    with timed("backup"):
        operation("backup", authority=True).succeeded()
    archive = newest()
    play("playbooks/lab_destroy.yml").succeeded()
    with timed("fresh hosts"):
        play("playbooks/lab_create.yml").succeeded()
    if authority == "the restored authority":
        with tarfile.open(newest("*.authority.tar.gz")) as files:
            files.extractall(AUTHORITY, filter="data")
    with timed("site"):
        play("playbooks/site.yml", timeout=1200).succeeded()
    assert workloads(healthy) == {}
    with timed("restore"):
        operation("restore").succeeded()
    with timed("all workloads ready"):
        eventually(lambda: workloads(healthy) == before, within=180, what="every workload as before")
    assert strays() == []
    assert newest() == archive, "the empty fabric that it replaced is not the latest"
    assert ((AUTHORITY / "ca.crt").read_bytes() == trusted) == (authority == "the restored authority")
