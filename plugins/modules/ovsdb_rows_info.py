#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ovsdb_rows_info
short_description: Read rows of OVSDB databases
version_added: 0.3.0
author: The Weft authors (@weft)
description:
  - Reads columns of tables from database servers behind unix sockets of the host. Of a cluster any member answers, also
    one that has lost the majority, with what it knows.
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
    description: The host runs a database server.
options:
  databases:
    description: The databases. One whose server does not answer is left out, and named in RV(unanswered).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the database.
        type: str
        required: true
      socket:
        description: Path of its server's unix socket.
        type: path
        required: true
      tables:
        description: Columns by table. A column that the database's schema does not have is left out.
        type: dict
        required: true
"""

EXAMPLES = r"""
- name: Which hosts are registered?
  weft.ovn.ovsdb_rows_info:
    databases:
      - name: OVN_Southbound
        socket: /run/ovn/ovnsb_db.sock
        tables:
          Chassis: [name, hostname]
  register: southbound
"""

RETURN = r"""
rows:
  description: The rows by table. Maps are dictionaries, sets are lists.
  type: dict
  returned: always
unanswered:
  description: Why a database's rows are missing, by its name.
  type: dict
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils.ovsdb import Client, Column, OvsdbError


def select(client, schema, database, table, wanted):
    known = schema["tables"].get(table, {"columns": {}})["columns"]
    columns = {name: Column(table, name, known[name]) for name in wanted if name in known}
    if not columns:
        return []
    operation = {"op": "select", "table": table, "where": [], "columns": sorted(columns)}
    (answer,) = client.transact(database, [operation])
    return [{name: columns[name].decode(value) for name, value in row.items()} for row in answer["rows"]]


def read(database):
    name = database["name"]
    with Client(database["socket"], 10.0) as client:
        schema = client.schema(name)
        return {table: select(client, schema, name, table, columns) for table, columns in database["tables"].items()}


def main():
    database = {
        "name": {"type": "str", "required": True},
        "socket": {"type": "path", "required": True},
        "tables": {"type": "dict", "required": True},
    }
    module = AnsibleModule(
        argument_spec={"databases": {"type": "list", "elements": "dict", "required": True, "options": database}},
        supports_check_mode=True,
    )
    rows, unanswered = {}, {}
    for item in module.params["databases"]:
        try:
            rows.update(read(item))
        except OvsdbError as error:
            unanswered[item["name"]] = str(error)
    module.exit_json(changed=False, rows=rows, unanswered=unanswered)


if __name__ == "__main__":
    main()
