"""What modules say of themselves: examples are tasks that the module would take, attributes are all there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from tests.support.ovn import ROOT

MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
ATTRIBUTES = {"check_mode", "diff_mode", "idempotent", "platform"}
KEPT = ("type", "elements", "choices", "required", "aliases", "default")


@cache
def documentation() -> Mapping[str, Any]:
    """All modules', as ansible-doc has it: with fragments put in."""
    names = [f"weft.ovn.{name}" for name in MODULES]
    command = [str(Path(sys.executable).with_name("ansible-doc")), "--json", "--type", "module", *names]
    return dict(json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout))


def examples(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load(documentation()[f"weft.ovn.{name}"]["examples"]))


def spec(options: Mapping[str, Any]) -> dict[str, Any]:
    """The argument spec that a documentation stands for; sanity tests hold it against the module's own."""
    found = {}
    for name, option in options.items():
        found[name] = {key: option[key] for key in KEPT if key in option}
        if "suboptions" in option:
            found[name]["options"] = spec(option["suboptions"])
    return found


def rendered(value: Any) -> Any:
    """Without what only a play knows: templates become None, as if they had not been given."""
    match value:
        case dict():
            return {key: rendered(item) for key, item in value.items()}
        case list():
            return [rendered(item) for item in value]
        case str() if "{{" in value:
            return None
    return value


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_tasks_that_the_module_takes(name: str) -> None:
    doc = documentation()[f"weft.ovn.{name}"]["doc"]
    arguments = spec(doc["options"])
    found = examples(name)
    assert found
    assert {key for task in found for key in task if "." in key} >= {f"weft.ovn.{name}"}
    for task in found:
        assert task["name"][0].isupper(), task["name"]
        given = task.get(f"weft.ovn.{name}")
        if given is None:
            continue
        templates = {key for key, value in given.items() if isinstance(value, str) and "{{" in value}
        known = {key: ({"type": "raw"} if key in templates else value) for key, value in arguments.items()}
        result = ArgumentSpecValidator(known).validate(rendered(given) | dict.fromkeys(templates, "a template"))
        assert not result.error_messages, (task["name"], result.error_messages)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_can(name: str) -> None:
    doc = documentation()[f"weft.ovn.{name}"]["doc"]
    assert set(doc["attributes"]) >= ATTRIBUTES
    assert documentation()[f"weft.ovn.{name}"]["return"] is not None
    assert doc["short_description"][-1] != "."
