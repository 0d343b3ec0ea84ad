# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a zone has of interconnects, read from its Northbound and from the interconnection's two databases."""

from __future__ import annotations

import ipaddress

from ansible_collections.weft.ovn.plugins.module_utils.interconnect import rows, wish
from ansible_collections.weft.ovn.plugins.module_utils.ovsdb import Tables

NORTHBOUND, IC_NORTHBOUND, IC_SOUTHBOUND = "OVN_Northbound", "OVN_IC_Northbound", "OVN_IC_Southbound"
COLUMNS = {
    NORTHBOUND: {
        "NB_Global": ("name", "options"),
        "Logical_Router": ("name", "ports", "static_routes", "policies"),
        "Logical_Router_Port": ("name", "mac", "networks", "gateway_chassis", "external_ids"),
        "Logical_Router_Static_Route": ("ip_prefix", "nexthop", "policy", "external_ids"),
        "Gateway_Chassis": ("name", "chassis_name", "priority"),
    },
    IC_NORTHBOUND: {"Transit_Switch": ("name", "external_ids")},
    IC_SOUTHBOUND: {
        "Availability_Zone": ("name",),
        "Gateway": ("name", "availability_zone"),
        "Port_Binding": ("logical_port", "transit_switch", "availability_zone", "gateway", "address"),
        "Route": ("transit_switch", "availability_zone", "ip_prefix", "nexthop"),
    },
}
SWITCH = ("name", "ports")
SWITCH_PORT = ("name", "type", "addresses", "options", "external_ids")
POLICY = ("priority", "match", "action", "external_ids")
LEARNED = "ic-learned-route"


class Reader:
    """Rows of one database as dictionaries, with their UUID as `_uuid`."""

    def __init__(self, client, database):
        self._client = client
        self._database = database
        self.tables = Tables(client.schema(database))

    def select(self, queries):
        """Return a list of rows for each (table, columns, conditions), all as of one moment."""
        operations = [
            {"op": "select", "table": table, "columns": ["_uuid", *columns], "where": where}
            for table, columns, where in queries
        ]
        answers = self._client.transact(self._database, operations) if operations else []
        return [
            [self._row(table, columns, row) for row in answer["rows"]]
            for (table, columns, _where), answer in zip(queries, answers)
        ]

    def _row(self, table, columns, row):
        found = {name: self.tables.column(table, name).decode(row[name]) for name in columns}
        return {"_uuid": row["_uuid"][1], **found}

    def all(self, tables):
        """Return the rows of whole tables by table."""
        found = self.select([(table, columns, []) for table, columns in tables.items()])
        return dict(zip(tables, found))


class Snapshot:
    """See the module's text. `readers` are by database; tables are attributes of rows."""

    def __init__(self, readers, wanted=()):
        north, self._shared = (readers[name].all(COLUMNS[name]) for name in (NORTHBOUND, IC_SOUTHBOUND))
        self.transit = {
            row["name"]: row for row in readers[IC_NORTHBOUND].all(COLUMNS[IC_NORTHBOUND])["Transit_Switch"]
        }
        self.settings = north["NB_Global"][0]
        self.routers = {row["name"]: row for row in north["Logical_Router"]}
        self.router_ports = {row["_uuid"]: row for row in north["Logical_Router_Port"]}
        self._routes = {row["_uuid"]: row for row in north["Logical_Router_Static_Route"]}
        self.chassis = {row["_uuid"]: row for row in north["Gateway_Chassis"]}
        self._zones = {row["_uuid"]: row["name"] for row in self._shared["Availability_Zone"]}
        self._read_rest(readers[NORTHBOUND], wanted)

    def _read_rest(self, reader, wanted):
        """Read what is found by name only: transit switches, their ports, our policies."""
        names = sorted({*self.transit, *wanted, *(row["external_ids"].get(rows.MARK, "") for row in self.ours)} - {""})
        queries = [
            ("Logical_Switch", SWITCH, [["other_config", "includes", ["map", [["interconn-ts", name]]]]])
            for name in names
        ]
        policies = ("Logical_Router_Policy", POLICY, [["priority", "==", rows.POLICY_PRIORITY]])
        *switches, found = reader.select([*queries, policies])
        self.switches = {name: found[0] for name, found in zip(names, switches) if found}
        self.policies = {row["_uuid"]: row for row in found if rows.MARK in row["external_ids"]}
        uuids = [uuid for switch in self.switches.values() for uuid in switch["ports"]]
        ports = reader.select(
            [("Logical_Switch_Port", SWITCH_PORT, [["_uuid", "==", ["uuid", uuid]]]) for uuid in uuids]
        )
        self.switch_ports = {row["_uuid"]: row for found in ports for row in found}

    @property
    def zone(self):
        """The zone's name, as its Northbound has it."""
        return self.settings["name"]

    @property
    def ours(self):
        """The router ports that are ours."""
        return [row for row in self.router_ports.values() if rows.MARK in row["external_ids"]]

    def held(self, switch):
        """Return what is ours for a transit switch: (table, parent's table, column, parent's row, row)."""
        for router in self.routers.values():
            for column, table, known in (
                ("ports", "Logical_Router_Port", self.router_ports),
                ("policies", "Logical_Router_Policy", self.policies),
            ):
                for uuid in router[column]:
                    if known.get(uuid, {}).get("external_ids", {}).get(rows.MARK) == switch:
                        yield table, "Logical_Router", column, router, known[uuid]
        for uuid in self.switches.get(switch, {"ports": []})["ports"]:
            if self.switch_ports[uuid]["external_ids"].get(rows.MARK) == switch:
                yield "Logical_Switch_Port", "Logical_Switch", "ports", self.switches[switch], self.switch_ports[uuid]

    def documents(self):
        """Return the interconnects of this zone by name."""
        marked = {row["external_ids"][rows.MARK] for row in self.ours}
        joined = {name for name, row in self.transit.items() if self.zone in rows.zones(row["external_ids"])}
        return {name: self._document(name) for name in sorted(marked | joined)}

    def _document(self, name):
        held = list(self.held(name))
        ports = [(parent, row) for table, _parent, _column, parent, row in held if table == "Logical_Router_Port"]
        spec = {"cidrs": self.cidrs(name) or _networks(row for _router, row in ports)}
        routers = [self._router(router["name"], row) for router, row in ports if self._is_whole(router, row, held)]
        if routers:
            spec["routers"] = sorted(routers, key=lambda router: router["name"])
        metadata = {"name": name}
        return {"kind": "Interconnect", "metadata": metadata, "spec": spec, "status": self._status(held)}

    @staticmethod
    def _is_whole(router, port, held):
        """Return whether nothing of an attachment was taken away behind our back."""
        switch_port = any(
            row.get("options", {}).get("router-port") == port["name"] and row["type"] == "router"
            for table, _parent, _column, _router, row in held
            if table == "Logical_Switch_Port"
        )
        policy = any(
            parent is router and port["name"] in row["match"]
            for table, _parent, _column, parent, row in held
            if table == "Logical_Router_Policy"
        )
        return switch_port and (policy or router["name"] != rows.DEFAULT_ROUTER)

    def _router(self, name, port):
        gateways = [self.chassis[uuid] for uuid in port["gateway_chassis"]]
        chosen = [{"chassis": row["chassis_name"], "priority": row["priority"]} for row in gateways]
        addresses = sorted((text.partition("/")[0] for text in port["networks"]), key=lambda text: (":" in text, text))
        return {"name": name, "addresses": addresses, "mac": port["mac"], "gateways": wish.ordered(chosen)}

    def cidrs(self, switch):
        """Return the networks that a transit switch says of itself; empty when it does not."""
        row = self.transit.get(switch)
        return row["external_ids"].get(rows.CIDRS, "").split() if row else []

    def _status(self, held):
        known = {row["logical_port"]: row for row in self._shared["Port_Binding"]}
        for table, _parent, _column, _switch, row in held:
            if table != "Logical_Switch_Port":
                continue
            port = known.get(row["name"])
            if port is None:
                return _waits("port %s is not in %s yet: does ovn-ic run?" % (row["name"], IC_SOUTHBOUND))
            if not port["gateway"]:
                return _waits(
                    "port %s has no gateway yet: is one of its chassis up, with ovn-is-interconn?" % row["name"]
                )
        return {"conditions": [{"type": "Ready", "status": "True"}]}

    def others(self, zone):
        """Return (zone, transit switch, addresses) of the ports that other zones have."""
        return [
            (self._zones[row["availability_zone"]], row["transit_switch"], row["address"].split()[1:])
            for row in self._shared["Port_Binding"]
            if self._zones.get(row["availability_zone"], zone) != zone
        ]

    def gateways(self):
        """Return {zone: names of its gateways}, of all zones that the interconnection knows."""
        found = {name: set() for name in self._zones.values()}
        for row in self._shared["Gateway"]:
            found[self._zones[row["availability_zone"]]].add(row["name"])
        return found

    def advertised(self, zone, switch):
        """Return (zone, network) of what other zones advertise on a transit switch."""
        return [
            (self._zones[row["availability_zone"]], ipaddress.ip_network(row["ip_prefix"], strict=False))
            for row in self._shared["Route"]
            if row["transit_switch"] == switch and self._zones.get(row["availability_zone"], zone) != zone
        ]

    def local(self, router):
        """Return (network, where it is from) of what ovn-ic would advertise of a router."""
        row = self.routers[router]
        ports = [self.router_ports[uuid] for uuid in row["ports"]]
        transit = self._transit_ports()
        found = [
            (network, "port %s" % port["name"])
            for port in ports
            if port["name"] not in transit
            for network in map(_network, port["networks"])
        ]
        found += [
            (_network(route["ip_prefix"]), "its route to %s" % route["ip_prefix"])
            for route in (self._routes[uuid] for uuid in row["static_routes"])
            if LEARNED not in route["external_ids"] and route["policy"] != ["src-ip"]
        ]
        return [(network, source) for network, source in found if network.prefixlen and not network.is_link_local]

    def learned(self, router, port):
        """Return the routes that a router has learned by one of its ports: ovn-ic forgets a router that has none."""
        networks = [_network(text) for text in port["networks"]]
        routes = (self._routes[uuid] for uuid in router["static_routes"])
        return [
            route
            for route in routes
            if LEARNED in route["external_ids"]
            and any(ipaddress.ip_address(route["nexthop"]) in network for network in networks)
        ]

    def published(self, zone, switch):
        """Return {port: addresses} of what a zone has on a transit switch, as all zones see it."""
        return {
            row["logical_port"]: [text.partition("/")[0] for text in row["address"].split()[1:]]
            for row in self._shared["Port_Binding"]
            if row["transit_switch"] == switch and self._zones.get(row["availability_zone"]) == zone
        }

    def stale(self, zone, switch):
        """Return a zone's advertised routes by ports that it no longer has: ovn-ic leaves them with the switch."""
        there = {address for addresses in self.published(zone, switch).values() for address in addresses}
        return [
            row
            for row in self._shared["Route"]
            if row["transit_switch"] == switch
            and self._zones.get(row["availability_zone"]) == zone
            and row["nexthop"] not in there
        ]

    def _transit_ports(self):
        return {row["options"].get("router-port") for row in self.switch_ports.values()} | {
            row["name"] for row in self.ours
        }


def _network(text):
    return ipaddress.ip_network(text, strict=False)


def _networks(ports):
    found = {str(_network(text)) for port in ports for text in port["networks"]}
    return sorted(found, key=lambda text: (":" in text, text))


def _waits(message):
    return {"conditions": [{"type": "Ready", "status": "False", "message": message}]}
