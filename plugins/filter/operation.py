# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks of operations ask before they change anything: all reasons not to go on, by pure functions."""

from __future__ import annotations

import json
import time

from ansible.errors import AnsibleFilterError
from ansible_collections.weft.ovn.plugins.module_utils.operation import (
    addresses,
    certificates,
    collections,
    databases,
    evictions,
    nodes,
    renames,
    restarts,
    uninstalls,
    versions,
)

CHECKS = {
    "add_node": nodes.add_node,
    "backup": databases.back_up,
    "uninstall": uninstalls.uninstall,
}
PLANS = {
    "remove_node": evictions.leave,
    "replace_database_member": databases.replace_member,
    "recover_databases": databases.recover,
    "collect": collections.collect,
    "restart": restarts.restart,
    "rotate_certificates": certificates.rotate,
    "change_cidr": addresses.change_cidr,
    "change_join_cidr": addresses.change_join_cidr,
    "rename_host": renames.rename_host,
    "upgrade": versions.upgrade,
}


def plain(value):
    """Copy a lazy or tagged container into plain ones."""
    if hasattr(value, "items"):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def operation_look(hostvars, members, hosts, rows, addresses, everyone=(), now=None):
    """Put together what tasks registered of each host: C(ovn_central_look), C(operation_ping)."""
    variables = {str(host): hostvars[host] for host in {*members, *hosts, *everyone}}

    def registered(host, name):
        return plain(variables[host].get(name) or {})

    def reachable(host):
        results = [registered(host, name) for name in ("ovn_central_look", "operation_ping")]
        return any(result and not result.get("unreachable") and not result.get("skipped") for result in results)

    return {
        "members": {
            host: {
                "reachable": reachable(host),
                "databases": registered(host, "ovn_central_look").get("databases", {}),
            }
            for host in map(str, members)
        },
        "hosts": {
            host: {"reachable": reachable(host), "address": str(address)}
            for host, address in zip(map(str, hosts), addresses)
        },
        "everyone": {host: reachable(host) for host in map(str, everyone)},
        "rows": plain(rows),
        "now": time.time() if now is None else now,
    }


def operation_seat(members, hostvars):
    """Return the member through which the fabric is spoken to: one with majorities, else one that runs, else any."""
    best, most = "", -1
    for host in map(str, members):
        found = plain(hostvars[host].get("ovn_central_look") or {})
        if not found or found.get("unreachable"):
            continue
        states = found.get("databases", {}).values()
        score = sum(10 * bool(state["connected"]) + bool(state["status"]) for state in states)
        if score > most:
            best, most = host, score
    return best


def operation_plan(look, operation, options, archive=None):
    """Return C(problems), and what else the operation decides by the same look."""
    look, options = plain(look), plain(options)
    if operation in CHECKS:
        return {"problems": CHECKS[operation](look, options)}
    if operation in PLANS:
        return PLANS[operation](look, options)
    if operation == "restore":
        return {"problems": databases.restore(look, options, plain(archive or {}))}
    raise AnsibleFilterError("no operation %r; there are %s" % (operation, ", ".join([*CHECKS, *PLANS, "restore"])))


def operation_refusal(problems, operation):
    """Return the reasons as text for a person, each with what to do."""
    lines = ["%s is refused, and nothing was changed. Reasons:" % operation]
    for item in plain(problems):
        lines += ["- %s" % item["problem"], "  what to do: %s" % item["advice"]]
    return "\n".join(lines)


def operation_pods_of(text, host):
    """Return what names the pods of a host, for C(weftctl delete), by what C(weftctl get pods) printed as JSON."""
    pods = json.loads(text)["items"] if text else []
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"]},
        }
        for pod in pods
        if pod.get("spec", {}).get("nodeName") == host
    ]


def operation_surplus(paths, keep):
    """Return the archives that are older than the newest, each with the one of the authority beside it."""
    old = sorted(map(str, paths), reverse=True)[int(keep) :]
    return [name for path in old for name in (path, path.replace(".tar.gz", ".authority.tar.gz"))]


class FilterModule:
    """The filters by name."""

    def filters(self):
        return {
            "operation_look": operation_look,
            "operation_seat": operation_seat,
            "operation_plan": operation_plan,
            "operation_pods_of": operation_pods_of,
            "operation_refusal": operation_refusal,
            "operation_surplus": operation_surplus,
        }
