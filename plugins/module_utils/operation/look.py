# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a fabric before an operation, as the prechecks ask for it.

A look is one dictionary: C(members) (hosts of the databases: C(reachable), C(databases) as M(weft.ovn.raft_info) has
them), C(hosts) (hosts of workloads: C(reachable), C(address)), C(rows) (what the databases say, by table), C(everyone)
(whether it answers, by host of the inventory), C(now) (seconds since 1970). Nothing here asks anybody.
"""

from __future__ import annotations

SILENT_AFTER = 90
"""Seconds after which a host whose agent says nothing counts as silent, as weftctl has it."""
SHOWN = 5


def problem(text, advice):
    return {"problem": text, "advice": advice}


def named(names):
    """Return a few of the names, and how many others there are."""
    names = sorted(names)
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (" and %d more" % more if more > 0 else "")


class Cluster:
    """One database's cluster, put together from what its members say."""

    def __init__(self, name, members):
        self.name = name
        self.states = {host: member["databases"].get(name, {}) for host, member in members.items()}
        self.unreachable = [host for host, member in members.items() if not member["reachable"]]
        connected = [host for host, state in self.states.items() if state.get("connected")]
        self.servers = self._servers(connected)
        self.connected = connected if self._may_have_majority() else []

    def _servers(self, connected):
        """Addresses of the cluster's servers, by a member that has the majority, else by who knows the most."""
        told = [self.states[host] for host in connected] or list(self.states.values())
        lists = [[server["address"] for server in state.get("servers", [])] for state in told]
        return max(lists, key=len, default=[])

    def _may_have_majority(self):
        """Whether enough servers run: the last one says for a while yet that it is connected.

        Of servers that could not be looked at, what it says is all that is known.
        """
        stopped = {state["address"] for state in self.states.values() if state and not state["status"]}
        return len(stopped.intersection(self.servers)) * 2 < len(self.servers)

    @property
    def alive(self):
        """Addresses of servers that take part."""
        return [self.states[host]["address"] for host in self.connected]

    def survives_without(self, address):
        """Whether those that are left have a majority among themselves."""
        rest = [server for server in self.servers if server != address]
        alive = [server for server in rest if server in self.alive]
        return len(alive) * 2 > len(rest)

    def whole(self, host):
        """Whether the host's server takes part and its file is good."""
        state = self.states.get(host, {})
        return bool(state.get("connected")) and state.get("exists", False) and not state.get("damage")


class Look:
    """Questions to a look that more than one operation asks."""

    def __init__(self, look):
        self.members = look["members"]
        self.hosts = look["hosts"]
        self.rows = look.get("rows") or {}
        self.everyone = look.get("everyone") or {}
        self.now = look["now"]
        names = {name for member in self.members.values() for name in member["databases"]}
        self.clusters = [Cluster(name, self.members) for name in sorted(names)]

    def table(self, name):
        return self.rows.get(name, [])

    def without_majority(self):
        """A reason for each database that cannot be written."""
        advice = "see 'weftctl status'; start what is stopped, else playbook recover_databases"
        if not self.clusters:
            return [problem("no member of ovn_central answers", "is the inventory right, are the hosts up?")]
        return [
            problem("%s: no member that answers has a majority behind it" % cluster.name, advice)
            for cluster in self.clusters
            if not cluster.connected
        ]

    def without_controller(self, own=""):
        """A reason when nobody would carry out what the databases are told. A pause for the reason `own` is none."""
        found = []
        for fabric in self.table("Fabric"):
            if not fabric.get("leader"):
                found.append(problem("no controller leads the fabric", "systemctl status weft-controller on its hosts"))
            why = (fabric.get("external_ids") or {}).get("pause-reason", "")
            if fabric.get("paused") and not (own and why == own):
                found.append(problem("the fabric is paused", "'weftctl resume', when the reason of the pause is over"))
        return found

    def status(self, host):
        """The row of the host's agent, None when the fabric does not know it."""
        return next((row for row in self.table("Host_Status") if row["name"] == host), None)

    def heard(self, host):
        """Seconds since the host's agent said anything, None when it never did."""
        row = self.status(host)
        return None if row is None else max(int(self.now - row["last_seen"]), 0)

    def ready(self, host):
        row = self.status(host)
        return row is not None and bool(row["ready"]) and self.heard(host) <= SILENT_AFTER

    def known(self):
        """Hosts that the fabric or the inventory knows."""
        chassis = {row["name"] for row in self.table("Chassis")}
        return chassis | {row["name"] for row in self.table("Host_Status")} | set(self.hosts)
