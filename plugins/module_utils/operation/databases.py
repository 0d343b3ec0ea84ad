# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May a member of the databases be replaced, may databases be saved, restored or rebuilt: every reason why not."""

from __future__ import annotations

from ansible_collections.weft.ovn.plugins.module_utils.operation.look import Look, named, problem

RECOVER = "playbook recover_databases brings a majority back"

STALE_AFTER = 6 * 3600
"""Seconds after which nobody goes on with a rebuild unasked."""


def gone_address(state, lost):
    """Return the address of the server that goes: the member's own, or with the port of its own one that is lost."""
    if not lost:
        return state["address"]
    host = "[%s]" % lost if ":" in lost else lost
    return "ssl:%s:%s" % (host, state["address"].rpartition(":")[2])


def replace_member(look, options):
    """Reasons not to make a member anew, and which databases would be."""
    look, host = Look(look), options["host"]
    if host not in look.members:
        text = "%s is no member of the databases; members are %s" % (host, named(look.members) or "none")
        return {"problems": [problem(text, "name a host of the inventory's group ovn_central")], "databases": []}
    found = look.without_majority()
    if not look.members[host]["reachable"]:
        advice = (
            "repair or reinstall it; another machine in its place goes into ovn_central, with operation_lost_address"
        )
        found.append(problem("%s cannot be reached" % host, advice))
    due = []
    for cluster in look.clusters:
        state = cluster.states.get(host) or {}
        if not state or not cluster.connected:
            continue
        gone = gone_address(state, options["lost_address"])
        if not (options["alive"] or not cluster.whole(host) or gone in set(cluster.servers) - {state["address"]}):
            continue
        due.append({"name": cluster.name, "gone": gone})
        found += _unsafe(cluster, host, gone, options["lost_address"])
    return {"problems": found, "databases": due}


def _unsafe(cluster, host, gone, lost):
    found = []
    if cluster.servers == [gone]:
        text = "%s: %s is the only member, nobody else has the data" % (cluster.name, host)
        found.append(problem(text, "playbook backup, then restore onto the new machine"))
    elif not cluster.survives_without(gone):
        left = named(server for server in cluster.alive if server != gone) or "nobody"
        text = "%s: without %s there is no majority, only %s would be left alive" % (cluster.name, gone, left)
        found.append(problem(text, "bring the other members back first; " + RECOVER))
    others = {state["address"]: name for name, state in cluster.states.items() if state and name != host}
    if lost and gone in others and others[gone] in cluster.connected:
        text = "%s: %s, said to be lost, is %s, which takes part" % (cluster.name, gone, others[gone])
        found.append(problem(text, "operation_lost_address is that of a machine that is gone"))
    return found


def back_up(look, _options):
    """Reasons not to save the databases: what a minority has may be old."""
    return Look(look).without_majority()


def restore(look, options, archive):
    """Reasons not to put an archive in the place of the databases."""
    look = Look(look)
    manifest = archive.get("manifest") or {}
    advice = "'ls' the backups, and take another archive"
    found = [problem(text, advice) for text in archive.get("problems", [])]
    found += [
        problem("%s cannot be reached" % host, "every member is written anew: bring it back, or out of ovn_central")
        for host, member in sorted(look.members.items())
        if not member["reachable"]
    ]
    for cluster in look.clusters:
        if manifest and cluster.name not in manifest["databases"]:
            found.append(problem("the archive has no %s" % cluster.name, "take an archive of the whole fabric"))
    if manifest and not options["overwrite"]:
        found += _overwritten(look, manifest, archive.get("ports", []))
    return found


def _overwritten(look, manifest, saved):
    """What lives would be lost. Nothing does where no database has a majority, or where a restore was killed."""
    begun = any(state.get("staged") for cluster in look.clusters for state in cluster.states.values())
    if begun or not any(cluster.connected for cluster in look.clusters):
        return []
    found = []
    advice = "say operation_overwrite=true if it is to be lost; what is there now is saved first"
    live = next((row["uid"] for row in look.table("Fabric")), "")
    ports = {row["name"] for row in look.table("Port")}
    if live and live != manifest["fabric"] and ports:
        text = "the archive is of fabric %s, and fabric %s lives here" % (manifest["fabric"], live)
        found.append(problem(text, advice))
    elif ports:
        text = "the databases work: what was written since %s would be lost" % manifest["created"]
        newer = ports - set(saved)
        if newer:
            text += ", and %d workloads with it: %s" % (len(newer), named(newer))
        found.append(problem(text, advice))
    return found


class Recovery:
    """What each database needs: nothing, a member made anew, members started, or a cluster rebuilt."""

    def __init__(self, look, options):
        self._look = Look(look)
        self._options = options
        self.problems = []
        self.rejoin = {}
        self.start = {}
        self.rebuild = {}

    def plan(self):
        if not self._look.clusters:
            self.problems += self._look.without_majority()
        for cluster in self._look.clusters:
            staged = [host for host, state in cluster.states.items() if state.get("staged")]
            if staged and not all(cluster.whole(host) for host in cluster.states):
                self._go_on(cluster, staged[0])
            elif cluster.connected:
                self._mend(cluster)
            else:
                self._revive(cluster)
        return {
            "problems": self.problems,
            "rejoin": self.rejoin,
            "start": self.start,
            "rebuild": self.rebuild,
        }

    def _go_on(self, cluster, host):
        """An earlier run was killed while it made the cluster anew; what it began from is still there."""
        self.rebuild[cluster.name] = host
        age = int(self._look.now - cluster.states[host]["staged"])
        if age > STALE_AFTER:
            text = "%s: %s has had data for a rebuild since %d hours ago, in /var/lib/ovn/rebuild" % (
                cluster.name,
                host,
                age // 3600,
            )
            self.problems.append(problem(text, "remove that directory when it is not to be gone on with"))

    def _mend(self, cluster):
        """The majority holds: members that do not take part are made anew, or just started."""
        for host, state in cluster.states.items():
            if not state or cluster.whole(host):
                continue
            if state["exists"] and not state["damage"] and not state["status"]:
                self.start.setdefault(host, []).append(cluster.name)
            elif not cluster.survives_without(state["address"]):
                text = "%s: without %s there is no majority" % (cluster.name, host)
                self.problems.append(problem(text, "bring another member back first"))
            else:
                self.rejoin.setdefault(host, []).append({"name": cluster.name, "gone": state["address"]})

    def _revive(self, cluster):
        """No majority: enough members that only have to be started, or the best of what is left."""
        good = {
            host: state for host, state in cluster.states.items() if state and state["exists"] and not state["damage"]
        }
        stopped = [host for host, state in good.items() if not state["status"]]
        size = len(cluster.servers) or len(cluster.states)
        if len(good) * 2 > size and stopped:
            for host in stopped:
                self.start.setdefault(host, []).append(cluster.name)
        elif not good:
            text = "%s: no member that answers has a good file" % cluster.name
            self.problems.append(problem(text, "restore a backup: playbook restore"))
        else:
            self._rebuild(cluster, good)

    def _rebuild(self, cluster, good):
        best = max(good, key=lambda host: good[host]["end"])
        self.rebuild[cluster.name] = best
        lost = sorted(set(cluster.states) - set(good))
        if not self._options["accept_loss"]:
            text = (
                "%s: the majority is lost (%s); the best that is left is entry %d of %s, and what only the others had "
                % (
                    cluster.name,
                    named(lost) or "no leader",
                    good[best]["end"][1],
                    best,
                )
            )
            advice = "bring one of them back if it can be; else say operation_accept_loss=true"
            self.problems.append(problem(text + "would be lost", advice))


def recover(look, options):
    """Return the reasons not to go on, and who does what for each database."""
    return Recovery(look, options).plan()
