"""Runs a module of the collection in this process, as Ansible would on a target, and gives its result."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from typing import Any

import pytest
from ansible.module_utils import basic

from tests.support.collection import alias


def run_module(name: str, *, check: bool = False, **options: Any) -> dict[str, Any]:
    """The JSON that it ends with; `failed` is in it when it failed."""
    alias()
    arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": True}
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    module = importlib.import_module(f"plugins.modules.{name}")
    with contextlib.redirect_stdout(io.StringIO()) as out, pytest.raises(SystemExit):
        module.main()
    return dict(json.loads(out.getvalue()))


def succeeded(name: str, *, check: bool = False, **options: Any) -> dict[str, Any]:
    """The same; a failure fails the test."""
    result = run_module(name, check=check, **options)
    assert not result.get("failed"), result["msg"]
    return result
