# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May a whole fabric be taken off its hosts: every reason why not, at once."""

from __future__ import annotations

from ansible_collections.weft.ovn.plugins.module_utils.operation.look import Look, named, problem


def uninstall(look, options):
    """Reasons not to end the fabric. One that has ended already has none."""
    look = Look(look)
    found = _unnamed(options) + _silent(look, options["dead"])
    if not options["cut_off"]:
        found += _workloads(look)
    zones = [row["name"] for row in look.table("NB_Global") if row.get("name")]
    if zones:
        text = "the fabric is the zone %s of an interconnection, whose other zones would keep its gateways" % named(
            zones
        )
        found.append(problem(text, "take it out first: playbook remove_interconnect"))
    return found


def _unnamed(options):
    """Whoever means another inventory than this one says another name."""
    if options["confirm"] == options["fabric"]:
        return []
    text = "operation_confirm is %r, and this fabric is %r" % (options["confirm"], options["fabric"])
    return [problem(text, "say operation_confirm=%s: everything of it is lost that no backup has" % options["fabric"])]


def _silent(look, dead):
    silent = [host for host, reachable in sorted(look.everyone.items()) if not reachable]
    advice = "bring it back; when it is gone for good, say operation_dead=true"
    return [] if dead else [problem("%s cannot be reached, and would keep all" % host, advice) for host in silent]


def _workloads(look):
    """Workloads that the databases know, or databases that do not say whether there are some."""
    found = []
    ports = look.table("Port")
    if ports:
        names = {"%s/%s" % (row["pod_namespace"], row["pod_name"]) for row in ports}
        text = "%d workloads run, and would have no network: %s" % (len(ports), named(names))
        found.append(problem(text, "end them, or say operation_cut_off=true"))
    for cluster in look.clusters:
        there = [state for state in cluster.states.values() if state.get("exists")]
        if cluster.name == "Weft" and there and not cluster.connected:
            text = "Weft: no member has a majority, so nobody knows which workloads run"
            found.append(problem(text, "playbook recover_databases first, or say operation_cut_off=true"))
    return found
