# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May certificates, and the authority that signs them, be replaced, and by which steps."""

from __future__ import annotations

from ansible_collections.weft.ovn.plugins.module_utils.operation.look import Look, named, problem
from ansible_collections.weft.ovn.plugins.module_utils.operation.restarts import restart_steps

TRUSTING = ("databases", "relays", "northd", "controllers", "agents", "ovn-controller")
"""Who trusts an authority that it has read until it ends: a file that lost one does not make it forget."""


def rotate(look, options):
    """Reasons not to go on; what happens to the authority; who is restarted, one after the other."""
    look = Look(look)
    due = {host: names for host, names in options["due"].items() if names}
    steps = _steps(options["authority"], options["phase"])
    found = []
    if steps:
        found += look.without_majority() + _cut_off(look)
        found += _minority(look)
        if options["interconnected"] and options["authority"] == "replace" and options["phase"] == "single":
            found.append(_zones())
    if options["authority"] == "abandon" and options["phase"] == "promoted":
        text = "the next authority signs already, and the key of the one before is gone"
        found.append(problem(text, "finish with operation_ca=replace; the way back is another replacement"))
    retire = "retire" in steps
    layers = TRUSTING if retire else ("controllers", "agents")
    hosts = sorted(look.everyone) if retire else sorted(due)
    return {
        "problems": found,
        "due": due,
        "authority": steps,
        "steps": restart_steps(look, options["groups"], layers, [host for host in hosts if look.everyone.get(host)]),
    }


def _steps(wanted, phase):
    """Return what is to be done to the authority, also where an earlier run was killed."""
    if wanted == "introduce":
        return ["introduce"] if phase == "single" else []
    if wanted == "abandon":
        return ["abandon"] if phase == "introduced" else []
    if wanted == "replace":
        return ["introduce", "promote", "retire"]
    return []


def _cut_off(look):
    """Hosts that would not learn of the authority could not speak to anybody afterwards."""
    found = []
    for host, reachable in sorted(look.everyone.items()):
        if not reachable:
            text = "%s cannot be reached, and would not trust the next authority" % host
            found.append(problem(text, "bring it back, or take it out for good: playbook remove_node"))
    strangers = look.known() - set(look.everyone)
    if strangers:
        text = "the fabric has hosts that the inventory does not: %s" % named(strangers)
        found.append(problem(text, "add them to the inventory, or take them out: playbook remove_node"))
    return found


def _minority(look):
    """Every member is restarted at the end, one at a time."""
    found = []
    for cluster in look.clusters:
        away = sorted(host for host, state in cluster.states.items() if state and not state.get("connected"))
        if cluster.connected and away:
            text = "%s: %s does not take part, and members are restarted one by one" % (cluster.name, named(away))
            found.append(problem(text, "playbook recover_databases first"))
    return found


def _zones():
    text = "the fabric is interconnected, and other zones trust this authority"
    advice = (
        "run with operation_ca=introduce, give ca.crt and next.crt to all zones (ovn_interconnect_authorities) and run "
        "playbook interconnect there; then come back with operation_ca=replace"
    )
    return problem(text, advice)
