# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Between an interconnect and the rows that a zone's Northbound has of it. Pure.

Names are those of Kube-OVN's interconnection: az1-ts1 on the default VPC's router, ts1-az1 on the transit switch. Rows
that are ours have MARK in external_ids: the controller leaves what lacks its own mark alone, and we what lacks ours.
"""

from __future__ import annotations

import ipaddress

MARK = "weft-interconnect"
CIDRS = "weft-cidrs"
ZONE = "weft-zone-"
DEFAULT_ROUTER = "ovn-cluster"
POLICY_PRIORITY = 29500


class Attachment:
    """One router of this zone on one transit switch: a port on each of the two, and who carries it."""

    def __init__(self, zone, switch, cidrs, router):
        self.switch = switch
        self.router = router["name"]
        tail = "" if self.router == DEFAULT_ROUTER else "-" + self.router
        self.router_port = "%s-%s%s" % (zone, switch, tail)
        self.switch_port = "%s-%s%s" % (switch, zone, tail)
        self.gateways = {gateway["chassis"]: gateway["priority"] for gateway in router["gateways"]}
        self._mac = router["mac"]
        self._networks = sorted(_with_prefix(address, cidrs) for address in router["addresses"])

    @property
    def key(self):
        return self.switch, self.router

    def columns(self):
        """Return what is ours of each row, by table; references to other rows are left out."""
        marks = {MARK: self.switch}
        rows = {
            "Logical_Router_Port": {
                "name": self.router_port,
                "mac": self._mac,
                "networks": self._networks,
                "external_ids": marks,
            },
            "Logical_Switch_Port": {
                "name": self.switch_port,
                "type": "router",
                "addresses": ["router"],
                "options": {"router-port": self.router_port},
                "external_ids": marks,
            },
        }
        if self.router == DEFAULT_ROUTER:
            rows["Logical_Router_Policy"] = self._policy(marks)
        return rows

    def _policy(self, marks):
        """What goes by the transit switch does so: in the default VPC all else leaves by hosts (priority 29000)."""
        return {
            "priority": POLICY_PRIORITY,
            "match": 'outport == "%s"' % self.router_port,
            "action": "allow",
            "external_ids": marks,
        }

    def gateway_name(self, chassis):
        return "%s-%s" % (self.router_port, chassis)

    def rendered(self):
        """Return the rows as documents."""
        chassis = [
            {"table": "Gateway_Chassis", "name": self.gateway_name(name), "chassis_name": name, "priority": priority}
            for name, priority in self.gateways.items()
        ]
        return [{"table": table, **columns} for table, columns in self.columns().items()] + chassis


def attachments(zone, document):
    """Return the attachments of an interconnect that is complete."""
    spec, switch = document["spec"], document["metadata"]["name"]
    return [Attachment(zone, switch, spec["cidrs"], router) for router in spec.get("routers", [])]


def _with_prefix(address, cidrs):
    for network in map(ipaddress.ip_network, cidrs):
        if ipaddress.ip_address(address) in network:
            return "%s/%d" % (address, network.prefixlen)
    raise ValueError(address)


def rendered(zone, document):
    """Return all rows that an interconnect stands for."""
    name = document["metadata"]["name"]
    switch = {"table": "Transit_Switch", "name": name, "external_ids": marks(zone, document)}
    return [switch] + [row for attachment in attachments(zone, document) for row in attachment.rendered()]


def marks(zone, document):
    """Return what a transit switch that we make says: it is shared, and goes with the last zone that is on it."""
    return {MARK: document["metadata"]["name"], CIDRS: " ".join(document["spec"]["cidrs"]), ZONE + zone: "true"}


def zones(external_ids):
    """Return the zones that are on a transit switch."""
    return sorted(key[len(ZONE) :] for key in external_ids if key.startswith(ZONE))
