# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order are a fabric's services restarted, and what stands against it."""

from __future__ import annotations

from ansible_collections.weft.ovn.plugins.module_utils.operation.look import Look, named, problem

LAYERS = {
    "databases": ["ovn-ovsdb-server-nb.service", "ovn-ovsdb-server-sb.service", "weft-ovsdb.service"],
    "relays": ["ovn-relay-sb.service", "weft-relay.service"],
    "northd": ["ovn-northd.service"],
    "controllers": ["weft-controller.service"],
    "agents": ["weft-agent.service"],
    "ovn-controller": ["ovn-controller.service"],
    "vswitchd": ["ovs-vswitchd.service"],
}
"""Units by layer, in the order in which layers are restarted: who is asked before who asks."""
ON_REQUEST = ("vswitchd",)
"""Layers that carry packets themselves."""


def restart(look, options):
    """Reasons not to restart, and the steps: a layer, a host, its units."""
    look = Look(look)
    layers, found = _layers(options["layers"])
    hosts, unknown = _hosts(look, options)
    found += unknown
    steps = restart_steps(look, options["groups"], layers, hosts)
    found += _silent(look, steps)
    if "databases" in layers:
        found += _minority(look, {step["host"] for step in steps if step["layer"] == "databases"})
    if "vswitchd" in layers and not options["interrupt"]:
        found += _interrupted(look, {step["host"] for step in steps if step["layer"] == "vswitchd"})
    return {"problems": found, "steps": steps}


def restart_steps(look, groups, layers, hosts):
    """Return the steps, one host of a layer each, numbered for whoever watches."""
    steps = []
    for layer, units in LAYERS.items():
        members = [host for host in groups[layer] if host in hosts] if layer in layers else []
        if layer == "databases":
            members.sort(key=lambda host: _leads(look, host))
        steps += [{"layer": layer, "host": host, "units": units} for host in members]
    return [
        {**step, "progress": "%d of %d, %s of %s" % (number, len(steps), step["layer"], step["host"])}
        for number, step in enumerate(steps, 1)
    ]


def _leads(look, host):
    """How many clusters the host leads: the last to be restarted does, so that a cluster elects once."""
    return sum(cluster.states.get(host, {}).get("role") == "leader" for cluster in look.clusters)


def _layers(text):
    """Return the layers that are named, and a reason for each that there is not."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    allowed = "all, " + ", ".join(LAYERS)
    if not names:
        return [], [problem("operation_layers is empty", "name some of %s" % allowed)]
    wrong = sorted(set(names) - {"all", *LAYERS})
    found = [problem("operation_layers: there is no layer %s" % name, "allowed are %s" % allowed) for name in wrong]
    chosen = [layer for layer in LAYERS if layer in names or ("all" in names and layer not in ON_REQUEST)]
    return chosen, found


def _hosts(look, options):
    everybody = sorted(look.everyone)
    if not options["host"]:
        return everybody, []
    if options["host"] not in everybody:
        text = "%s is no host of the inventory; it has %s" % (options["host"], named(everybody))
        return [], [problem(text, "operation_host is a name of the group weft, or empty for all")]
    return [options["host"]], []


def _silent(look, steps):
    silent = sorted({step["host"] for step in steps if not look.everyone[step["host"]]})
    advice = "bring it back, or take it out with remove_node; or name one host with operation_host"
    return [problem("%s cannot be reached, so its services cannot be restarted" % host, advice) for host in silent]


def _minority(look, hosts):
    """A member's restart must leave a majority. One that is alone has nobody to wait for."""
    found = look.without_majority()
    for cluster in look.clusters:
        if not cluster.connected or len(cluster.servers) == 1:
            continue
        for host in sorted(hosts):
            address = cluster.states.get(host, {}).get("address")
            if address and not cluster.survives_without(address):
                text = "%s: while %s restarts there is no majority" % (cluster.name, host)
                found.append(problem(text, "bring the other members back first: playbook recover_databases"))
    return found


def _interrupted(look, hosts):
    found = []
    for host in sorted(hosts):
        names = {"%s/%s" % (row["pod_namespace"], row["pod_name"]) for row in look.table("Port") if row["host"] == host}
        if names:
            text = "%d workloads on %s lose packets while vswitchd restarts: %s" % (len(names), host, named(names))
            found.append(problem(text, "say operation_interrupt=true, or leave vswitchd out of operation_layers"))
    return found
