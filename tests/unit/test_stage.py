"""What `make lab` says when a stage fails."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

STAGE = Path(__file__).resolve().parents[2] / "tools" / "stage"

ANSIBLE = """
TASK [weft.ovn.openvswitch : Install the packages] ******
ok: [lab1]
fatal: [lab2]: FAILED! => {"msg": "no such package"}
fatal: [lab3 -> localhost]: UNREACHABLE! => {}
PLAY RECAP ******
lab1                       : ok=3    changed=2    unreachable=0    failed=0    skipped=0
lab2                       : ok=2    changed=0    unreachable=0    failed=1    skipped=0
"""


def load() -> ModuleType:
    loader = SourceFileLoader("stage", str(STAGE))
    spec = spec_from_loader("stage", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "WEFT_STARTED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    argv = [sys.executable, str(STAGE), "A test of stages", "stage-test", "--", *command]
    return subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)


def test_hosts_and_tasks_of_a_failed_play_are_named() -> None:
    task = "weft.ovn.openvswitch : Install the packages"
    assert load().failures(ANSIBLE.splitlines()) == [f"lab2: {task}", f"lab3: {task}"]


def test_the_recap_names_hosts_where_no_task_did() -> None:
    assert load().failures(ANSIBLE.splitlines()[-2:]) == ["lab2"]


def test_a_good_stage_is_one_line() -> None:
    done = run("true")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    assert done.stdout.startswith("A test of stages ")


def test_a_failed_stage_names_itself_its_log_and_keeps_the_exit_code() -> None:
    done = run("sh", "-c", "echo it broke >&2; exit 3")
    assert done.returncode == 3
    assert "stage  A test of stages (exit code 3)" in done.stdout
    assert "build/log/stage-test.log" in done.stdout
    assert "| it broke" in done.stdout
