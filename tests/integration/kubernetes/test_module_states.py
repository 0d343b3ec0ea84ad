"""Each module of objects in each of its states, at a real API: check, diff, changed, unchanged, wrong input.

The table is what modules say of themselves, so that a new module or state has its cases at once. What reaches the API
is counted by its audit log. The module `interconnects` has the same at OVN-IC's databases, in its own folder.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.support.collection import alias
from tests.support.kubernetes import ADMIN, KubeSandbox, find_programs
from tests.support.module import run_module
from tests.support.ovn import ROOT
from weft.api.generate.__main__ import EXAMPLES
from weft.api.generate.modules import MODULES, fields, to_options
from weft.api.kinds import KINDS

KIND = {module: kind for kind, module in MODULES.items()} | {"resources": "Vpc"}
IDENTITY = ("name", "namespace", "apiVersion", "kind", "metadata")
Item = dict[str, Any]


alias()
from plugins.module_utils.resources.runner import STATES  # noqa: E402


def _states(module: str) -> list[str]:
    """All, unless it says itself which."""
    options = yaml.safe_load(importlib.import_module(f"plugins.modules.{module}").DOCUMENTATION)["options"]
    return list(options["state"]["choices"] if "state" in options else STATES)


GROUP = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]["resources"]
CASES = [(module, state) for module in GROUP for state in _states(module)]
READING = [case for case in CASES if case[1] in ("gathered", "rendered")]
WRITING = [case for case in CASES if case not in READING]


def _item(module: str) -> Item:
    """The kind's example, as the module takes it."""
    document = yaml.safe_load((ROOT / EXAMPLES / f"{KIND[module].lower()}.yml").read_text())
    metadata = {key: value for key, value in document["metadata"].items() if key in ("name", "namespace")}
    if module == "resources":
        return {**document, "metadata": metadata}
    return {**metadata, **to_options(fields(KINDS[KIND[module]]), document["spec"])}


def _with(item: Item, **metadata: Any) -> Item:
    return {**item, "metadata": item["metadata"] | metadata} if "kind" in item else {**item, **metadata}


class Tasks:
    """Tasks of one module, each with the number of writes that the API got from it."""

    def __init__(self, kube: KubeSandbox, module: str) -> None:
        self._kube = kube
        self._module = module
        self._options = {"kubeconfig": str(kube.kubeconfig())}
        self._before = self._writes()

    def _writes(self) -> int:
        return sum(write.made for write in self._kube.audit_writes(user=ADMIN))

    def run(self, *config: Item, writes: int = 0, **options: Any) -> dict[str, Any]:
        result = run_module(self._module, config=list(config), **self._options | options)
        end = time.monotonic() + 2
        while (found := self._writes() - self._before) < writes and time.monotonic() < end:
            time.sleep(0.01)
        assert found == writes, result
        self._before += writes
        return result

    def remove(self, item: Item) -> None:
        run_module(self._module, config=[item], state="deleted", **self._options)
        self._before = self._writes()


@pytest.fixture(scope="module")
def kube() -> Iterator[KubeSandbox]:
    """An API of its own: `overridden` deletes whatever others have in one."""
    if find_programs() is None:
        pytest.skip("no kube-apiserver, kubectl or etcd: run `make kube-tools`, or set KUBEBUILDER_ASSETS")
    with KubeSandbox() as sandbox:
        sandbox.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "roles/crds/files"))
        sandbox.kubectl("wait", "--for=condition=Established", "crd", "--all")
        yield sandbox


@pytest.fixture
def item(module: str) -> Item:
    return _item(module)


@pytest.fixture
def tasks(kube: KubeSandbox, module: str, item: Item) -> Iterator[Tasks]:
    made = Tasks(kube, module)
    yield made
    made.remove(item)


def _sides(result: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs, before and after."""
    assert not result.get("failed"), result
    diffs = result["diff"] if isinstance(result["diff"], list) else [result["diff"]]
    (diff,) = diffs
    return diff["before"], diff["after"]


def _fails(result: dict[str, Any], words: str) -> None:
    assert result["failed"], result
    assert words in result["msg"]
    assert not result.get("changed"), result


@pytest.mark.parametrize(("module", "state"), CASES)
def test_wrong_input(tasks: Tasks, item: Item, state: str) -> None:
    nonsense = {**item, "kind": "Nonsense"} if "kind" in item else {**item, "nonsense": 1}
    _fails(tasks.run(nonsense, state=state), "onsense")
    _fails(tasks.run(item, item, state=state), "more than once")
    if state not in ("deleted", "gathered", "rendered"):
        for check in (True, False):
            _fails(tasks.run(_with(item, name="Not A Name"), state=state, check=check), "Not A Name")


@pytest.mark.parametrize(("module", "state"), WRITING)
def test_check_diff_changed_unchanged(tasks: Tasks, item: Item, state: str) -> None:
    if state == "deleted":
        tasks.run(item, state="merged", writes=1)
        item = {key: item[key] for key in IDENTITY if key in item}
    shown = tasks.run(item, state=state, check=True)
    done = tasks.run(item, state=state, writes=1)
    assert _sides(shown) == _sides(done)
    before, after = _sides(done)
    assert (bool(before), bool(after)) == ((True, False) if state == "deleted" else (False, True))
    for result, changed in ((shown, True), (done, True), (tasks.run(item, state=state), False)):
        assert result["changed"] == changed, result
    if state != "deleted":
        _is_changed(tasks, _with(item, labels={"team": "a"}), state)


def _is_changed(tasks: Tasks, labelled: Item, state: str) -> None:
    """An object that is there gets a label."""
    shown = tasks.run(labelled, state=state, check=True)
    done = tasks.run(labelled, state=state, writes=1)
    assert _sides(shown) == _sides(done)
    assert [change["action"] for change in done["changes"]] == ["changed"]
    ((before,), (after,)) = (side.values() for side in _sides(done))
    assert {key for key in after if after[key] != before.get(key)} == {"labels"}
    assert not tasks.run(labelled, state=state)["changed"]


@pytest.mark.parametrize(("module", "state"), READING)
def test_reading_changes_nothing(tasks: Tasks, module: str, item: Item, state: str) -> None:
    labelled = _with(item, labels={"team": "a"})
    if state == "rendered":
        result = tasks.run(labelled, state=state, kubeconfig="/nowhere")
        assert [document["kind"] for document in result["rendered"]] == [KIND[module]]
    else:
        tasks.run(labelled, writes=1)
        result = tasks.run(state=state)
        assert [found["labels"] for found in result["gathered"]] == [{"team": "a"}]
        assert not tasks.run(*result["gathered"], state="replaced")["changed"]
    assert not result["changed"]
