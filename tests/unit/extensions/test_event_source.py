"""The event source for ansible-rulebook: its options, and the command lines that they become."""

from __future__ import annotations

import runpy
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
SOURCE = runpy.run_path(str(ROOT / "extensions/eda/plugins/event_source/fabric.py"))
EVENTS = "weftctl events --output json --interval 5 --hold 10 --free 10 --certificate-days 14"


def test_without_options_weftctl_runs_here() -> None:
    assert SOURCE["commands"](SOURCE["options"]({})) == [shlex.split(EVENTS)]


def test_each_host_has_a_command_that_one_shell_takes_apart_again() -> None:
    given = {"hosts": ["root@lab1", "lab2"], "ssh_options": ["-i", "/k"], "command": ["weftctl", "--config", "/a b"]}
    lines = SOURCE["commands"](SOURCE["options"](given))
    assert [line[-3] for line in lines] == ["root@lab1", "lab2"]
    for line in lines:
        assert line[0] == "ssh"
        assert line[line.index("-i") + 1] == "/k"
        assert shlex.split(line[-1])[:4] == ["weftctl", "--config", "/a b", "events"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"holds": 3}, f"holds: no such option; allowed are {', '.join(SOURCE['OPTIONS'])}"),
        ({"hold": "soon"}, "hold: got 'soon', expected a number"),
        ({"hold": -1}, "hold: got -1, expected a number of at least 0"),
        ({"interval": "inf"}, "interval: got 'inf', expected a number of at least 0"),
        ({"hosts": "lab1"}, "hosts: got 'lab1', expected a list of strings"),
        ({"hosts": ["-oProxyCommand=x"]}, "hosts: got '-oProxyCommand=x', expected a host, as root@192.0.2.11"),
    ],
)  # fmt: skip
def test_wrong_options(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError) as error:
        SOURCE["options"](given)
    assert str(error.value) == words


def test_the_rulebook_gives_only_options_that_there_are() -> None:
    rulebook = yaml.safe_load((ROOT / "extensions/eda/rulebooks/fabric.yml").read_text())
    given = [source["weft.ovn.fabric"] for rules in rulebook for source in rules["sources"]]
    assert given
    assert all(options.keys() <= SOURCE["OPTIONS"].keys() for options in given)
