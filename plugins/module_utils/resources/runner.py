# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all modules of objects do: read, compare, write, wait, tell.

A module is a name of the table of kinds and its documentation.
"""

from __future__ import annotations

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils.resources import config, plan
from ansible_collections.weft.ovn.plugins.module_utils.resources.errors import RefusedError, TargetError
from ansible_collections.weft.ovn.plugins.module_utils.resources.fabric import Fabric
from ansible_collections.weft.ovn.plugins.module_utils.resources.kinds import KINDS
from ansible_collections.weft.ovn.plugins.module_utils.resources.kubernetes import OPTIONS, Kubernetes
from ansible_collections.weft.ovn.plugins.module_utils.weftctl import CONNECTION_SPEC

TARGETS = {"kubernetes": Kubernetes, "fabric": Fabric}
STATES = ["merged", "replaced", "overridden", "deleted", "gathered", "rendered"]
PAUSE = 0.5
NOT_YET = "nobody has looked at it yet; is a controller running?"


TARGET_SPEC = dict(
    store={"type": "str", "choices": sorted(TARGETS), "default": "kubernetes"},
    wait={"type": "bool", "default": False},
    wait_timeout={"type": "int", "default": 120},
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
    try:
        module.exit_json(**Task(module, kind, wanted).result())
    except TargetError as error:
        module.fail_json(msg=str(error))


class Task:
    """What a module does with the objects of one kind; `wanted` are documents."""

    def __init__(self, module, kind, wanted):
        self._module = module
        self._kind = kind
        self._state = module.params["state"]
        self._wanted = wanted
        if twice := plan.duplicates(wanted):
            module.fail_json(msg="config: more than once in the list: %s" % ", ".join(twice))

    def result(self):
        if self._state == "rendered":
            return {"changed": False, "rendered": self._wanted}
        target = TARGETS[self._module.params["store"]](self._module, self._kind)
        live = {plan.ref(document["metadata"]): document for document in target.read()}
        if self._state == "gathered":
            return {"changed": False, "gathered": self._items(live.values())}
        return self._changed(target, live)

    def _changed(self, target, live):
        params = self._module.params
        changes = plan.changes(self._kind, self._state, self._wanted, live, params.get("delete_system"))
        written = target.write(changes, self._module.check_mode) if changes else {}
        result = self._report(changes, written, live)
        if refused := {name: str(value) for name, value in written.items() if isinstance(value, RefusedError)}:
            self._module.fail_json(msg=self._complaint(refused, len(changes)), refused=refused, **result)
        if params["wait"] and not self._module.check_mode and (late := self._wait(target, changes)):
            self._module.fail_json(
                msg="%s: not ready within %d s: %s" % (self._kind["kind"], params["wait_timeout"], _listed(late)),
                **result,
            )
        return result

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

    def _wait(self, target, changes):
        """Return by ref why those that were written are not in effect, or not gone, when the time is over."""
        wanted = {change.ref: change.action for change in changes}
        if not self._kind["waits"]:
            wanted = {name: action for name, action in wanted.items() if action == "deleted"}
        end = time.monotonic() + self._module.params["wait_timeout"]
        while True:
            live = {plan.ref(document["metadata"]): document for document in target.read()}
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
