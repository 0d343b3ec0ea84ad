"""Two workloads that speak all the time, and how much of it is lost while a playbook runs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import CHECKOUT, Lab
from tests.support.pings import Pings, Way
from tests.support.play import Play, play

NAMESPACE = "operations"
INTERVAL = 0.05
BACKUPS = CHECKOUT / "build" / "backups"


@dataclass(frozen=True)
class Pair:
    """A workload on lab1, and one on lab2 that it pings."""

    lab: Lab
    netns: str
    address: str

    @property
    def way(self) -> Way:
        return Way(self.lab["lab1"], self.netns, self.address)

    @contextmanager
    def traffic(self, most: int) -> Iterator[None]:
        """Pings for as long as the block lasts, of which `most` may be lost; the loss is printed."""
        began = time.monotonic()
        with Pings(self.way, INTERVAL) as pings:
            yield
        name = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition("::")[2].partition(" ")[0]
        print(f"{name}: {self.address}: {pings.loss}, {time.monotonic() - began:.0f} s")
        assert pings.loss.lost <= most, pings.loss


def rows(lab: Lab, database: str, table: str) -> str:
    """A table as the first member has it, in JSON."""
    socket = {"Weft": "weft_db", "OVN_Northbound": "ovnnb_db", "OVN_Southbound": "ovnsb_db"}[database]
    request = json.dumps([database, {"op": "select", "table": table, "where": []}])
    return lab["lab1"].run(["ovsdb-client", "transact", f"unix:/run/ovn/{socket}.sock", request]).stdout


def newest(pattern: str = "weft-*Z.tar.gz") -> Path:
    """The latest archive, as a restore without a name takes it."""
    return max(BACKUPS.glob(pattern))


def operation(name: str, *arguments: str, **options: Any) -> Play:
    """Run a playbook as an operator does; options without the role's prefix."""
    variables = {f"operation_{key}": value for key, value in options.items()}
    environment = {"WEFT_BACKUPS": str(BACKUPS)}
    return play(f"playbooks/{name}.yml", *arguments, variables=variables, environment=environment, timeout=1200)


def killed(name: str, at: str, *, inventory: Path | None = None, **options: Any) -> str:
    """Run a playbook and kill it (SIGKILL) when it prints the task `at`; what it had printed."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), f"playbooks/{name}.yml"]
    command += ["--extra-vars", json.dumps({f"operation_{key}": value for key, value in options.items()})]
    command += ["--inventory", str(inventory)] if inventory else []
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "PYTHONUNBUFFERED": "1", "WEFT_BACKUPS": str(BACKUPS)}
    running = subprocess.Popen(
        command, cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    printed = []
    assert running.stdout is not None
    for line in running.stdout:
        printed.append(line)
        if line.startswith("TASK") and at in line:
            os.killpg(running.pid, signal.SIGKILL)
            break
    else:
        pytest.fail(f"{name} never came to {at!r}:\n{''.join(printed)[-3000:]}")
    running.communicate()
    return "".join(printed)


def status(lab: Lab) -> str:
    """What `weftctl status` says, without what changes by itself: times, indices, roles, epochs, reservations."""
    text = lab["lab1"].run(["weftctl", "status"]).stdout
    lines = [line for line in text.splitlines() if not line.startswith(("objects", "OVN_", "Weft "))]
    return re.sub(r"\d+s ago|epoch \d+|leader \S+", "", re.sub(r" +", " ", "\n".join(lines)))


def endpoints(lab: Lab) -> dict[str, tuple[str, str, bool]]:
    """Host, addresses and readiness of all workloads."""
    found = json.loads(lab["lab1"].run(["weftctl", "endpoint", "list", "-o", "json"]).stdout)
    return {
        f"{item['namespace']}/{item['name']}": (item["host"], ",".join(item["addresses"]), bool(item["ready"]))
        for item in found
    }


def well(lab: Lab) -> bool:
    """The fabric is well, with three members in each cluster, and nothing differs from what objects ask for."""
    said = lab["lab1"].run(["weftctl", "status", "--exit-code"], check=False)
    plan = lab["lab1"].run(["weftctl", "plan", "--exit-code"], check=False)
    return said.ok and plan.ok and said.stdout.count("leader") >= 4 and "no answer" not in said.stdout


@pytest.fixture(scope="session")
def pair(lab: Lab) -> Iterator[Pair]:
    namespace = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}\n"
    lab["lab1"].run(["weftctl", "apply", "-f", "-"], stdin=namespace)
    for name, host in (("one", "lab1"), ("two", "lab2")):
        lab["lab1"].run(["weftctl", "endpoint", "add", name, "--host", host, "--namespace", NAMESPACE])
    document = json.loads(lab["lab1"].run(["weftctl", "get", "pod", "two", "-n", NAMESPACE, "-o", "json"]).stdout)
    yield Pair(lab, f"one.{NAMESPACE}", document["status"]["podIP"])
    lab["lab1"].run(["weftctl", "endpoint", "delete", "-n", NAMESPACE, "one", "two"])
    lab["lab1"].run(["weftctl", "delete", "namespace", NAMESPACE])


def pods_of(lab: Lab, host: str) -> list[dict[str, Any]]:
    """What the documents of the host's workloads say, other than of these tests."""
    items = json.loads(lab["lab1"].run(["weftctl", "get", "pods", "-A", "-o", "json"]).stdout)["items"]
    return [
        item for item in items if item["spec"].get("nodeName") == host and item["metadata"]["namespace"] != NAMESPACE
    ]


@pytest.fixture(scope="module")
def kept(lab: Lab) -> Iterator[None]:
    """Workloads of others on the host that is drained have their addresses again after this module's tests."""
    documents = json.dumps({"apiVersion": "v1", "kind": "List", "items": pods_of(lab, "lab3")})
    yield
    lab["lab1"].run(["weftctl", "apply", "-f", "-"], stdin=documents)
    lab["lab1"].run(["weftctl", "endpoint", "wait"], timeout=90)


@pytest.fixture
def healthy(lab: Lab, eventually: Callable[..., None]) -> Iterator[Lab]:
    """The lab, well before the test and after it."""
    eventually(lambda: well(lab), within=60, what="the fabric is well before the operation")
    yield lab
    eventually(lambda: well(lab), within=60, what="the fabric is well after the operation")
