"""A lab of its own with a Kubernetes API, beside the usual one: made by the operator's command, removed afterwards.

With KUBERNETES=1 the lab that LAB names has one already: it is used as it is, and left.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.lab.conftest import CHECKOUT, LAB, LOGS, NAMES, Host, Lab, make
from tests.support.play import Play, play

IS_THERE = os.environ.get("KUBERNETES") == "1"
NAME = LAB if IS_THERE else "kubernetes"
VARIABLES = {"LAB": NAME, "KUBERNETES": "1"}


@dataclass(frozen=True)
class KubeLab(Lab):
    """All hosts; the first has the API server, and kubectl with an administrator's kubeconfig."""

    def kubectl(self, *words: str, stdin: str = "", check: bool = True) -> str:
        return self["lab1"].run(["kubectl", *words], stdin=stdin, check=check).stdout

    def get(self, *words: str) -> Any:
        return json.loads(self.kubectl("get", *words, "--output", "json"))

    def leader(self) -> str:
        """The host whose controller holds the lease."""
        return str(self.get("lease", "weft-controller", "--namespace", "kube-system")["spec"]["holderIdentity"])

    def play(self, path: str, *arguments: str) -> Play:
        return play(path, *arguments, environment=VARIABLES)

    def operation(self, name: str, *arguments: str, **options: Any) -> Play:
        """Run a playbook as an operator does; options without the role's prefix."""
        variables = {f"operation_{key}": value for key, value in options.items()}
        return play(f"playbooks/{name}.yml", *arguments, variables=variables, environment=VARIABLES, timeout=1200)


def reach(*arguments: str, lab: str = LAB) -> dict[str, Any]:
    """What tools/reach.py says of a lab."""
    command = [sys.executable, "tools/reach.py", "--output", "json", *arguments]
    environment = {**os.environ, "LAB": lab}
    done = subprocess.run(
        command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="package")
def kube(possible: None) -> Iterator[KubeLab]:
    """`make lab LAB=kubernetes KUBERNETES=1`, from nothing: what an earlier run left is removed first."""
    made = KubeLab({name: Host(name, NAME) for name in NAMES})
    if IS_THERE:
        yield made
        return
    make("lab-down", LOGS / NAME / "lab-down.log", **VARIABLES)
    try:
        make("lab", LOGS / NAME / "lab.log", **VARIABLES)
        yield made
    finally:
        make("lab-down", LOGS / NAME / "lab-down.log", **VARIABLES)
