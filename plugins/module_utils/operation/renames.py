# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May a host get another name: every reason why not, and which workloads go along."""

from __future__ import annotations

import re

from ansible_collections.weft.ovn.plugins.module_utils.operation.look import Look, named, problem
from ansible_collections.weft.ovn.plugins.module_utils.operation.mentions import texts
from ansible_collections.weft.ovn.plugins.module_utils.operation.nodes import REACH

NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
FOLLOW = ("Pod", "IP", "Node")
"""Kinds whose objects name a host and follow it."""


def rename_host(look, options):
    """Reasons not to rename a host, and its workloads as M(weft.ovn.endpoint) takes them."""
    documents = look.get("documents") or []
    look, old, new = Look(look), options["old"], options["host"]
    found = look.without_majority() + look.without_controller() + _inventory(look, old, new)
    if options["kubernetes"]:
        text = "hosts are nodes of Kubernetes, and a node cannot get another name"
        advice = "remove_node, then let its kubelet register under the new name (--hostname-override), then add_node"
        found.append(problem(text, advice))
    if not NAME.fullmatch(new) or len(new) > 63:
        advice = "small letters, digits, - and . are allowed, as in names of machines"
        found.append(problem("operation_host: %r is no name of a host" % new, advice))
    found += _identity(look, old, new)
    if options["named"] != "leave":
        found += _mentioned(documents, old)
    workloads = [
        {"name": item["name"], "namespace": item["namespace"], "host": new}
        for item in documents
        if item["kind"] == "Pod" and item["spec"].get("nodeName") == old
    ]
    return {"problems": found, "workloads": workloads, "due": old in _known(look)}


def _known(look):
    """Hosts that the fabric knows, whatever the inventory says."""
    return {row["name"] for row in look.table("Chassis")} | {row["name"] for row in look.table("Host_Status")}


def _inventory(look, old, new):
    found = []
    if new not in look.hosts:
        text = "%s is not in the inventory's group ovn_hosts; it has %s" % (new, named(look.hosts) or "nobody")
        found.append(problem(text, "give the host its new name in the inventory first, ansible_host stays"))
    elif not look.hosts[new]["reachable"]:
        found.append(problem("%s cannot be reached" % new, REACH % new))
    if old in look.hosts or old in look.members:
        text = "%s is still in the inventory" % old
        found.append(problem(text, "the inventory has the new name in place of the old one"))
    return found


def _identity(look, old, new):
    """It is the same machine, and nobody else has the name."""
    known = _known(look)
    if old not in known and new not in known:
        text = "the fabric knows neither %s nor %s; it has %s" % (old, new, named(known) or "nobody")
        return [problem(text, "operation_old is a name that 'weftctl node' shows")]
    address = look.hosts.get(new, {}).get("address")
    found = []
    for name in (old, new):
        row = look.status(name)
        if address and row is not None and row["addresses"] and address not in row["addresses"]:
            text = "%s has the addresses %s, and %s of the inventory has %s" % (
                name,
                ", ".join(sorted(row["addresses"])),
                new,
                address,
            )
            found.append(problem(text, "a new name is for the same machine; else remove_node and add_node"))
    return found


def _mentioned(documents, old):
    """What names the host by a field of its own, as subnets name their gateways."""
    found = []
    for item in documents:
        for place, text in texts(item["spec"], "spec") if item["kind"] not in FOLLOW else ():
            if old in re.split(r"[,:;\s]+", text):
                name = "/".join(filter(None, (item["kind"], item["namespace"], item["name"])))
                advice = "name another host there first, or say operation_named=leave and change it afterwards"
                found.append(problem("%s %s names %s" % (name, place, old), advice))
    return found
