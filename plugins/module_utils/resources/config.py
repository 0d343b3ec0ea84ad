# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Between a task's options and documents: `cidr_block` and `cidrBlock`. Pure."""

from __future__ import annotations

METADATA = ("labels", "annotations")
NO_SECRETS = ("key",)
"""Names that sound like a secret's and are a label's."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def options(kind):
    """Return the argument spec of one item of C(config)."""
    spec = {"name": {"type": "str", "required": True}, "labels": {"type": "dict"}, "annotations": {"type": "dict"}}
    if kind["namespaced"]:
        spec["namespace"] = {"type": "str", "default": "default"}
    spec.update(_options(kind["fields"], top=True))
    return spec


def _options(fields, top=False):
    spec = {}
    for name, field in fields.items():
        option = {key: field[key] for key in ("type", "elements", "choices") if key in field}
        if field.get("required") and not top:
            option["required"] = True
        if name in NO_SECRETS or field.get("secret"):
            option["no_log"] = field.get("secret", False)
        if "fields" in field:
            option["options"] = _options(field["fields"])
        spec[name] = option
    return spec


def to_document(kind, item):
    """Return the document of an item; what was not given is not in it."""
    metadata = {"name": item["name"]}
    if kind["namespaced"]:
        metadata["namespace"] = item["namespace"]
    for key in METADATA:
        if item.get(key) is not None:
            metadata[key] = {name: str(value) for name, value in item[key].items()}
    spec = _to_spec(kind["fields"], item)
    return {"apiVersion": kind["api_version"], "kind": kind["kind"], "metadata": metadata, "spec": spec}


def _to_spec(fields, item):
    return {
        field["field"]: _convert(_to_spec, field, item[name])
        for name, field in fields.items()
        if item.get(name) is not None
    }


def to_item(kind, document):
    """Return the item of a document: what a task would be given to have it."""
    metadata = document["metadata"]
    item = {"name": metadata["name"]}
    if kind["namespaced"]:
        item["namespace"] = metadata["namespace"]
    for key in METADATA:
        if values := _plain(metadata.get(key)):
            item[key] = values
    item.update(_from_spec(kind["fields"], document.get("spec") or {}))
    return item


def _plain(values):
    return {name: value for name, value in (values or {}).items() if name != LAST_APPLIED}


def _from_spec(fields, spec):
    return {
        name: _convert(_from_spec, field, spec[field["field"]])
        for name, field in fields.items()
        if spec.get(field["field"]) is not None
    }


def _convert(inner, field, value):
    """Return a value with the fields within it converted by `inner`."""
    if "fields" not in field:
        return value
    if isinstance(value, list):
        return [inner(field["fields"], part) for part in value]
    return inner(field["fields"], value)


def shown(kind, item):
    """Return an item for results: without secrets."""
    return {name: value for name, value in item.items() if not kind["fields"].get(name, {}).get("secret")}
