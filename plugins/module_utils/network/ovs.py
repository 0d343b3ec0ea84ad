# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bridges of Open vSwitch: what its database has, and the one transaction that makes it so, or takes it back."""

from __future__ import annotations

import json

MARK = "external_ids:weft-network=host"
"""On bridges and ports that this made; others are never removed."""
SOCKET = "/run/openvswitch/db.sock"
VSCTL = ("ovs-vsctl", "--timeout=30")
LISTS = (
    ("name,ports,external_ids", "Bridge"),
    ("_uuid,name,external_ids", "Port"),
    ("name,mtu_request", "Interface"),
)


class Switch:
    """Bridges with their ports, and who made them."""

    def __init__(self, bridges, ours, mtus):
        self.bridges, self.ours, self.mtus = bridges, ours, mtus

    def bridge_of(self, port):
        return next((name for name, ports in self.bridges.items() if port in ports), None)

    def is_ours(self, name):
        return name in self.ours


def observe(host):
    """The switch of a host, None where none runs."""
    if not host.exists(SOCKET):
        return None
    words = [word for columns, table in LISTS for word in ("--", "--columns=" + columns, "list", table)]
    return parse(host.run(*VSCTL, "--format=json", *words[1:]))


def parse(output):
    bridges, ports, interfaces = (_rows(json.loads(line)) for line in output.splitlines())
    names = {row["_uuid"][1]: row["name"] for row in ports}
    found = {row["name"]: {names[uuid] for uuid in _uuids(row["ports"])} - {row["name"]} for row in bridges}
    ours = {row["name"] for row in bridges + ports if ["weft-network", "host"] in row["external_ids"][1]}
    return Switch(
        found, ours, {row["name"]: row["mtu_request"] for row in interfaces if row["mtu_request"] != ["set", []]}
    )


def _rows(table):
    return [dict(zip(table["headings"], row)) for row in table["data"]]


def _uuids(value):
    return [item[1] for item in value[1]] if value[0] == "set" else [value[1]]


def differences(switch, interfaces):
    """Pairs of what is and what is wished, by bridge; ports and bridges of others are left alone."""
    found = {}
    for item in _bridges(interfaces):
        there = switch.bridges.get(item["name"])
        missing = sorted(set(item["nics"]) - (there or set()))
        if there is None or missing:
            now = "absent" if there is None else sorted(there)
            found["%s ports" % item["name"]] = (now, sorted({*item["nics"], *(there or ())}))
        if item["mtu"] and switch.mtus.get(item["name"]) != item["mtu"]:
            found["%s mtu_request" % item["name"]] = (switch.mtus.get(item["name"]), item["mtu"])
    for name in surplus(switch, interfaces):
        found["%s in the switch" % name] = ("present", "absent")
    return found


def surplus(switch, interfaces):
    """Bridges and ports of ours that are not described any more, or not there; not the ports of a bridge that goes."""
    bridges = {item["name"]: item["nics"] for item in _bridges(interfaces)}
    gone = sorted(name for name in switch.ours & set(switch.bridges) if name not in bridges)
    ports = [
        port
        for bridge, names in sorted(switch.bridges.items())
        for port in sorted(names & switch.ours)
        if bridge not in gone and port not in bridges.get(bridge, ())
    ]
    return gone + ports


def _bridges(interfaces):
    return [item for item in interfaces if item["type"] == "ovs_bridge"]


def changes(switch, interfaces, macs):
    """The arguments of ovs-vsctl that make a switch as described, and those that take it back; empty when it is.

    A new bridge gets its MAC of `macs`, so that it is the same whatever ports there are when the switch starts.
    """
    if switch is None or not differences(switch, interfaces):
        return [], []
    do, undo = [], []
    for name in surplus(switch, interfaces):
        if name in switch.bridges:
            do.append(["--if-exists", "del-br", name])
            undo += _made(switch, name, switch.bridges[name], switch.mtus.get(name))
        else:
            do.append(["--if-exists", "del-port", switch.bridge_of(name), name])
            undo += _port(switch.bridge_of(name), name, True)
    for item in _bridges(interfaces):
        there = switch.bridges.get(item["name"])
        new = sorted(set(item["nics"]) - (there or set()))
        before = switch.mtus.get(item["name"])
        if there is None:
            do += _made(None, item["name"], new, item["mtu"], macs.get(item["name"]))
            undo.append(["--if-exists", "del-br", item["name"]])
            continue
        for port in new:
            do += _port(item["name"], port, True)
            undo.append(["--if-exists", "del-port", item["name"], port])
        if item["mtu"] and before != item["mtu"]:
            do.append(["set", "Interface", item["name"], "mtu_request=%d" % item["mtu"]])
            undo.append(["set", "Interface", item["name"], "mtu_request=%s" % ("[]" if before is None else before)])
    return joined(do), joined(undo)


def _made(switch, bridge, ports, mtu, mac=None):
    """A bridge with its ports; those of a bridge that there was are ours as they were."""
    commands = [["--may-exist", "add-br", bridge], ["set", "Bridge", bridge, MARK]]
    if mac:
        commands.append(["set", "Bridge", bridge, 'other_config:hwaddr="%s"' % mac])
    if mtu:
        commands.append(["set", "Interface", bridge, "mtu_request=%d" % mtu])
    for port in sorted(ports):
        commands += _port(bridge, port, switch is None or switch.is_ours(port))
    return commands


def _port(bridge, port, ours):
    return [["--may-exist", "add-port", bridge, port], *([["set", "Port", port, MARK]] if ours else [])]


def joined(commands):
    """Several commands as one transaction."""
    return [word for command in commands for word in ("--", *command)][1:]
