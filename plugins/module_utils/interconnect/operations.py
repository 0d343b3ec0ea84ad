# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations that make a zone's rows as interconnects say; each list is one transaction (RFC 7047, section 4.1.3)."""

from __future__ import annotations

from ansible_collections.weft.ovn.plugins.module_utils.interconnect import rows

PARENTS = {
    "Logical_Router_Port": ("Logical_Router", "ports"),
    "Logical_Router_Policy": ("Logical_Router", "policies"),
    "Logical_Switch_Port": ("Logical_Switch", "ports"),
}


class Northbound:
    """Operations on the zone's own database."""

    def __init__(self, tables, snapshot):
        self._tables = tables
        self._snapshot = snapshot
        self._guarded = set()
        self.operations = []
        self.dropped = False

    def settings(self, name, options):
        """The zone's name, and keys of its options; None removes one."""
        found = self._snapshot.settings
        if found["name"] != name:
            self._update("NB_Global", found["_uuid"], {"name": name})
        wanted = {key: value for key, value in options.items() if value is not None}
        changed = {key: value for key, value in wanted.items() if found["options"].get(key) != value}
        gone = sorted(key for key in found["options"] if key in changed or options.get(key, "") is None)
        mutations = [["options", "delete", ["set", gone]]] if gone else []
        mutations += [["options", "insert", ["map", sorted(map(list, changed.items()))]]] if changed else []
        if mutations:
            self.operations.append({"op": "mutate", "table": "NB_Global", "where": [], "mutations": mutations})

    def detach(self, switch):
        """Take away all that is ours for a transit switch."""
        for table, parent, column, holder, row in self._snapshot.held(switch):
            self._drop(table, parent, column, holder, row)

    def attach(self, switch, wanted):
        """Make the attachments to a transit switch as wanted; what is ours beside them goes."""
        found = {self._identity(table, holder, row): row for table, _p, _c, holder, row in self._snapshot.held(switch)}
        kept = set()
        for attachment in wanted:
            before = self._before(attachment, found)
            wanted_rows = attachment.columns()
            port = before["Logical_Router_Port"]
            wanted_rows["Logical_Router_Port"]["gateway_chassis"] = self._gateways(attachment, port)
            for table, columns in wanted_rows.items():
                kept.add(before[table]["_uuid"] if before[table] else None)
                self._put(table, attachment, before[table], columns)
        for table, parent, column, holder, row in self._snapshot.held(switch):
            if row["_uuid"] not in kept:
                self._drop(table, parent, column, holder, row)

    @staticmethod
    def _identity(table, holder, row):
        """Return what tells a row of ours from the others of a transit switch."""
        return table, row["options"].get("router-port") if table == "Logical_Switch_Port" else holder["name"]

    @staticmethod
    def _before(attachment, found):
        port = found.get(("Logical_Router_Port", attachment.router))
        return {
            "Logical_Router_Port": port,
            "Logical_Router_Policy": found.get(("Logical_Router_Policy", attachment.router)),
            "Logical_Switch_Port": found.get(("Logical_Switch_Port", port["name"] if port else attachment.router_port)),
        }

    def _gateways(self, attachment, port):
        """Return the port's set of gateway chassis; rows that stay keep their identity."""
        found = {}
        for uuid in port["gateway_chassis"] if port else ():
            found[self._snapshot.chassis[uuid]["chassis_name"]] = self._snapshot.chassis[uuid]
        chosen = []
        for chassis, priority in sorted(attachment.gateways.items()):
            name = attachment.gateway_name(chassis)
            columns = {"name": name, "chassis_name": chassis, "priority": priority}
            row = found.get(chassis)
            chosen.append(self._write("Gateway_Chassis", row, columns))
        return sorted(chosen)

    def _put(self, table, attachment, row, columns):
        """Make or change a row, and let its parent hold it."""
        uuid = self._write(table, row, columns)
        if row is None:
            parent, column = PARENTS[table]
            known = self._snapshot.switches if parent == "Logical_Switch" else self._snapshot.routers
            holder = known[attachment.switch if parent == "Logical_Switch" else attachment.router]
            self._guard(parent, holder)
            self._mutate(parent, column, holder, "insert", ["named-uuid", uuid])

    def _write(self, table, row, columns):
        """Return the UUID of a row with these columns, or its name within the transaction."""
        if row is None:
            name = "row%d" % len(self.operations)
            values = self._encoded(table, columns)
            self.operations.append({"op": "insert", "table": table, "row": values, "uuid-name": name})
            return name
        whole = {name: _with_others(row[name], value) for name, value in columns.items()}
        changed = {name: value for name, value in whole.items() if row[name] != value}
        if changed:
            self._update(table, row["_uuid"], changed)
        return str(row["_uuid"])

    def _update(self, table, uuid, columns):
        where = [["_uuid", "==", ["uuid", uuid]]]
        self.operations.append({"op": "update", "table": table, "where": where, "row": self._encoded(table, columns)})

    def _encoded(self, table, columns):
        return {
            name: column.encode(column.canonical(value))
            for name, value in columns.items()
            for column in [self._tables.column(table, name)]
        }

    def _guard(self, table, holder):
        """A holder that is gone meanwhile ends the transaction: its new row would vanish without a word."""
        if holder["_uuid"] in self._guarded:
            return
        self._guarded.add(holder["_uuid"])
        where = [["_uuid", "==", ["uuid", holder["_uuid"]]]]
        self.operations.insert(0, waiting(table, where, {"name": holder["name"]}))

    def _drop(self, table, parent, column, holder, row):
        self.dropped = True
        self._mutate(parent, column, holder, "delete", ["uuid", row["_uuid"]])
        if table == "Logical_Router_Port":
            for route in self._snapshot.learned(holder, row):
                self._mutate(parent, "static_routes", holder, "delete", ["uuid", route["_uuid"]])

    def _mutate(self, table, column, holder, mutator, reference):
        where = [["_uuid", "==", ["uuid", holder["_uuid"]]]]
        mutations = [[column, mutator, ["set", [reference]]]]
        self.operations.append({"op": "mutate", "table": table, "where": where, "mutations": mutations})


def _with_others(found, value):
    """Return a column's value; maps keep the keys of others, such as ovn-ic's requested-tnl-key."""
    return {**found, **value} if isinstance(value, dict) else value


def waiting(table, where, row):
    """Return the operation that ends a transaction when a row is not as it was read."""
    rows_ = [row] if row else []
    columns = sorted(row) if row else ["_uuid"]
    return {
        "op": "wait", "table": table, "where": where, "columns": columns, "until": "==", "rows": rows_, "timeout": 0,
    }  # fmt: skip


def join(zone, document, snapshot):
    """Return the operations on the interconnection's Northbound that put a zone on a transit switch."""
    name = document["metadata"]["name"]
    row = snapshot.transit.get(name)
    marks = rows.marks(zone, document)
    if row is None:
        values = {"name": name, "external_ids": _map(marks)}
        return [
            waiting("Transit_Switch", [["name", "==", name]], None),
            {"op": "insert", "table": "Transit_Switch", "row": values},
        ]
    found = row["external_ids"]
    if rows.MARK not in found:
        marks = {key: value for key, value in marks.items() if key.startswith(rows.ZONE)}
    if all(found.get(key) == value for key, value in marks.items()):
        return []
    return [_unchanged(row), _external_ids(row, {**found, **marks})]


def leave(zone, name, snapshot):
    """Return the operations that take a zone off a transit switch; the last one of ours takes ours with it."""
    row = snapshot.transit.get(name)
    if row is None or zone not in rows.zones(row["external_ids"]):
        return []
    rest = {key: value for key, value in row["external_ids"].items() if key != rows.ZONE + zone}
    if rows.MARK in rest and not rows.zones(rest):
        return [_unchanged(row), deletion("Transit_Switch", row)]
    return [_unchanged(row), _external_ids(row, rest)]


def withdraw(zone, names, snapshot):
    """Return the operations on the interconnection's Southbound that take back what a zone no longer leads to."""
    routes = [route for name in names for route in snapshot.stale(zone, name)]
    return [deletion("Route", route) for route in routes]


def deletion(table, row):
    """Return the operation that deletes a row."""
    return {"op": "delete", "table": table, "where": _where(row)}


def _unchanged(row):
    return waiting("Transit_Switch", _where(row), {"external_ids": _map(row["external_ids"])})


def _external_ids(row, values):
    return {"op": "update", "table": "Transit_Switch", "where": _where(row), "row": {"external_ids": _map(values)}}


def _where(row):
    return [["_uuid", "==", ["uuid", row["_uuid"]]]]


def _map(values):
    return ["map", sorted(map(list, values.items()))]
