#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: raft_server
short_description: Take a server out of OVSDB clusters
version_added: 0.3.0
author: The Weft authors (@weft)
description:
  - A server at an address is no longer of the cluster, for each database. Run on that server itself it leaves, and
    hands over the lead first; run on another member it is removed, alive or not.
  - Waits until the cluster has agreed. Nothing is done where the cluster does not have the address.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: Nothing is sent; what would change is reported.
  diff_mode:
    support: full
    description: Shows the servers of each cluster before and after.
  platform:
    support: full
    platforms: posix
    description: The host runs a member.
options:
  timeout:
    description: Seconds to wait for each cluster.
    type: int
    default: 30
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
      control:
        description: Path of the running server's control socket.
        type: path
        required: true
      address:
        description: Address of the server that goes, as C(ssl:192.0.2.11:6643).
        type: str
        required: true
"""

EXAMPLES = r"""
- name: The member that was lost is no longer of the cluster
  weft.ovn.raft_server:
    databases:
      - {name: OVN_Northbound, control: /run/ovn/ovnnb_db.ctl, address: "ssl:192.0.2.11:6643"}
"""

RETURN = r"""
removed:
  description: The databases whose cluster had the server.
  type: list
  elements: str
  returned: always
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils.raft import cluster_status

REPEAT = 3.0
"""Seconds after which a removal is asked for again."""


class Removal:
    """One server, one cluster."""

    def __init__(self, module, database):
        self._module = module
        self._database = database
        self._status = self._ask()
        self.addresses = self._addresses()

    def _ask(self):
        return cluster_status(self._module, self._database["control"], self._database["name"])

    def _addresses(self):
        return sorted(server["address"] for server in self._status["servers"])

    @property
    def due(self):
        return self._database["address"] in self.addresses and self._status["status"] not in ("", "left cluster")

    def run(self):
        """Ask again now and then: what a follower passes on is lost when no member leads just then."""
        deadline = time.monotonic() + self._module.params["timeout"]
        said, again = "", 0.0
        while time.monotonic() < deadline:
            if time.monotonic() > again:
                said, again = self._send(), time.monotonic() + REPEAT
            time.sleep(0.3)
            self._status = self._ask()
            self.addresses = self._addresses()
            if not self.due:
                return
        self._module.fail_json(
            msg="%s: %s is still of the cluster %d s after it was to be removed: %s"
            % (self._database["name"], self._database["address"], self._module.params["timeout"], said)
        )

    def _send(self):
        server = next(item for item in self._status["servers"] if item["address"] == self._database["address"])
        name = self._database["name"]
        verb = ["cluster/leave", name] if server["self"] else ["cluster/kick", name, server["id"]]
        command = ["ovs-appctl", "--timeout=10", "-t", self._database["control"], *verb]
        _status, output, error = self._module.run_command(command)
        return (error or output).strip()


def main():
    database = {
        "name": {"type": "str", "required": True},
        "control": {"type": "path", "required": True},
        "address": {"type": "str", "required": True},
    }
    module = AnsibleModule(
        argument_spec={
            "timeout": {"type": "int", "default": 30},
            "databases": {"type": "list", "elements": "dict", "required": True, "options": database},
        },
        supports_check_mode=True,
    )
    removed, before, after = [], {}, {}
    for item in module.params["databases"]:
        removal = Removal(module, item)
        if not removal.due:
            continue
        removed.append(item["name"])
        before[item["name"]] = removal.addresses
        after[item["name"]] = [address for address in removal.addresses if address != item["address"]]
        if not module.check_mode:
            removal.run()
    module.exit_json(changed=bool(removed), removed=removed, diff={"before": before, "after": after})


if __name__ == "__main__":
    main()
