# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents of several kinds: what is wrong with them before anybody is asked, and in which order they go. Pure."""

from __future__ import annotations

from ansible_collections.weft.ovn.plugins.module_utils.resources.kinds import KINDS
from ansible_collections.weft.ovn.plugins.module_utils.resources.plan import duplicates


def _core(kind, plural, namespaced, fields):
    return {
        "api_version": "v1",
        "kind": kind,
        "plural": plural,
        "namespaced": namespaced,
        "system": [],
        "waits": kind == "Pod",
        "core": True,
        "fields": fields,
    }


NAMESPACE = _core("Namespace", "namespaces", False, {})
POD = _core(
    "Pod",
    "pods",
    True,
    {"node_name": {"field": "nodeName", "type": "str"}, "host_network": {"field": "hostNetwork", "type": "bool"}},
)
"""Kubernetes' own kinds that a network's documents come with: the fabric keeps these fields, an API has many more."""
IN_ORDER = [NAMESPACE, *KINDS.values(), POD]
BY_NAME = {kind["kind"]: kind for kind in IN_ORDER}


def problems(documents):
    """Return all that is wrong with the documents' form."""
    found = []
    for number, document in enumerate(documents, 1):
        found += ["document %d: %s" % (number, text) for text in _wrong(document)]
    for kind, same in grouped([document for document in documents if not list(_wrong(document))]):
        found += ["%s/%s: more than once" % (kind["kind"], name) for name in duplicates(same)]
    return found


def _wrong(document):
    kind = BY_NAME.get(document.get("kind"))
    if kind is None:
        yield "kind: %r; allowed: %s" % (document.get("kind"), ", ".join(BY_NAME))
        return
    if document.get("apiVersion") != kind["api_version"]:
        yield "apiVersion: %r; allowed: %s" % (document.get("apiVersion"), kind["api_version"])
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        yield "metadata.name: is required"
    if not isinstance(document.get("spec", {}), dict):
        yield "spec: %r is no mapping" % (document["spec"],)


def grouped(documents):
    """Return (kind, its documents), what is used before its users."""
    mine = [(kind, [doc for doc in documents if doc["kind"] == kind["kind"]]) for kind in IN_ORDER]
    return [(kind, [_complete(kind, doc) for doc in same]) for kind, same in mine if same]


def _complete(kind, document):
    metadata = dict(document["metadata"])
    if kind["namespaced"]:
        metadata.setdefault("namespace", "default")
    return dict(document, metadata=metadata, spec=document.get("spec") or {})
