# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May a host of workloads join, may one leave: every reason why not, at once."""

from __future__ import annotations

from ansible_collections.weft.ovn.plugins.module_utils.operation.look import Look, named, problem

REACH = "is it up, does 'ansible -m ping %s' work?"


def add_node(look, options):
    """Reasons not to take a host into the fabric."""
    look, host = Look(look), options["host"]
    found = look.without_majority() + look.without_controller()
    if host not in look.hosts:
        text = "%s is not in the inventory's group ovn_hosts; it has %s" % (host, named(look.hosts) or "nobody")
        return [*found, problem(text, "add it to ovn_hosts and weft, with its ansible_host and its variables")]
    if not look.hosts[host]["reachable"]:
        found.append(problem("%s cannot be reached" % host, REACH % host))
    return found + _twins(look, host)


def _twins(look, host):
    """Somebody else has its address or its name."""
    found = []
    address = look.hosts[host]["address"]
    for other, facts in sorted(look.hosts.items()):
        if other != host and facts["address"] == address:
            text = "%s and %s have the same address %s in the inventory" % (host, other, address)
            found.append(problem(text, "correct ansible_host of one of them"))
    known = look.status(host)
    if known is not None and known["addresses"] and address not in known["addresses"]:
        text = "the fabric knows a host %s with the addresses %s, and this one has %s" % (
            host,
            ", ".join(sorted(known["addresses"])),
            address,
        )
        found.append(problem(text, "give this one another name, or take the other out with remove_node first"))
    return found


def remove_node(look, options):
    """Reasons not to take a host out of the fabric."""
    look, host = Look(look), options["host"]
    found = look.without_majority() + look.without_controller()
    if host not in look.known():
        text = "%s is no host of the fabric; it has %s" % (host, named(look.known()) or "none")
        return [*found, problem(text, "operation_host is a name that 'weftctl node' shows")]
    found += _dead(look, host, options["dead"])
    if options["workloads"] == "refuse":
        found += _workloads(look, host)
    if not options["last_gateway"]:
        found += _gateways(look, host)
    return found


def _dead(look, host, said):
    """Whoever cannot be reached may still forward packets: only a person knows that it is dead."""
    if look.hosts.get(host, {}).get("reachable"):
        return []
    if not said:
        advice = "repair the way to it; when it is dead for good, switch it off and say operation_dead=true"
        return [problem("%s cannot be reached, so its daemons cannot be stopped" % host, advice)]
    heard = look.heard(host)
    if look.ready(host):
        text = "%s is said to be dead, and its agent was heard of %d s ago" % (host, heard)
        return [problem(text, "switch it off, and wait until 'weftctl node' shows it as silent")]
    return []


def _workloads(look, host):
    ports = [row for row in look.table("Port") if row["host"] == host]
    if not ports:
        return []
    names = named({"%s/%s" % (row["pod_namespace"], row["pod_name"]) for row in ports})
    advice = "move them, or say operation_workloads=drain: Kubernetes then evicts its pods, endpoints are deleted"
    return [problem("%d workloads run on %s: %s" % (len(ports), host, names), advice)]


def _gateways(look, host):
    """Ways out of the fabric that only this host can carry now."""
    found = []
    for subject, hosts in _ways_out(look):
        others = [name for name in hosts if name != host]
        if host in hosts and not any(look.ready(name) for name in others):
            rest = "%s not ready" % named(others) if others else "nobody else is named"
            text = "%s leaves the fabric by %s only: %s" % (subject, host, rest)
            advice = "name a ready host as its gateway first, or say operation_last_gateway=true to cut it off"
            found.append(problem(text, advice))
    return found


def _ways_out(look):
    """Yield (what, its hosts)."""
    for subnet in look.table("Subnet"):
        if subnet.get("gateway_hosts"):
            yield "Subnet/%s" % subnet["name"], subnet["gateway_hosts"]
    chassis = {row["_uuid"]: row["chassis_name"] for row in look.table("Gateway_Chassis") + look.table("HA_Chassis")}
    for row in look.table("Logical_Router_Port"):
        if row.get("gateway_chassis"):
            yield "router port %s" % row["name"], [chassis[uuid] for uuid in row["gateway_chassis"] if uuid in chassis]
    for row in look.table("HA_Chassis_Group"):
        if row.get("ha_chassis"):
            yield "HA group %s" % row["name"], [chassis[uuid] for uuid in row["ha_chassis"] if uuid in chassis]
