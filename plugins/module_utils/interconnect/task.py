# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module of interconnects does: as those of objects, with a zone in place of a store."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils.interconnect import judge, rows, wish
from ansible_collections.weft.ovn.plugins.module_utils.interconnect.kind import (
    DENYLIST,
    KIND,
    ZONE_SPEC,
    from_settings,
    to_settings,
)
from ansible_collections.weft.ovn.plugins.module_utils.interconnect.zone import CONNECTION, Zone
from ansible_collections.weft.ovn.plugins.module_utils.resources import config, plan
from ansible_collections.weft.ovn.plugins.module_utils.resources.errors import TargetError
from ansible_collections.weft.ovn.plugins.module_utils.resources.runner import STATES, Task, TaskError

WHOLE = ("replaced", "overridden")


def argument_spec():
    """Return the options of the module."""
    items = {name: spec for name, spec in config.options(KIND).items() if name not in config.METADATA}
    return {
        "config": {"type": "list", "elements": "dict", "options": items},
        "state": {"type": "str", "choices": STATES, "default": "merged"},
        "zone": {"type": "dict", "options": ZONE_SPEC},
        "ic_northbound": {"type": "str"},
        "ic_southbound": {"type": "str"},
        **CONNECTION,
        "wait": {"type": "bool", "default": False},
        "wait_timeout": {"type": "int", "default": 120},
    }


def run():
    """Be the module."""
    module = AnsibleModule(
        argument_spec=argument_spec(),
        required_if=[("state", state, ["config"]) for state in STATES if state != "gathered"],
        supports_check_mode=True,
    )
    task = InterconnectTask(module, KIND, [config.to_document(KIND, item) for item in module.params["config"] or []])
    zone = Zone(module.params)
    try:
        module.exit_json(**task.result(zone))
    except TargetError as error:
        module.fail_json(msg=str(error))
    except TaskError as error:
        module.fail_json(msg=str(error), **error.result)
    finally:
        zone.close()


class InterconnectTask(Task):
    """What is done with a zone's interconnects, and with its settings."""

    def result(self, zone):
        """Do what the state says, and return what the module is to tell."""
        if self._state == "rendered":
            return self._rendered()
        self.read(zone)
        settings = to_settings(self._snapshot.zone, self._snapshot.settings["options"])
        if self._state == "gathered":
            return {"changed": False, "gathered": self.gathered(), "zone": settings}
        return self._with_settings(self.write(zone), settings, zone.wish)

    def _rendered(self):
        name = (self._module.params["zone"] or {}).get("name") or ""
        _refuse([] if name else ["zone.name: is required to render rows: ports are named after it"])
        _refuse(text for document in self._wanted for text in wish.problems(document))
        complete = [wish.complete(document, name) for document in self._wanted]
        return {"changed": False, "rendered": [row for document in complete for row in rows.rendered(name, document)]}

    def read(self, zone):
        """Ask what there is, find what must change, and judge it before anything is written."""
        self._snapshot = zone.snapshot([plan.ref(document["metadata"]) for document in self._wanted])
        self._live = self._snapshot.documents()
        if self._state == "gathered":
            return
        name = self._name(self._snapshot, self._live)
        if self._state != "deleted":
            self._wanted = [self._completed(document, self._snapshot, self._live, name) for document in self._wanted]
        self.changes = plan.changes(KIND, self._state, self._wanted, self._live)
        left = {**self._live, **{change.ref: change.after for change in self.changes}}
        zone.wish = (name, self._options(any(left.values())))
        self._judge(name, self.changes, left, self._snapshot, zone.wish[1])

    def write(self, zone):
        """Make the changes, the zone's settings too where they are all that changes."""
        if not self.changes:
            zone.write(KIND, [], self._module.check_mode)
        return super().write(zone)

    def _name(self, snapshot, live):
        """Return the zone's name; ports are named after it, so it stays while there are any."""
        given = (self._module.params["zone"] or {}).get("name")
        name = given or snapshot.zone
        if not name and self._wanted and self._state != "deleted":
            _refuse(["zone.name: is required: the zone's Northbound has no name yet (NB_Global.name)"])
        if snapshot.zone and name != snapshot.zone and live:
            text = "zone.name: %s; the zone is %s and has interconnects %s, which would have to be deleted first"
            _refuse([text % (name, snapshot.zone, ", ".join(live))])
        return name

    def _completed(self, document, snapshot, live, name):
        """Return a wished interconnect with what it left out: what it has already, what its switch says, defaults."""
        ref = plan.ref(document["metadata"])
        spec = dict(document["spec"])
        if self._state == "merged" and ref in live:
            spec = plan.merged(live[ref]["spec"], spec)
        if not spec.get("cidrs"):
            spec["cidrs"] = snapshot.cidrs(ref) or live.get(ref, {"spec": {}})["spec"].get("cidrs", [])
        document = {**document, "spec": spec}
        _refuse(wish.problems(document))
        return wish.complete(document, name)

    def _options(self, joined):
        """Return the keys of NB_Global.options to set, and to remove where they are None."""
        given = self._module.params["zone"]
        if not joined and self._state in ("deleted", "overridden"):
            return from_settings({})
        if given is None:
            return {}
        keys = from_settings(given)
        return keys if self._state in WHOLE else {key: value for key, value in keys.items() if value is not None}

    def _judge(self, name, changes, left, snapshot, options):
        options = _with(snapshot.settings["options"], options)
        denied = next((options[key] for key in DENYLIST if options.get(key)), "")
        networks, found = judge.denied_networks(part for part in denied.split(",") if part)
        if name and not snapshot.zone:
            found += judge.zone_name(name, self._wanted, snapshot)
        found += wish.overlaps([document for document in left.values() if document])
        exchanges = "true" in (options.get("ic-route-adv"), options.get("ic-route-learn"))
        for change in changes:
            if change.after is not None:
                found += judge.problems(name, change.after, snapshot, networks, exchanges)
        _refuse(found)

    def _with_settings(self, result, before, wished):
        name, keys = wished
        after = to_settings(name, _with(self._snapshot.settings["options"], keys))
        result["zone"] = {"before": before, "after": after}
        if before != after:
            result["changed"] = True
            result["diff"]["before"]["zone"] = before
            result["diff"]["after"]["zone"] = after
        return result


def _with(options, keys):
    """Return NB_Global.options with keys set, and removed where they are None."""
    return {key: value for key, value in {**options, **keys}.items() if value is not None}


def _refuse(problems):
    if texts := list(dict.fromkeys(problems)):
        raise TargetError("; ".join(texts))
