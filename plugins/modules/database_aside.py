#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database_aside
short_description: Put database files of a member aside
version_added: 0.3.0
author: The Weft authors (@weft)
description:
  - Stops the database's unit, and moves its file into a directory beside it, under a name with the time. The note that
    the host was a member of the cluster goes, too, so that it may join or make one again.
  - Nothing is deleted, so that there is a way back.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: Nothing is stopped or moved; what would change is reported.
  diff_mode:
    support: full
    description: Shows the files that move.
  platform:
    support: full
    platforms: posix
    description: The host runs systemd.
options:
  note_directory:
    description: Directory of the notes that M(weft.ovn.raft_member) keeps.
    type: path
    default: /etc/weft/raft
  directory:
    description: Where files are put. It must be of the same file system.
    type: path
    default: /var/lib/ovn/aside
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
      unit:
        description: Its server's unit.
        type: str
        required: true
      keep:
        description: Identity of a cluster. A file that is of this cluster stays where it is.
        type: str
        default: ""
"""

EXAMPLES = r"""
- name: The damaged database is out of the way
  weft.ovn.database_aside:
    databases:
      - {name: OVN_Northbound, path: /var/lib/ovn/ovnnb_db.db, unit: ovn-ovsdb-server-nb.service}
"""

RETURN = r"""
moved:
  description: Where each file went, by the database's name. Empty where only the note was there.
  type: dict
  returned: always
"""

import os
import time

from ansible.module_utils.basic import AnsibleModule


class Aside:
    def __init__(self, module, database):
        self._module = module
        self._database = database
        self._note = os.path.join(module.params["note_directory"], database["name"] + ".cluster")

    @property
    def exists(self):
        return os.path.exists(self._database["path"])

    @property
    def due(self):
        return (self.exists or os.path.exists(self._note)) and not self._kept()

    def _kept(self):
        if not self._database["keep"] or not self.exists:
            return False
        status, output, _error = self._module.run_command(["ovsdb-tool", "db-cid", self._database["path"]])
        return status == 0 and output.strip() == self._database["keep"]

    def place(self):
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        return os.path.join(self._module.params["directory"], "%s-%s.db" % (self._database["name"], stamp))

    def run(self, place):
        status, _output, error = self._module.run_command(["systemctl", "stop", self._database["unit"]])
        if status not in (0, 5):  # 5: not installed yet
            self._module.fail_json(msg="systemctl stop %s: %s" % (self._database["unit"], error.strip()))
        if place:
            os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
            os.rename(self._database["path"], place)
        if os.path.exists(self._note):
            os.unlink(self._note)


def main():
    database = {
        "name": {"type": "str", "required": True},
        "path": {"type": "path", "required": True},
        "unit": {"type": "str", "required": True},
        "keep": {"type": "str", "default": ""},
    }
    module = AnsibleModule(
        argument_spec={
            "note_directory": {"type": "path", "default": "/etc/weft/raft"},
            "directory": {"type": "path", "default": "/var/lib/ovn/aside"},
            "databases": {"type": "list", "elements": "dict", "required": True, "options": database},
        },
        supports_check_mode=True,
    )
    moved, before, after = {}, {}, {}
    for item in module.params["databases"]:
        aside = Aside(module, item)
        if not aside.due:
            continue
        place = aside.place() if aside.exists else ""
        moved[item["name"]] = place
        before[item["name"]], after[item["name"]] = item["path"] if place else "", place
        if not module.check_mode:
            aside.run(place)
    module.exit_json(changed=bool(moved), moved=moved, diff={"before": before, "after": after})


if __name__ == "__main__":
    main()
