# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left of an interconnection when a zone's ovn-ic has stopped: nobody else takes it away.

In the zone itself these are the copies of transit switches on which other zones still are, routes that were learned,
and other zones' gateways, to which hosts keep tunnels. In the interconnection's Southbound it is the zone.
"""

from __future__ import annotations

from ansible_collections.weft.ovn.plugins.module_utils.interconnect.operations import deletion
from ansible_collections.weft.ovn.plugins.module_utils.interconnect.snapshot import (
    IC_SOUTHBOUND,
    LEARNED,
    NORTHBOUND,
)

SOUTHBOUND = "OVN_Southbound"
COLUMNS = {
    NORTHBOUND: {
        "NB_Global": ("name",),
        "Logical_Switch": ("name", "other_config"),
        "Logical_Router": ("name", "static_routes"),
        "Logical_Router_Static_Route": ("ip_prefix", "external_ids"),
    },
    SOUTHBOUND: {"Chassis": ("name", "other_config")},
    IC_SOUTHBOUND: {
        "Route": ("availability_zone", "ip_prefix"),
        "Port_Binding": ("availability_zone", "logical_port"),
        "Gateway": ("availability_zone", "name"),
        "Availability_Zone": ("name",),
    },
}


class Leftovers:
    """All of it by database and table; `readers` are by database."""

    def __init__(self, readers):
        rows = {database: readers[database].all(tables) for database, tables in COLUMNS.items()}
        self._routers = rows[NORTHBOUND]["Logical_Router"]
        self.zone = rows[NORTHBOUND]["NB_Global"][0]["name"]
        self.rows = {
            NORTHBOUND: self._northbound(rows[NORTHBOUND]),
            SOUTHBOUND: {"Chassis": [row for row in rows[SOUTHBOUND]["Chassis"] if _says(row, "is-remote", "true")]},
            IC_SOUTHBOUND: self._shared(rows[IC_SOUTHBOUND]),
        }

    @staticmethod
    def _northbound(tables):
        return {
            "Logical_Switch": [row for row in tables["Logical_Switch"] if row["other_config"].get("interconn-ts")],
            "Logical_Router_Static_Route": [
                row for row in tables["Logical_Router_Static_Route"] if LEARNED in row["external_ids"]
            ],
        }

    def _shared(self, tables):
        zones = [row for row in tables["Availability_Zone"] if self.zone and row["name"] == self.zone]
        ids = {row["_uuid"] for row in zones}
        held = {
            table: [row for row in found if row["availability_zone"] in ids]
            for table, found in tables.items()
            if table != "Availability_Zone"
        }
        return {**held, "Availability_Zone": zones}

    def told(self):
        """Return what there is as texts, for people."""
        names = {
            table: sorted(row.get("name") or row.get("ip_prefix") or row["logical_port"] for row in found)
            for tables in self.rows.values()
            for table, found in tables.items()
            if found
        }
        return {"zone": self.zone, **names} if self.zone else names

    def operations(self, database):
        """Return the operations that take it away from one database, in the order in which rows refer to each other."""
        found = [deletion(table, row) for table, rows in self.rows[database].items() for row in rows]
        if database == NORTHBOUND:
            found = self._without_routes() + [op for op in found if op["table"] == "Logical_Switch"]
            found += [{"op": "update", "table": "NB_Global", "where": [], "row": {"name": ""}}] if self.zone else []
        return found

    def _without_routes(self):
        """Routes go with the reference of their router."""
        learned = {row["_uuid"] for row in self.rows[NORTHBOUND]["Logical_Router_Static_Route"]}
        held = ((router, learned.intersection(router["static_routes"])) for router in self._routers)
        return [
            {
                "op": "mutate",
                "table": "Logical_Router",
                "where": [["_uuid", "==", ["uuid", router["_uuid"]]]],
                "mutations": [["static_routes", "delete", ["set", [["uuid", uuid] for uuid in sorted(uuids)]]]],
            }
            for router, uuids in held
            if uuids
        ]


def _says(row, key, value):
    return row["other_config"].get(key) == value
