# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all modules of objects do: read, compare, write, wait, tell.

A module is a name of the table of kinds and its documentation.
"""

from __future__ import annotations

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils.resources import config, plan, promised
from ansible_collections.weft.ovn.plugins.module_utils.resources.errors import RefusedError, TargetError
from ansible_collections.weft.ovn.plugins.module_utils.resources.fabric import Fabric
from ansible_collections.weft.ovn.plugins.module_utils.resources.kinds import KINDS
from ansible_collections.weft.ovn.plugins.module_utils.resources.kubernetes import OPTIONS, Kubernetes
from ansible_collections.weft.ovn.plugins.module_utils.resources.planned import planned
from ansible_collections.weft.ovn.plugins.module_utils.weftctl import CONNECTION_SPEC

TARGETS = {"kubernetes": Kubernetes, "fabric": Fabric}
STATES = ["merged", "replaced", "overridden", "deleted", "gathered", "rendered"]
PAUSE = 0.5
ROUTED = "ovn.kubernetes.io/routed"
"""Annotation by which a pod of a Kubernetes API shows that the controller has done its part."""
NOT_YET = "nobody has looked at it yet; is a controller running?"


TARGET_SPEC = dict(
    store={"type": "str", "choices": sorted(TARGETS), "default": "kubernetes"},
    wait={"type": "bool", "default": False},
    wait_timeout={"type": "int", "default": 120},
    planned={"type": "bool", "default": False},
    **OPTIONS,
    **CONNECTION_SPEC,
)
"""Options of every module that writes objects."""


def argument_spec(kind):
    """Return the options of the module of a kind."""
    return dict(
        config={"type": "list", "elements": "dict", "options": config.options(kind)},
        state={"type": "str", "choices": STATES, "default": "merged"},
        delete_system={"type": "bool", "default": False},
        **TARGET_SPEC,
    )


def run(name):
    """Be the module of that name."""
    kind = KINDS[name]
    module = AnsibleModule(
        argument_spec=argument_spec(kind),
        required_if=[("state", state, ["config"]) for state in STATES if state != "gathered"],
        supports_check_mode=True,
    )
    wanted = [config.to_document(kind, item) for item in module.params["config"] or []]
    task = Task(module, kind, wanted)
    if module.params["state"] == "rendered":
        module.exit_json(changed=False, rendered=wanted)
    try:
        target = connect(module)
        task.read(target)
        if module.params["state"] == "gathered":
            module.exit_json(changed=False, gathered=task.gathered())
        rows = plan_of(module, target, [task])
        result = task.write(target)
    except TargetError as error:
        module.fail_json(msg=str(error))
    except TaskError as error:
        module.fail_json(msg=str(error), **error.result, **rows)
    module.exit_json(**result, **rows)


def connect(module):
    """Return where the objects are, by the task's options."""
    return TARGETS[module.params["store"]](module)


def plan_of(module, target, tasks):
    """Return the part of the result that says which rows would be written, when that was asked for."""
    if not module.params["planned"]:
        return {}
    return {"planned": planned(module, target, [change for task in tasks for change in task.changes])}


class TaskError(Exception):
    """Not all was done; `result` says what was."""

    def __init__(self, message, result):
        super().__init__(message)
        self.result = result


class Task:
    """What a module does with the objects of one kind; `wanted` are documents."""

    def __init__(self, module, kind, wanted):
        self._module = module
        self._kind = kind
        self._state = module.params["state"]
        self._wanted = wanted
        self._live = {}
        self.changes = []
        if twice := plan.duplicates(wanted):
            module.fail_json(msg="config: more than once in the list: %s" % ", ".join(twice))

    def read(self, target):
        """Ask what there is, and find what must change."""
        self._live = {plan.ref(document["metadata"]): document for document in target.read(self._kind)}
        if self._state != "gathered":
            delete_system = self._module.params.get("delete_system")
            wanted = [target.kept(self._kind, document) for document in self._wanted]
            self.changes = plan.changes(self._kind, self._state, wanted, self._live, delete_system)

    def gathered(self):
        """Return what there is, as `config`."""
        return self._items(self._live.values())

    def write(self, target):
        """Make the changes, and return what the task is to tell. Raises TaskError."""
        params, changes = self._module.params, self.changes
        written = target.write(self._kind, changes, self._module.check_mode) if changes else {}
        if self._module.check_mode:
            self._take_for_granted(changes, written)
        result = self._report(changes, written, self._live)
        if refused := {name: str(value) for name, value in written.items() if isinstance(value, RefusedError)}:
            raise TaskError(self._complaint(refused, len(changes)), dict(result, refused=refused))
        if params["wait"] and not self._module.check_mode:
            self._wait(target, result)
        return result

    def _take_for_granted(self, changes, written):
        """Warn of what is only refused because no earlier task of a play in check mode has done anything."""
        for change in changes:
            refusal = written[change.ref]
            if isinstance(refusal, RefusedError) and promised.is_promised(str(refusal)):
                written[change.ref] = change.after
                self._module.warn(
                    "%s/%s: %s: taken for granted in check mode" % (self._kind["kind"], change.ref, refusal)
                )

    def _report(self, changes, written, live):
        """Return what the task is to tell; what was refused is as it was."""
        done = [change for change in changes if not isinstance(written[change.ref], RefusedError)]
        after = dict(live)
        for change in done:
            after[change.ref] = written[change.ref]
        concerned = list(live) if self._state == "overridden" else []
        concerned += [plan.ref(document["metadata"]) for document in self._wanted]
        sides = {
            side: self._items(documents[name] for name in dict.fromkeys(concerned) if documents.get(name))
            for side, documents in (("before", live), ("after", after))
        }
        return {
            "changed": bool(done),
            "changes": [dict(_identity(change.metadata), action=change.action) for change in done],
            "diff": self._diff(done, written),
            **sides,
        }

    def _diff(self, done, written):
        """Return before and after of those that change."""
        sides = {"before": {}, "after": {}}
        for change in done:
            for side, document in (("before", change.before), ("after", written[change.ref])):
                if document is not None:
                    sides[side][change.ref] = self._items([document])[0]
        return sides

    def _items(self, documents):
        return [config.shown(self._kind, config.to_item(self._kind, document)) for document in documents]

    def _complaint(self, refused, total):
        others = " (the others are %s)" % ("possible" if self._module.check_mode else "made")
        return "%s: %d of %d changes refused%s: %s" % (
            self._kind["kind"],
            len(refused),
            total,
            others if len(refused) < total else "",
            _listed(refused),
        )

    def _wait(self, target, result):
        """Wait for what was written. Raises TaskError, which says what is not in effect, or not gone, and why."""
        try:
            late = self._late(target)
        except TargetError as error:
            raise TaskError("%s: written, but not waited for: %s" % (self._kind["kind"], error), result) from error
        if late:
            why = "not ready within %d s: %s" % (self._module.params["wait_timeout"], _listed(late))
            raise TaskError("%s: %s" % (self._kind["kind"], why), result)

    def _late(self, target):
        """Return by ref why those that were written are not in effect, or not gone, when the time is over."""
        wanted = {change.ref: change.action for change in self.changes}
        if not self._kind["waits"]:
            wanted = {name: action for name, action in wanted.items() if action == "deleted"}
        end = time.monotonic() + self._module.params["wait_timeout"]
        while True:
            live = {plan.ref(document["metadata"]): document for document in target.read(self._kind)}
            late = {name: why for name, action in wanted.items() if (why := _lacks(action, live.get(name))) is not None}
            if not late or time.monotonic() > end:
                return late
            time.sleep(PAUSE)


def _identity(metadata):
    return {key: metadata[key] for key in ("namespace", "name") if metadata.get(key)}


def _listed(reasons):
    """Return the first few of many reasons."""
    shown = ["%s: %s" % item for item in sorted(reasons.items())[:10]]
    if len(reasons) > len(shown):
        shown.append("and %d more" % (len(reasons) - len(shown)))
    return "; ".join(shown)


def _lacks(action, document):
    """Return what an object still lacks, or None."""
    if action == "deleted":
        return None if document is None else _words(document, "is still there")
    if document is None:
        return "is gone"
    if (document["metadata"].get("annotations") or {}).get(ROUTED) == "true":
        return None
    ready = _condition(document)
    if ready.get("status") == "True" and _is_current(document, ready):
        return None
    return _words(document, NOT_YET)


def _is_current(document, condition):
    """Return whether a condition is of the object as it is now."""
    generation = document["metadata"].get("generation", 1)
    return condition.get("observedGeneration", generation) >= generation


def _condition(document):
    conditions = (document.get("status") or {}).get("conditions") or []
    return next((condition for condition in conditions if condition["type"] == "Ready"), {})


def _words(document, otherwise):
    ready = _condition(document)
    return ready.get("message") or ready.get("reason") or otherwise
