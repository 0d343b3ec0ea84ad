#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: interconnect_cleanup
short_description: Remove what ovn-ic left of a fabric's interconnection
version_added: 0.3.0
author: The Weft authors (@weft)
description:
  - For a fabric that leaves an interconnection for good, when its C(ovn-ic) has stopped. Copies of transit switches,
    learned routes, other zones' gateways and the zone's name go from the fabric's databases, and the zone, with its
    gateways, ports and routes, from the interconnection's Southbound.
  - The role C(ovn_interconnect) runs it at the end of its removal, after M(weft.ovn.interconnects) has taken the zone
    off its transit switches.
extends_documentation_fragment:
  - weft.ovn.attributes
  - weft.ovn.interconnect
attributes:
  check_mode:
    support: full
    description: The rows are read, nothing is written.
  diff_mode:
    support: full
    description: Shows what is there by table.
options:
  southbound:
    description: Where the zone's Southbound listens, without an access role.
    type: str
    default: unix:/run/ovn/ovnsb_db.sock
  ic_southbound:
    description: Where the interconnection's Southbound listens, like C(ssl:192.0.2.11:6656).
    type: str
    required: true
seealso:
  - module: weft.ovn.interconnects
"""

EXAMPLES = r"""
- name: Nothing is left of the interconnection
  weft.ovn.interconnect_cleanup:
    ic_southbound: ssl:192.0.2.11:6656
"""

RETURN = r"""
removed:
  description: The zone's name, and the names of the rows that were removed, by table; in check mode, that would be.
  type: dict
  returned: always
  sample:
    zone: az2
    Chassis: [lab1, lab2]
    Logical_Switch: [ts1]
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils.interconnect.leftovers import COLUMNS, SOUTHBOUND, Leftovers
from ansible_collections.weft.ovn.plugins.module_utils.interconnect.snapshot import IC_SOUTHBOUND, NORTHBOUND, Reader
from ansible_collections.weft.ovn.plugins.module_utils.interconnect.zone import CONNECTION
from ansible_collections.weft.ovn.plugins.module_utils.ovsdb import OvsdbError, connect, until
from ansible_collections.weft.ovn.plugins.module_utils.ovsdb_remote import TLS_FILES

# The name goes last: by it a run that ended halfway finds the rest.
REMOTES = {IC_SOUTHBOUND: "ic_southbound", SOUTHBOUND: "southbound", NORTHBOUND: "northbound"}


def cleaned(params, check):
    """Remove what is left, and return it as texts."""
    tls = {name: params[name] for name in TLS_FILES}
    clients = {}
    try:
        for database, option in REMOTES.items():
            clients[database] = connect(params[option], database, tls=tls)
        left = Leftovers({database: Reader(clients[database], database) for database in COLUMNS})
        for database in REMOTES if not check else ():
            operations = left.operations(database)
            if operations:
                clients[database].transact(database, operations)
        return left.told()
    finally:
        for client in clients.values():
            client.close()


def main():
    module = AnsibleModule(
        argument_spec={
            "southbound": {"type": "str", "default": "unix:/run/ovn/ovnsb_db.sock"},
            "ic_southbound": {"type": "str", "required": True},
            **CONNECTION,
        },
        supports_check_mode=True,
    )
    deadline = time.monotonic() + module.params["timeout"]
    try:
        removed = until(deadline, lambda: cleaned(module.params, module.check_mode))
    except OvsdbError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(removed), removed=removed, diff={"before": removed, "after": {}})


if __name__ == "__main__":
    main()
