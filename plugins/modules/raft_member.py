#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: raft_member
short_description: Database files of a member of OVSDB clusters
version_added: 0.1.0
author: The Weft authors (@weft)
description:
  - Tells for each database whether the host has its file, of which cluster it is, and whom the running server sees.
  - Makes the file of a new cluster, or of a member that joins one, where O(databases[].action) asks for it. An existing
    file is never touched.
  - Keeps a note with the cluster's identity outside the database's directory. A member whose database was lost is then
    told apart from one that never had a database.
notes:
  - The filter C(weft.ovn.raft_plan) decides who has to do what.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: Nothing is written; what would change is reported.
  diff_mode:
    support: none
    description: The files are databases.
  platform:
    support: full
    platforms: posix
    description: The host runs Linux.
options:
  note_directory:
    description: Directory of the notes.
    type: path
    default: /etc/weft/raft
  election_timer:
    description:
      - Milliseconds without a leader until a new cluster's members elect one. Only used when a cluster is made.
    type: int
    default: 5000
  databases:
    description: The databases.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the database.
        type: str
        required: true
      path:
        description: Path of its file.
        type: path
        required: true
      control:
        description: Path of the running server's control socket.
        type: path
        required: true
      schema:
        description: Path of the schema on the host, for a new cluster.
        type: path
      address:
        description: Address of this member for the others, as C(ssl:192.0.2.11:6643).
        type: str
        required: true
      action:
        description: What to do when the file does not exist.
        type: str
        choices: [none, bootstrap, join]
        default: none
      cluster:
        description: Identity of the cluster to join. A server of another cluster is then refused.
        type: str
      remotes:
        description: Addresses of the members to join.
        type: list
        elements: str
        default: []
"""

EXAMPLES = r"""
- name: What databases does the member have?
  weft.ovn.raft_member:
    databases:
      - name: OVN_Northbound
        path: /var/lib/ovn/ovnnb_db.db
        control: /run/ovn/ovnnb_db.ctl
        address: ssl:192.0.2.11:6643
  register: member
"""

RETURN = r"""
databases:
  description:
    - By name, whether the file C(exists) and is C(clustered), the C(cluster) it is of, the cluster C(noted) when the
      file was made, this member's C(address), and the addresses of the C(servers) that the running server knows.
  type: dict
  returned: always
"""

import os
import re

from ansible.module_utils.basic import AnsibleModule

SERVER = re.compile(r"^\s+\S+ \(\S+ at (\S+)\)", re.MULTILINE)


class Member:
    """The files of one member; every question is answered by ovsdb-tool or the running server."""

    def __init__(self, module):
        self._module = module
        self.changed = False

    def _run(self, *command):
        status, output, error = self._module.run_command(list(command))
        return status, output.strip(), error.strip()

    def _ask(self, *command):
        status, output, _error = self._run(*command)
        return output if status == 0 else ""

    def _note(self, database):
        return os.path.join(self._module.params["note_directory"], database["name"] + ".cluster")

    def _noted(self, database):
        try:
            with open(self._note(database), encoding="ascii") as stream:
                return stream.read().strip()
        except FileNotFoundError:
            return ""

    def state(self, database):
        path = database["path"]
        exists = os.path.exists(path)
        clustered = exists and self._run("ovsdb-tool", "db-is-clustered", path)[0] == 0
        status = ""
        if clustered and os.path.exists(database["control"]):
            status = self._ask(
                "ovs-appctl", "--timeout=5", "-t", database["control"], "cluster/status", database["name"]
            )
        return {
            "exists": exists,
            "path": path,
            "clustered": clustered,
            "cluster": self._ask("ovsdb-tool", "db-cid", path) if clustered else "",
            "noted": self._noted(database),
            "address": database["address"],
            "servers": SERVER.findall(status),
        }

    def make(self, database):
        """Make the file under another name first, so that a failure leaves nothing that looks like a database."""
        self.changed = True
        if self._module.check_mode:
            return
        path = database["path"]
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        temporary = path + ".new"
        if os.path.exists(temporary):
            os.unlink(temporary)
        status, _output, error = self._run("ovsdb-tool", *self._arguments(database, temporary))
        if status != 0:
            self._module.fail_json(msg="%s: %s failed: %s" % (database["name"], database["action"], error))
        self._write_note(database, database["cluster"] or self._ask("ovsdb-tool", "db-cid", temporary))
        os.rename(temporary, path)

    def _arguments(self, database, path):
        if database["action"] == "bootstrap":
            timer = "--election-timer=%d" % self._module.params["election_timer"]
            return [timer, "create-cluster", path, database["schema"], database["address"]]
        cluster = ["--cid=%s" % database["cluster"]] if database["cluster"] else []
        return [*cluster, "join-cluster", path, database["name"], database["address"], *database["remotes"]]

    def _write_note(self, database, cluster):
        note = self._note(database)
        os.makedirs(os.path.dirname(note), mode=0o755, exist_ok=True)
        with open(note, "w", encoding="ascii") as stream:
            stream.write(cluster + "\n")

    def keep_note(self, database, state):
        """Note the cluster of a file that is older than the notes."""
        if state["cluster"] and not state["noted"]:
            self.changed = True
            if not self._module.check_mode:
                self._write_note(database, state["cluster"])


def main():
    database = {
        "name": {"type": "str", "required": True},
        "path": {"type": "path", "required": True},
        "control": {"type": "path", "required": True},
        "schema": {"type": "path"},
        "address": {"type": "str", "required": True},
        "action": {"type": "str", "choices": ["none", "bootstrap", "join"], "default": "none"},
        "cluster": {"type": "str"},
        "remotes": {"type": "list", "elements": "str", "default": []},
    }
    module = AnsibleModule(
        argument_spec={
            "note_directory": {"type": "path", "default": "/etc/weft/raft"},
            "election_timer": {"type": "int", "default": 5000},
            "databases": {"type": "list", "elements": "dict", "required": True, "options": database},
        },
        supports_check_mode=True,
    )
    member = Member(module)
    states = {}
    for item in module.params["databases"]:
        state = member.state(item)
        if item["action"] != "none" and not state["exists"]:
            member.make(item)
            state = member.state(item) if not module.check_mode else {**state, "exists": True, "clustered": True}
        else:
            member.keep_note(item, state)
        states[item["name"]] = state
    module.exit_json(changed=member.changed, databases=states)


if __name__ == "__main__":
    main()
