# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fabric's own store, where there is no Kubernetes: by weftctl, two calls for a whole list."""

from __future__ import annotations

import json

from ansible_collections.weft.ovn.plugins.module_utils.resources.errors import RefusedError, TargetError
from ansible_collections.weft.ovn.plugins.module_utils.weftctl import WeftctlError, call


class Fabric:
    """The objects of one kind."""

    def __init__(self, module, kind):
        self._module = module
        self._kind = kind

    def read(self):
        """Return all objects of the kind, as documents."""
        return self._call("get", self._kind["plural"], "--all-namespaces")["items"]

    def write(self, changes, dry_run):
        """Write all changes; return by ref what each object is now, or the RefusedError that says why it is not.

        What goes makes room for what comes.
        """
        found = {}
        for verb in ("delete", "apply"):
            mine = [change for change in changes if (change.action == "deleted") == (verb == "delete")]
            if mine:
                found.update(self._write(verb, mine, dry_run))
        return found

    def _write(self, verb, changes, dry_run):
        documents = [_bare(change.after or change.before) for change in changes]
        arguments = [verb, "--filename", "-", *(["--dry-run"] if dry_run else [])]
        answer = self._call(*arguments, data="\n---\n".join(map(json.dumps, documents)))
        refused = {change.ref: self._problems(answer["problems"], change.ref) for change in changes}
        return {
            change.ref: RefusedError("; ".join(refused[change.ref])) if refused[change.ref] else change.after
            for change in changes
        }

    def _problems(self, problems, name):
        """Return what weftctl says of one object, without its source and name."""
        mark = "%s/%s: " % (self._kind["kind"], name)
        return [text.partition(mark)[2] for text in problems if mark in text]

    def _call(self, *arguments, data=None):
        try:
            return call(self._module, arguments, data=data)
        except WeftctlError as error:
            raise TargetError(str(error)) from error


def _bare(document):
    """Return a document as somebody would write it."""
    metadata = document["metadata"]
    kept = {key: metadata[key] for key in ("name", "namespace", "labels", "annotations") if metadata.get(key)}
    return {
        "apiVersion": document["apiVersion"],
        "kind": document["kind"],
        "metadata": kept,
        "spec": document.get("spec") or {},
    }
