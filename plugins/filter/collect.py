# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook collect makes of what was said."""

from __future__ import annotations

import json

from ansible_collections.weft.ovn.plugins.module_utils.collect.secrets import scrub
from ansible_collections.weft.ovn.plugins.module_utils.operation.collections import manifest

TOLD_TO_CONTAINERS = ("env", "envFrom", "args", "command", "lifecycle")
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def collect_objects(objects):
    """Return objects of a Kubernetes API as text, without what containers are told and without secrets."""
    text, _hidden = scrub(json.dumps([_without(item) for item in objects], indent=1, sort_keys=True))
    return text


def _without(value):
    if hasattr(value, "items"):
        return {
            str(key): _without(item)
            for key, item in value.items()
            if key not in (*TOLD_TO_CONTAINERS, LAST_APPLIED, "managedFields")
        }
    if isinstance(value, (list, tuple)):
        return [_without(item) for item in value]
    return value


def collect_manifest(collection, said, object_files, objects):
    """Return the manifest of an archive."""
    return manifest(*(json.loads(json.dumps(item)) for item in (collection, said, object_files, objects)))


class FilterModule:
    """The filters by name."""

    def filters(self):
        return {"collect_objects": collect_objects, "collect_manifest": collect_manifest}
