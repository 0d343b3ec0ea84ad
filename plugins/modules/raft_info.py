#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: raft_info
short_description: How a member of OVSDB clusters is, and how its files are
version_added: 0.3.0
author: The Weft authors (@weft)
description:
  - Tells for each database whether its file is there and whole, how far its log goes, and what the running server says
    of its cluster.
  - Nothing is changed. Playbooks of operations decide by it what is safe.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: It only reads.
  diff_mode:
    support: none
    description: It only reads.
  platform:
    support: full
    platforms: posix
    description: The host runs Linux.
options:
  note_directory:
    description: Directory of the notes that M(weft.ovn.raft_member) keeps.
    type: path
    default: /etc/weft/raft
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
      socket:
        description: Path of the running server's database socket.
        type: path
        required: true
      address:
        description: Address of this member for the others, as C(ssl:192.0.2.11:6643).
        type: str
        required: true
      staged:
        description: Path of a lone database that a rebuild leaves there until it is done.
        type: path
"""

EXAMPLES = r"""
- name: How are the member's databases?
  weft.ovn.raft_info:
    databases:
      - name: OVN_Northbound
        path: /var/lib/ovn/ovnnb_db.db
        control: /run/ovn/ovnnb_db.ctl
        socket: /run/ovn/ovnnb_db.sock
        address: ssl:192.0.2.11:6643
  register: member
"""

RETURN = r"""
databases:
  description:
    - By name, whether the file C(exists), what is wrong with it (C(damage), empty when nothing is), the C(cluster) it
      is of, the cluster C(noted) when it was made, the C(end) of its log as term and index, this member's C(address),
      and when a rebuild was begun that has not ended (C(staged), seconds since 1970, else 0).
    - Of the running server, its C(status), C(role), identity (C(server)) and the C(servers) of its cluster, and whether
      it is C(connected), that is, has the majority behind it.
  type: dict
  returned: always
"""

import os
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils.ovsdb import Client, OvsdbError, connected
from ansible_collections.weft.ovn.plugins.module_utils.raft import cluster_status, log_end


def damage(module, path, running):
    """Return what ovsdb-tool finds wrong. A server may be in the middle of a record, so it is looked at twice then."""
    for attempt in range(2 if running else 1):
        if attempt:
            time.sleep(0.5)
        status, output, error = module.run_command(["ovsdb-tool", "check-cluster", path])
        if status == 0:
            return ""
    return (error or output).strip() or "ovsdb-tool check-cluster: exit code %d" % status


def has_majority(path, database):
    try:
        with Client(path, 5.0) as client:
            return connected(client, database)
    except OvsdbError:
        return False


def noted(directory, database):
    try:
        with open(os.path.join(directory, database + ".cluster"), encoding="ascii") as stream:
            return stream.read().strip()
    except FileNotFoundError:
        return ""


def staged(path):
    """Return when the lone database was laid there, 0 when there is none."""
    return int(os.stat(path).st_mtime) if path and os.path.exists(path) else 0


def state(module, database):
    path, name = database["path"], database["name"]
    running = cluster_status(module, database["control"], name)
    found = {
        "exists": os.path.exists(path),
        "damage": "",
        "cluster": "",
        "end": [0, 0],
        "noted": noted(module.params["note_directory"], name),
        "address": database["address"],
        "staged": staged(database["staged"]),
        "connected": bool(running["status"]) and has_majority(database["socket"], name),
    }
    if found["exists"]:
        found["damage"] = damage(module, path, bool(running["status"]))
        found["end"] = log_end(path)
        status, output, _error = module.run_command(["ovsdb-tool", "db-cid", path])
        found["cluster"] = output.strip() if status == 0 else ""
    found.update(running)
    return found


def main():
    text = {"type": "str", "required": True}
    path = {"type": "path", "required": True}
    database = {
        "name": text,
        "path": path,
        "control": path,
        "socket": path,
        "address": text,
        "staged": {"type": "path"},
    }
    module = AnsibleModule(
        argument_spec={
            "note_directory": {"type": "path", "default": "/etc/weft/raft"},
            "databases": {"type": "list", "elements": "dict", "required": True, "options": database},
        },
        supports_check_mode=True,
    )
    databases = {item["name"]: state(module, item) for item in module.params["databases"]}
    module.exit_json(changed=False, databases=databases)


if __name__ == "__main__":
    main()
