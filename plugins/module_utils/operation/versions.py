# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May the fabric's programs be upgraded: every reason why not, and which packages of which host are due.

Beside what others need, the look has C(versions): by host C(manager) (the package manager's name, empty when it is none
that is known here), C(policy) (what C(apt-cache policy) printed) and C(matches_northd).
"""

from __future__ import annotations

import re

from ansible_collections.weft.ovn.plugins.module_utils.operation.look import Look, named, problem
from ansible_collections.weft.ovn.plugins.module_utils.operation.nodes import REACH

OVN = ("ovn-common", "ovn-host", "ovn-central", "ovn-ic", "ovn-ic-db")
SWITCH = ("openvswitch-common", "openvswitch-switch")
YEARS = 2
"""Between releases with long support: OVN is upgraded from one of them to the next at most."""


def parse_policy(text):
    """Return {package: (installed, candidate)} of packages that are installed."""
    found, name = {}, ""
    for line in text.splitlines():
        if line and not line.startswith(" "):
            name = line.strip().rstrip(":")
        match = re.match(r"\s+(Installed|Candidate): (\S+)", line)
        if match and match[2] != "(none)":
            found.setdefault(name, {})[match[1]] = match[2]
    return {name: (both["Installed"], both["Candidate"]) for name, both in found.items() if len(both) == 2}


def release(version):
    """Return (year, month) of a release of OVN, as 25.03 has it; None of another version."""
    match = re.match(r"(?:\d+:)?(\d\d)\.(\d\d)\b", version)
    return (int(match[1]), int(match[2])) if match else None


class Upgrade:
    """What is due, and what speaks against it."""

    def __init__(self, look, options):
        self.look, self.switch = Look(look), options["switch"]
        self.versions = look.get("versions") or {}
        self.packages = {
            host: parse_policy(told.get("policy", "")) for host, told in self.versions.items() if told.get("manager")
        }
        self.problems = self.look.without_majority() + self.look.without_controller()

    def refuse(self, text, advice):
        self.problems.append(problem(text, advice))

    def plan(self):
        self._check_hosts()
        self._check_members()
        self._check_releases()
        return {"problems": self.problems, "packages": self._due(), "story": self._story()}

    def _wanted(self):
        return OVN if self.switch == "leave" else OVN + SWITCH

    def _due(self):
        """Packages by host that have a newer version."""
        return {
            host: [name for name in self._wanted() if name in found and found[name][0] != found[name][1]]
            for host, found in self.packages.items()
        }

    # --- what speaks against it ---

    def _check_hosts(self):
        reachable = {host: facts["reachable"] for host, facts in {**self.look.members, **self.look.hosts}.items()}
        for host in sorted(reachable):
            if not reachable[host]:
                self.refuse("%s cannot be reached" % host, REACH % host)
            elif not self.versions.get(host, {}).get("manager"):
                self.refuse("%s has no package manager that is known here (apt)" % host, "upgrade it by hand")
            elif host in self.look.hosts and not self.look.ready(host):
                self.refuse(
                    "host %s is not ready" % host, "see 'weftctl node %s'; nothing is upgraded onto trouble" % host
                )
            if self.versions.get(host, {}).get("matches_northd"):
                text = "%s has external_ids:ovn-match-northd-version, so its ovn-controller would do nothing" % host
                advice = (
                    "ovs-vsctl remove Open_vSwitch . external_ids ovn-match-northd-version: hosts come before northd"
                )
                self.refuse(text, advice)

    def _check_members(self):
        """Each server restarts once, and nobody else may be away then."""
        for cluster in self.look.clusters:
            if not cluster.connected:
                continue  # said already
            away = [host for host in cluster.states if not cluster.whole(host)]
            if away:
                text = "%s: %s does not take part, or its file is damaged" % (cluster.name, named(away))
                self.refuse(text, "playbook recover_databases, or replace_database_member")

    def _check_releases(self):
        targets = {}
        for host, found in sorted(self.packages.items()):
            for name in self._wanted():
                if name in found:
                    targets.setdefault(name, {}).setdefault(found[name][1], []).append(host)
        for name, versions in sorted(targets.items()):
            if len(versions) > 1:
                shown = "; ".join("%s on %s" % (version, named(hosts)) for version, hosts in sorted(versions.items()))
                self.refuse("%s would differ: %s" % (name, shown), "give all hosts the same package sources")
        jumps = {both for found in self.packages.values() for name, both in found.items() if name in OVN}
        for before, after in sorted(jumps):
            old, new = release(before), release(after)
            if old and new and (new[0] + new[1] / 12) - (old[0] + old[1] / 12) > YEARS:
                advice = "go by way of a release with long support in between: %d.03" % (
                    old[0] + YEARS - old[0] % YEARS
                )
                self.refuse("OVN %s is too far from %s for one step" % (after, before), advice)

    # --- for a person ---

    def _story(self):
        due = self._due()
        steps = {}
        for host, names in due.items():
            for name in names:
                steps.setdefault("%s %s -> %s" % (name, *self.packages[host][name]), []).append(host)
        story = ["%s on %s" % (step, named(hosts)) for step, hosts in sorted(steps.items())]
        restarts = {
            "leave": "Open vSwitch is left alone",
            "keep": "Open vSwitch runs on as it is until somebody restarts it",
        }
        return [
            *(story or ["no package has a newer version"]),
            "ovn-controller and agents restart host by host, databases and northd member by member, then controllers",
            restarts[self.switch],
        ]


def upgrade(look, options):
    """Reasons not to upgrade, and the packages that are due."""
    return Upgrade(look, options).plan()
