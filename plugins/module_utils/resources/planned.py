# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows that the controller would write for changes, asked of weftctl, which has the controller's own planner."""

from __future__ import annotations

import json
import os
import tempfile

from ansible_collections.weft.ovn.plugins.module_utils.resources.errors import TargetError
from ansible_collections.weft.ovn.plugins.module_utils.resources.plan import bare
from ansible_collections.weft.ovn.plugins.module_utils.weftctl import WeftctlError, call

NOTHING = {
    "objects": [],
    "changes": [],
    "count": {"insert": 0, "update": 0, "delete": 0},
    "reservations": [],
    "releases": [],
    "waiting": {},
    "problems": [],
}


def planned(module, target, changes):
    """Return what `weftctl plan` says of all these changes together."""
    if not changes:
        return NOTHING
    lists = {
        "--filename": [bare(change.after) for change in changes if change.action != "deleted"],
        "--without": [bare(change.before) for change in changes if change.action == "deleted"],
        "--given": target.world(),
    }
    arguments = [
        word for option, documents in lists.items() if documents for word in (option, _file(module, documents))
    ]
    try:
        return call(module, ["plan", *arguments])
    except WeftctlError as error:
        raise TargetError("planned: %s" % error) from error


def _file(module, documents):
    """Write documents where only this task reads them, and it is removed with the task."""
    handle, path = tempfile.mkstemp(suffix=".json", dir=module.tmpdir)
    with os.fdopen(handle, "w") as file:
        json.dump({"apiVersion": "v1", "kind": "List", "items": documents}, file)
    return path
