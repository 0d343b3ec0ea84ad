# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of the switch's own database for the bridges that an inventory describes."""

from __future__ import annotations


def _interface(name, bridge, mtu):
    row = {"table": "Interface", "id": "interface-" + name, "match": {"name": name}}
    if name == bridge:
        row["values"] = {"type": "internal"}
    if mtu:
        row.setdefault("values", {})["mtu_request"] = mtu
    return row


def _port(name):
    interfaces = ["@interface-" + name]
    return {"table": "Port", "id": "port-" + name, "match": {"name": name}, "elements": {"interfaces": interfaces}}


def bridge_rows(bridges, datapath):
    """Return rows for C(weft.ovn.ovsdb_rows): bridges with their ports; ports and bridges of others are left alone."""
    rows = []
    for bridge in bridges:
        names = [bridge["name"], *bridge.get("ports", [])]
        for name in names:
            rows += [_interface(name, bridge["name"], bridge.get("mtu")), _port(name)]
        row = {"table": "Bridge", "id": "bridge-" + bridge["name"], "match": {"name": bridge["name"]}}
        row["values"] = {"datapath_type": datapath}
        row["keys"] = {"other_config": bridge.get("other_config", {})}
        row["elements"] = {"ports": ["@port-" + name for name in names]}
        rows.append(row)
    return rows


class FilterModule:
    """The filters of the role openvswitch."""

    def filters(self):
        return {"bridge_rows": bridge_rows}
