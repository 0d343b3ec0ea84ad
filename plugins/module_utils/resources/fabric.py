# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fabric's own store, where there is no Kubernetes: by weftctl, two calls for a whole list."""

from __future__ import annotations

import json

from ansible_collections.weft.ovn.plugins.module_utils.resources.errors import RefusedError, TargetError
from ansible_collections.weft.ovn.plugins.module_utils.resources.plan import bare
from ansible_collections.weft.ovn.plugins.module_utils.weftctl import WeftctlError, call


class Fabric:
    """The store by weftctl, for all kinds."""

    def __init__(self, module):
        self._module = module

    def read(self, kind):
        """Return all objects of the kind, as documents."""
        return self._call("get", kind["plural"], "--all-namespaces")["items"]

    def world(self):
        """Return None: weftctl reads the store itself."""
        return

    def kept(self, kind, document):
        """Return a document as the store keeps it: of Kubernetes' kinds, what a network needs to know."""
        if not kind.get("core"):
            return document
        known = {field["field"] for field in kind["fields"].values()}
        spec = {name: value for name, value in document["spec"].items() if name in known}
        return dict(document, spec=spec)

    def write(self, kind, changes, dry_run):
        """Write all changes; return by ref what each object is now, or the RefusedError that says why it is not.

        What goes makes room for what comes.
        """
        found = {}
        for verb in ("delete", "apply"):
            mine = [change for change in changes if (change.action == "deleted") == (verb == "delete")]
            try:
                found.update(self._write(kind, verb, mine, dry_run) if mine else {})
            except TargetError as error:
                if not found:
                    raise
                found.update({change.ref: RefusedError(str(error)) for change in mine})
        return found

    def _write(self, kind, verb, changes, dry_run):
        documents = [bare(change.after or change.before) for change in changes]
        arguments = [verb, "--filename", "-", *(["--dry-run"] if dry_run else [])]
        answer = self._call(*arguments, data="\n---\n".join(map(json.dumps, documents)))
        refused = {change.ref: _problems(kind, answer["problems"], change.ref) for change in changes}
        return {
            change.ref: RefusedError("; ".join(refused[change.ref])) if refused[change.ref] else change.after
            for change in changes
        }

    def _call(self, *arguments, data=None):
        try:
            return call(self._module, arguments, data=data)
        except WeftctlError as error:
            raise TargetError(str(error)) from error


def _problems(kind, problems, name):
    """Return what weftctl says of one object, without its source and name."""
    mark = "%s/%s: " % (kind["kind"], name)
    return [text.partition(mark)[2] for text in problems if mark in text]
