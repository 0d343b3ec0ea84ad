"""A host gets another name and its old one again; its workloads keep their namespaces and addresses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import CHECKOUT, Lab
from tests.lab.operations.conftest import NAMESPACE, Pair, endpoints, killed, operation
from tests.support.play import Play, play

pytestmark = pytest.mark.operations
Eventually = Callable[..., None]
OLD, NEW = "lab3", "node3"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """The lab's, with the host's new name."""
    shutil.copytree(CHECKOUT / "inventories/lab", tmp_path / "lab")
    hosts = tmp_path / "lab/hosts.yml"
    hosts.write_text(hosts.read_text().replace(OLD, NEW))
    return tmp_path / "lab"


@pytest.fixture
def third(lab: Lab, pair: Pair) -> Iterator[Pair]:
    """A workload on the host, that another one pings."""
    lab["lab1"].run(["weftctl", "endpoint", "add", "three", "--host", OLD, "--namespace", NAMESPACE])
    document = json.loads(lab["lab1"].run(["weftctl", "get", "pod", "three", "-n", NAMESPACE, "-o", "json"]).stdout)
    yield Pair(lab, pair.netns, document["status"]["podIP"])
    lab["lab1"].run(["weftctl", "endpoint", "delete", "-n", NAMESPACE, "three"])


def rename(inventory: Path | None, new: str, old: str, *arguments: str) -> Play:
    variables = {"operation_host": new, "operation_old": old}
    return play("playbooks/rename_host.yml", *arguments, variables=variables, inventory=inventory)


def hosts(lab: Lab) -> set[str]:
    return set(
        lab["lab1"].run('weftctl node -o json | grep -o \'"name": "[a-z0-9]*"\' | cut -d\'"\' -f4').stdout.split()
    )


def inode(lab: Lab) -> str:
    """Of the workload's network namespace: another one, when it was made anew."""
    return lab[OLD].run(f"stat -Lc %i /run/netns/three.{NAMESPACE}").stdout


def test_a_host_gets_another_name_and_its_old_one_again(
    healthy: Lab, pair: Pair, third: Pair, inventory: Path, eventually: Eventually
) -> None:
    """Others lose nothing, its own workloads at most what 20 seconds hold; all keep namespaces and addresses."""
    before, namespace = endpoints(healthy), inode(healthy)
    renamed = {key: (host.replace(OLD, NEW), *rest) for key, (host, *rest) in before.items()}
    with pair.traffic(most=2), third.traffic(most=400):
        rename(inventory, NEW, OLD).succeeded()
    eventually(lambda: endpoints(healthy) == renamed, within=60, what="the workloads are the new name's")
    assert hosts(healthy) == {"lab1", "lab2", NEW}
    with third.traffic(most=0):
        assert set(rename(inventory, NEW, OLD).succeeded().changed.values()) == {0}
    with pair.traffic(most=2), third.traffic(most=400):
        rename(None, OLD, NEW).succeeded()
    eventually(lambda: endpoints(healthy) == before, within=60, what="all as before")
    assert inode(healthy) == namespace


def test_check_mode_changes_nothing(healthy: Lab, pair: Pair, third: Pair, inventory: Path) -> None:
    before = endpoints(healthy)
    with third.traffic(most=0):
        seen = rename(inventory, NEW, OLD, "--check").succeeded()
    assert f"{NEW} gets a certificate of its new name" in seen.text
    assert endpoints(healthy) == before
    assert hosts(healthy) == {"lab1", "lab2", OLD}


def test_all_reasons_are_told(healthy: Lab, pair: Pair) -> None:
    seen = operation("rename_host", host="node9", old="lab2")
    seen.refused("node9 is not in the inventory's group ovn_hosts")
    seen.refused("lab2 is still in the inventory")
    assert set(seen.changed.values()) == {0}


@pytest.mark.parametrize("at", ["Workloads are the new name's", "The host speaks by its new name", "Take the old"])
def test_a_renaming_that_was_killed_is_finished(
    healthy: Lab, pair: Pair, third: Pair, inventory: Path, eventually: Eventually, at: str
) -> None:
    before = endpoints(healthy)
    at = {"Take the old": "Weft has no status of the host"}.get(at, at)
    killed("rename_host", at, inventory=inventory, host=NEW, old=OLD)
    rename(inventory, NEW, OLD).succeeded()
    assert hosts(healthy) == {"lab1", "lab2", NEW}
    rename(None, OLD, NEW).succeeded()
    eventually(lambda: endpoints(healthy) == before, within=60, what="all as before")
