#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ovsdb_rows
short_description: Keep rows of an OVSDB database as described
version_added: 0.1.0
author: The Weft authors (@weft)
description:
  - Reads the rows that O(rows) describes from the database server behind a unix socket of the host, and writes what
    differs in one transaction.
  - Meant for the few rows of configuration that an installer owns (connections, access roles, the switch's own row).
    The rows of the logical network are the controller's.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: The rows are read and compared, nothing is written.
  diff_mode:
    support: full
    description: Shows the columns that change, by table and row.
  platform:
    support: full
    platforms: posix
    description: The host runs a database server.
options:
  socket:
    description: Path of the unix socket on which the database server listens.
    type: path
    required: true
  database:
    description: Name of the database, for instance V(OVN_Northbound) or V(Open_vSwitch).
    type: str
    required: true
  timeout:
    description:
      - Seconds to wait until the server answers, and until a clustered database has a majority.
      - A request that fails because the cluster just elects a leader is read, compared and sent again within this time.
    type: int
    default: 30
  schema:
    description:
      - Path of a schema on the host. A database whose schema is older is converted first. One that is newer is left as
        it is, since an upgrade of the members may be under way.
    type: path
  rows:
    description: The rows, in any order.
    type: list
    elements: dict
    required: true
    suboptions:
      table:
        description: Name of the table.
        type: str
        required: true
      match:
        description:
          - Columns and values that identify the row. They are also set when the row is inserted.
          - Empty means the only row of the table.
        type: dict
        default: {}
      values:
        description:
          - Columns that have exactly these values. A set is a list, a map a dictionary.
          - V(@ID) in a column of references means the row of this list with that O(rows[].id).
        type: dict
        default: {}
      keys:
        description:
          - Keys of map columns that have exactly these values, other keys are left alone. V(null) removes a key.
        type: dict
        default: {}
      elements:
        description: Elements that set columns have at least, other elements are left alone.
        type: dict
        default: {}
      insert:
        description: Columns set only when the row is inserted.
        type: dict
        default: {}
      id:
        description: A name by which other rows of this list refer to this one.
        type: str
      state:
        description: Whether the row exists.
        type: str
        choices: [present, absent]
        default: present
"""

EXAMPLES = r"""
- name: The Northbound database listens for its clients
  weft.ovn.ovsdb_rows:
    socket: /run/ovn/ovnnb_db.sock
    database: OVN_Northbound
    rows:
      - table: Connection
        id: clients
        match: {target: "pssl:6641:0.0.0.0"}
        values: {inactivity_probe: 60000}
      - table: NB_Global
        values: {connections: ["@clients"]}

- name: The switch knows its name and what it no longer is
  weft.ovn.ovsdb_rows:
    socket: /run/openvswitch/db.sock
    database: Open_vSwitch
    rows:
      - table: Open_vSwitch
        keys:
          external_ids: {system-id: host1, ovn-bridge-mappings: null}
"""

RETURN = r"""
operations:
  description: The number of rows inserted, changed and deleted.
  type: dict
  returned: always
  sample: {insert: 1, update: 1, delete: 0}
schema_version:
  description: The version of the database's schema, from which and to which it was converted.
  type: list
  elements: str
  returned: when O(schema) is newer
"""

import json
import os
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils.ovsdb import (
    UUID_PATTERN,
    Client,
    OvsdbError,
    Tables,
    TemporaryError,
    clustered,
    connected,
    until,
)


class Row:
    """One described row beside the row that the database has for it, if any."""

    def __init__(self, index, spec):
        self.spec = spec
        self.table = spec["table"]
        self.name = "row%d" % index
        self.uuid = None
        self.found = {}
        self.changes = {}

    @property
    def title(self):
        match = ", ".join("%s=%s" % item for item in sorted(self.spec["match"].items()))
        return "%s[%s]" % (self.table, match)

    @property
    def names(self):
        spec = self.spec
        return {*spec["match"], *spec["values"], *spec["keys"], *spec["elements"], *spec["insert"]}

    @property
    def verb(self):
        if self.spec["state"] == "absent":
            return "delete" if self.uuid else None
        if not self.uuid:
            return "insert"
        return "update" if self.changes else None


class Plan:
    """What one transaction has to do; built anew from the database for each attempt."""

    def __init__(self, client, database, specs):
        self._client = client
        self._database = database
        self._tables = Tables(client.schema(database))
        self.rows = [Row(index, spec) for index, spec in enumerate(specs)]
        self._by_id = {row.spec["id"]: row for row in self.rows if row.spec["id"]}
        self._read()
        for row in self.rows:
            if row.spec["state"] == "present":
                self._compare(row)

    def _where(self, row):
        clauses = []
        for name, value in sorted(row.spec["match"].items()):
            column = self._tables.column(row.table, name)
            clauses.append([name, "==", column.encode(column.canonical(value))])
        return clauses

    def _read(self):
        selects = []
        for row in self.rows:
            self._tables.check_table(row.table)
            names = sorted(row.names)
            for name in names:
                self._tables.column(row.table, name)
            selects.append(
                {"op": "select", "table": row.table, "where": self._where(row), "columns": ["_uuid", *names]}
            )
        for row, result in zip(self.rows, self._client.transact(self._database, selects)):
            self._adopt(row, result["rows"])

    def _adopt(self, row, found):
        if len(found) > 1:
            raise OvsdbError("%s: %s matches %d rows, one is allowed" % (self._database, row.title, len(found)))
        if found:
            row.uuid = found[0]["_uuid"][1]
            row.found = {name: self._tables.column(row.table, name).decode(found[0][name]) for name in row.names}

    def _resolve(self, reference):
        """Turn `@ID` into the UUID of that row, or into the name that it gets within the transaction."""
        if UUID_PATTERN.match(str(reference)):
            return str(reference)
        row = self._by_id.get(str(reference)[1:])
        if row is None or not str(reference).startswith("@"):
            raise OvsdbError(
                "reference %r: a UUID or one of %s is allowed" % (reference, ["@" + i for i in sorted(self._by_id)])
            )
        return row.uuid or row.name

    def _compare(self, row):
        wanted = dict(row.spec["values"])
        if not row.uuid:
            wanted.update(row.spec["match"])
            wanted.update(row.spec["insert"])
        for name, value in wanted.items():
            self._want(row, name, self._tables.column(row.table, name).canonical(value, self._resolve))
        for name, keys in row.spec["keys"].items():
            self._want(row, name, self._merged(row, name, keys))
        for name, elements in row.spec["elements"].items():
            column = self._tables.column(row.table, name)
            self._want(row, name, sorted({*row.found.get(name, []), *column.canonical(elements, self._resolve)}))

    def _merged(self, row, name, keys):
        column = self._tables.column(row.table, name)
        if not column.is_map or not isinstance(keys, dict):
            raise OvsdbError("%s.%s: got %r, keys of a map column are allowed" % (row.table, name, keys))
        merged = dict(row.found.get(name, {}))
        for key in keys:
            merged.pop(str(key), None)
        merged.update(column.canonical({key: value for key, value in keys.items() if value is not None}, self._resolve))
        return merged

    @staticmethod
    def _want(row, name, value):
        if not row.uuid or row.found[name] != value:
            row.changes[name] = value

    def operations(self):
        """Return the operations, each insert guarded against a second writer that inserted the row meanwhile."""
        guards, writes = [], []
        for row in self.rows:
            values = {name: self._tables.column(row.table, name).encode(value) for name, value in row.changes.items()}
            own = [["_uuid", "==", ["uuid", row.uuid]]]
            if row.verb == "insert":
                guards.append(self._absent(row))
                writes.append({"op": "insert", "table": row.table, "row": values, "uuid-name": row.name})
            elif row.verb == "update":
                writes.append({"op": "update", "table": row.table, "where": own, "row": values})
            elif row.verb == "delete":
                writes.append({"op": "delete", "table": row.table, "where": own})
        return guards + writes

    def _absent(self, row):
        columns = sorted(row.spec["match"]) or ["_uuid"]
        where = self._where(row)
        return {
            "op": "wait",
            "table": row.table,
            "where": where,
            "columns": columns,
            "until": "==",
            "rows": [],
            "timeout": 0,
        }

    def _shown(self, value):
        names = {}
        for identifier, row in self._by_id.items():
            names[row.name] = "@" + identifier
            if row.uuid:
                names[row.uuid] = "@" + identifier
        if isinstance(value, list):
            return [names.get(item, item) for item in value]
        if isinstance(value, dict):
            return {key: names.get(item, item) for key, item in value.items()}
        return names.get(value, value)

    def difference(self):
        before, after = {}, {}
        for row in self.rows:
            if row.verb == "delete":
                before[row.title] = {name: self._shown(value) for name, value in row.found.items()}
            elif row.verb:
                after[row.title] = {name: self._shown(value) for name, value in sorted(row.changes.items())}
                if row.uuid:
                    before[row.title] = {name: self._shown(row.found[name]) for name in sorted(row.changes)}
        return {"before": before, "after": after}

    def count(self):
        return {verb: sum(row.verb == verb for row in self.rows) for verb in ("insert", "update", "delete")}


def version(schema):
    return tuple(int(part) for part in schema["version"].split("."))


def newer_schema(params, client):
    """Return (version in use, schema to convert to), or None when the database needs no conversion."""
    if not params["schema"] or not os.path.exists(params["schema"]):
        return None
    with open(params["schema"], encoding="utf-8") as stream:
        wanted = json.load(stream)
    present = client.schema(params["database"])
    return (present["version"], wanted) if version(present) < version(wanted) else None


def persistent(schema):
    """Return the schema without ephemeral columns: clusters refuse them, ovsdb-tool makes them persistent as well."""
    for table in schema["tables"].values():
        for column in table["columns"].values():
            column.pop("ephemeral", None)
    return schema


def convert(params, write):
    """Convert an old database; return the versions before and after, or None."""
    with Client(params["socket"]) as client:
        found = newer_schema(params, client)
        if found and write:
            schema = persistent(found[1]) if clustered(client, params["database"]) else found[1]
            client.request("set_db_change_aware", [True])  # others lose their connection before the answer
            client.request("convert", [params["database"], schema])
    return [found[0], found[1]["version"]] if found else None


def attempt(params, plans, write):
    """Read, compare and write once, and keep the plan; TemporaryError asks for another attempt."""
    with Client(params["socket"]) as client:
        plan = Plan(client, params["database"], params["rows"])
        if not connected(client, params["database"]):
            raise TemporaryError("%s behind %s has no majority of its cluster" % (params["database"], params["socket"]))
        plans.append(plan)
        operations = plan.operations()
        if operations and write:
            client.transact(params["database"], operations)


def unstarted(params):
    """Return what check mode can say of a database that an earlier task would have made."""
    present = [row for row in params["rows"] if row["state"] == "present"]
    after = {
        Row(0, row).title: {**row["match"], **row["insert"], **row["values"], **row["elements"], **row["keys"]}
        for row in present
    }
    return {
        "changed": bool(present),
        "operations": {"insert": len(present), "update": 0, "delete": 0},
        "diff": {"before": {}, "after": after},
    }


def main():
    row = {
        "table": {"type": "str", "required": True},
        "match": {"type": "dict", "default": {}},
        "values": {"type": "dict", "default": {}},
        "keys": {"type": "dict", "default": {}, "no_log": False},
        "elements": {"type": "dict", "default": {}},
        "insert": {"type": "dict", "default": {}},
        "id": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    module = AnsibleModule(
        argument_spec={
            "socket": {"type": "path", "required": True},
            "database": {"type": "str", "required": True},
            "timeout": {"type": "int", "default": 30},
            "schema": {"type": "path"},
            "rows": {"type": "list", "elements": "dict", "required": True, "options": row},
        },
        supports_check_mode=True,
    )
    params = module.params
    if module.check_mode and not os.path.exists(params["socket"]):
        module.exit_json(**unstarted(params))
    plans = []
    deadline = time.monotonic() + params["timeout"]
    try:
        versions = until(deadline, lambda: convert(params, not module.check_mode))
        if versions and module.check_mode:
            diff = {"before": {"schema": versions[0]}, "after": {"schema": versions[1]}}
            module.exit_json(changed=True, schema_version=versions, operations={}, diff=diff)
        until(deadline, lambda: attempt(params, plans, not module.check_mode))
    except OvsdbError as error:
        module.fail_json(msg=str(error))
    # A reply that was lost may stand for a commit: the first plan says what this call changed.
    counts = plans[0].count()
    result = {"operations": counts, "diff": plans[0].difference()}
    if versions:
        result["schema_version"] = versions
    module.exit_json(changed=bool(versions) or any(counts.values()), **result)


if __name__ == "__main__":
    main()
