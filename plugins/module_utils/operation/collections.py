# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of whom can logs and state be collected, and what does the manifest say of it."""

from __future__ import annotations

from ansible_collections.weft.ovn.plugins.module_utils.operation.look import Look, problem


def collect(look, options):
    """Reasons not to collect, and who is asked. A silent host is no reason: it is often why one collects."""
    look, found = Look(look), []
    asked = sorted(host for host, reachable in look.everyone.items() if reachable)
    if not asked:
        found.append(problem("no host answers", "is the inventory right, does 'ansible -m ping weft' work?"))
    if options["limit"] < 1:
        text = "operation_limit_mb: got %s, allowed are numbers from 1" % options["limit"]
        found.append(problem(text, "20 is enough for most"))
    if not options["since"].strip():
        found.append(problem("operation_since is empty", "say it as journalctl takes it, for instance '2 hours ago'"))
    return {"problems": found, "asked": asked, "silent": sorted(set(look.everyone) - set(asked))}


def manifest(collection, said, object_files, objects):
    """Return what is in the archive, from where, from when, and what is not."""
    hosts = {
        host: {"files": answer.get("files", {}), "failed": answer.get("unanswered", {})}
        for host, answer in said.items()
    }
    for host in collection["asked"]:
        hosts.setdefault(host, {"files": {}, "failed": {"host": "it did not answer any more"}})
    for host in collection["silent"]:
        hosts[host] = {"files": {}, "failed": {"host": "it cannot be reached"}}
    found = {
        "created": collection["name"].rpartition("-")[2],
        "journals_since": collection["since"],
        "hosts": hosts,
    }
    if collection["kubernetes"]:
        found["kubernetes"] = _kubernetes(object_files, objects)
    return found


def _kubernetes(object_files, objects):
    files = {
        "%s.json" % result["item"]["kind"]: {"sha256": result["stat"]["checksum"], "size": result["stat"]["size"]}
        for result in object_files
        if result["stat"]["exists"]
    }
    failed = {
        result["item"]["kind"]: str(result.get("msg", "it did not answer"))[:500]
        for result in objects
        if "resources" not in result
    }
    return {"files": files, "failed": failed}
