# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who of a cluster's members bootstraps, joins, or must not be touched.

Bootstrapping a database is the one step of an installation that can destroy a fabric: a second cluster beside the first
takes half of the clients. So the decision is made once, over what all members have, before anything is written, and it
is a pure function that tests can ask about every slip of an operator.
"""

from __future__ import annotations

from ansible.errors import AnsibleFilterError

SIZES = (1, 3, 5)


def _plain(value):
    """Copy a lazy or tagged container into plain ones."""
    if hasattr(value, "items"):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


class _Database:
    """The members' states of one database, and what follows from them."""

    def __init__(self, name, members, states, join_first, option):
        self._name = name
        self._members = members
        self._states = states
        self._join_first = join_first
        self._option = option
        self._present = [host for host in members if states.get(host, {}).get("exists")]
        self._missing = [host for host in members if host in states and not states[host]["exists"]]
        self._unseen = [host for host in members if host not in states]
        self.errors = []

    def _refuse(self, text):
        self.errors.append("%s: %s" % (self._name, text))

    def _clusters(self):
        clusters = {}
        for host, state in self._states.items():
            for cluster in {state["cluster"], state["noted"]} - {""}:
                clusters.setdefault(cluster, []).append(host)
        return clusters

    def _check_present(self):
        for host in self._present:
            if not self._states[host]["clustered"]:
                self._refuse(
                    "%s has the standalone database %s; move it away, or bring its content into a cluster with "
                    "'ovsdb-tool create-cluster' first" % (host, self._states[host]["path"])
                )
        clusters = self._clusters()
        if len(clusters) > 1:
            told = "; ".join(
                "%s on %s" % (cluster, ", ".join(sorted(hosts))) for cluster, hosts in sorted(clusters.items())
            )
            self._refuse("members are of different clusters: %s" % told)

    def _check_missing(self):
        servers = {address for host in self._present for address in self._states[host]["servers"]}
        for host in self._missing:
            state = self._states[host]
            if state["noted"]:
                self._refuse(
                    "%s was a member of cluster %s and lost its database %s; put the file back, or remove the member "
                    "from the cluster (cluster/kick) and then its note in /etc/weft/raft"
                    % (host, state["noted"], state["path"])
                )
            elif state["address"] in servers:
                self._refuse(
                    "%s has no database, but the cluster lists its address %s; remove the old member first "
                    "(cluster/kick)" % (host, state["address"])
                )
            elif self._present and host == self._members[0] and not self._join_first:
                self._refuse(
                    "%s is the first member and has no database, while %s have one; it would bootstrap a second "
                    "cluster. To let it join, set %s: true" % (host, ", ".join(self._present), self._option)
                )

    def actions(self):
        """Return the action of each member that lacks the database; errors are collected beside it."""
        self._check_present()
        self._check_missing()
        if self.errors or not self._missing:
            return {}
        if self._present:
            return {host: self._join(self._present) for host in self._missing}
        if self._unseen:
            self._refuse(
                "refusing to bootstrap a cluster: %s not part of this run (--limit, or unreachable), so nobody knows "
                "whether they have a database" % ", ".join(self._unseen)
            )
            return {}
        first = self._members[0]
        actions = {host: self._join([first]) for host in self._missing}
        actions[first] = {"action": "bootstrap"}
        return actions

    def _join(self, hosts):
        cluster = next((self._states[host]["cluster"] for host in hosts if self._states[host]["cluster"]), "")
        return {"action": "join", "cluster": cluster, "remotes": [self._states[host]["address"] for host in hosts]}


def raft_plan(states, members, join_first=False, option="ovn_central_join_first"):
    """Return {'errors': [text], 'actions': {host: {database: action}}} for the states by host and database.

    `option` is the name of the variable that `join_first` is, for what an operator is told.
    """
    states = {host: state for host, state in _plain(states).items() if state}
    members = [str(member) for member in members]
    result = {"errors": [], "actions": {host: {} for host in members}}
    if len(members) not in SIZES:
        result["errors"].append("%d members %s: 1, 3 or 5 are allowed" % (len(members), members))
    for name in sorted({name for state in states.values() for name in state}):
        database = _Database(name, members, {host: state[name] for host, state in states.items()}, join_first, option)
        for host, action in database.actions().items():
            result["actions"][host][name] = action
        result["errors"] += database.errors
    return result


def registered(hosts, hostvars, name, key):
    """Return {host: value} of a key in the variable that a task registered, {} for hosts that did not run it."""
    found = {}
    for host in hosts:
        result = hostvars[host].get(name) or {}
        found[str(host)] = _plain(result.get(key) or {})
    return found


def not_empty(values):
    """Return the dictionary without its empty values."""
    return {key: value for key, value in values.items() if value}


def member_addresses(hosts, hostvars, variable="ovn_central_address"):
    """Return the address of each host: the variable where the inventory gives it, else how Ansible reaches the host."""
    addresses = []
    for host in hosts:
        variables = hostvars[host]
        address = variables.get(variable) or variables.get("ansible_host") or host
        addresses.append(str(address))
    return addresses


def database_servers(groups, relays=True):
    """Return the hosts at whose ports 6642 and 6645 all others find the databases: relays, or else the members."""
    members = groups.get("ovn_central") or []
    return [str(host) for host in ((relays and groups.get("ovn_relays")) or members)]


def remotes(addresses, port, scheme="ssl"):
    """Return the addresses as one OVSDB remote that names every member."""
    if not addresses:
        raise AnsibleFilterError("no member of the databases is known: is the inventory's group ovn_central empty?")
    return ",".join("%s:%s:%s" % (scheme, "[%s]" % item if ":" in item else item, port) for item in addresses)


class FilterModule:
    """The filters of the roles that know the databases."""

    def filters(self):
        return {
            "database_servers": database_servers,
            "member_addresses": member_addresses,
            "not_empty": not_empty,
            "raft_plan": raft_plan,
            "registered": registered,
            "remotes": remotes,
        }
