# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must change for a list of documents to be as a state says. Pure."""

from __future__ import annotations

from collections import Counter

from ansible_collections.weft.ovn.plugins.module_utils.resources import config


class Change:
    """One object that is to be created, changed or deleted; `before` and `after` are documents, or None."""

    def __init__(self, before, after):
        self.before = before
        self.after = after

    @property
    def action(self):
        if self.before is None:
            return "created"
        return "deleted" if self.after is None else "changed"

    @property
    def metadata(self):
        return (self.after or self.before)["metadata"]

    @property
    def ref(self):
        return ref((self.after or self.before)["metadata"])


def bare(document):
    """Return a document as somebody would write it."""
    metadata = document["metadata"]
    kept = {key: metadata[key] for key in ("name", "namespace", "labels", "annotations") if metadata.get(key)}
    return {
        "apiVersion": document["apiVersion"],
        "kind": document["kind"],
        "metadata": kept,
        "spec": document.get("spec") or {},
    }


def ref(metadata):
    """Return how an object is told from others of its kind."""
    return "/".join(part for part in (metadata.get("namespace"), metadata["name"]) if part)


def duplicates(documents):
    """Return the refs that are in a list more than once."""
    return sorted(name for name, times in Counter(map(_ref, documents)).items() if times > 1)


def changes(kind, state, wanted, live, delete_system=False):
    """Return the changes. `live` has the documents there are, by ref."""
    if state == "deleted":
        return [Change(live[name], None) for name in map(_ref, wanted) if name in live]
    found = []
    for document in wanted:
        before = live.get(_ref(document))
        after = _after(kind, state, before, document)
        if before is None or _differs(kind, before, after):
            found.append(Change(before, after))
    if state == "overridden":
        listed = set(map(_ref, wanted))
        kept = set() if delete_system else set(kind["system"])
        found += [Change(document, None) for name, document in live.items() if name not in listed | kept]
    return found


def _ref(document):
    return ref(document["metadata"])


def _after(kind, state, before, wanted):
    """Return the document that an object shall have."""
    if before is None:
        return wanted
    after = dict(before, metadata=dict(before["metadata"]))
    for key in config.METADATA:
        if key in wanted["metadata"]:
            after["metadata"][key] = dict(before["metadata"].get(key) or {}, **wanted["metadata"][key])
    core = kind.get("core", False)
    keeps = state == "merged" or core
    after["spec"] = merged(before.get("spec") or {}, wanted["spec"], core) if keeps else wanted["spec"]
    return after


def merged(before, wanted, by_name=False):
    """Return a mapping with what is wanted put in; mappings within it are merged, lists are replaced.

    With `by_name`, lists of named mappings are merged by their names, as a pod's containers: the API fills them in.
    """
    result = dict(before)
    for key, value in wanted.items():
        old = result.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            result[key] = merged(old, value, by_name)
        elif by_name and _named(value) and _named(old):
            result[key] = _merged_list(old, value)
        else:
            result[key] = value
    return result


def _named(value):
    return isinstance(value, list) and all(isinstance(item, dict) and "name" in item for item in value)


def _merged_list(before, wanted):
    old = {item["name"]: item for item in before}
    return [merged(old.get(item["name"], {}), item, by_name=True) for item in wanted]


def _differs(kind, before, after):
    metadata = [[document["metadata"].get(key) or {} for key in config.METADATA] for document in (before, after)]
    specs = [_filled(kind["fields"], document.get("spec") or {}) for document in (before, after)]
    return metadata[0] != metadata[1] or specs[0] != specs[1]


def _filled(fields, spec):
    """Return a mapping with what the API fills in itself: nobody has to give that."""
    result = dict(spec)
    for field in fields.values():
        name = field["field"]
        if "stored" in field:
            result.setdefault(name, field["stored"])
        if "fields" in field and isinstance(result.get(name), dict):
            result[name] = _filled(field["fields"], result[name])
        elif "fields" in field and isinstance(result.get(name), list):
            result[name] = [_filled(field["fields"], item) for item in result[name]]
    return result


def patch(change):
    """Return the JSON merge patch (RFC 7386) that makes `before` into `after`."""
    return {
        key: found
        for key in ("metadata", "spec")
        if (found := _patch(change.before.get(key) or {}, change.after.get(key) or {}))
    }


def _patch(before, after):
    result = {key: None for key in before if key not in after}
    for key, value in after.items():
        if key in before and before[key] == value:
            continue
        inner = isinstance(value, dict) and isinstance(before.get(key), dict)
        result[key] = _patch(before[key], value) if inner else value
    return result
