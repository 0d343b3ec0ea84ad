"""Runs playbooks as an operator does, and tells what each host's result was."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s", re.MULTILINE)


@dataclass(frozen=True)
class Play:
    """What ansible-playbook printed and how it ended."""

    text: str
    code: int

    @property
    def changed(self) -> dict[str, int]:
        """The number of changes by host."""
        return {host: int(number) for host, number in RECAP.findall(self.text)}

    def succeeded(self) -> Play:
        assert self.code == 0, self.text[-6000:]
        return self

    def refused(self, words: str) -> Play:
        flat = " ".join(self.text.split())
        assert self.code != 0, f"not refused: {self.text[-6000:]}"
        assert words in flat, self.text[-6000:]
        return self


def play(
    path: str | Path,
    *arguments: str,
    variables: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
    inventory: Path | None = None,
    timeout: float = 600,
) -> Play:
    """Run a playbook of the checkout (or at an absolute path) against the lab's inventory, or another."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(path), *arguments]
    if inventory:
        command += ["--inventory", str(inventory)]
    if variables:
        command += ["--extra-vars", json.dumps(variables)]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0", **(environment or {})}
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Play(done.stdout, done.returncode)


def settled(run: Callable[[], Play]) -> Play:
    """What `run` gives on hosts that are as it makes them: a second time where it first had something to change."""
    first = run().succeeded()
    return run().succeeded() if any(first.changed.values()) else first
