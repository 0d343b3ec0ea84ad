# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ports of a datapath in user space as rows of the switch's own database, for `weft.ovn.ovsdb_rows`."""

from __future__ import annotations


def text(value):
    """A value of a map column; None takes its key away."""
    return None if value is None else str(value)


def interface_row(name, kind, mtu, options):
    values = {"type": kind, **({"mtu_request": mtu} if mtu else {})}
    return {
        "table": "Interface",
        "id": "interface-" + name,
        "match": {"name": name},
        "values": values,
        "keys": {"options": {key: text(value) for key, value in options.items()}},
    }


def port_row(name, interfaces, values):
    return {
        "table": "Port",
        "id": "port-" + name,
        "match": {"name": name},
        "values": {**values, "interfaces": ["@interface-" + interface for interface in interfaces]},
    }


def port_rows(port, interfaces):
    """A port with the devices of its NICs; several are a bond."""
    queues = {"n_rxq": port["queues"], "n_rxq_desc": port["rx_descriptors"], "n_txq_desc": port["tx_descriptors"]}
    rows = [
        interface_row(item["name"], "dpdk", port["mtu"], {"dpdk-devargs": item["devargs"], **queues})
        for item in interfaces
    ]
    bond = {name: port[name] for name in ("bond_mode", "lacp") if port[name]} if len(interfaces) > 1 else {}
    return [*rows, port_row(port["name"], [item["name"] for item in interfaces], bond)]


def vhost_rows(port):
    """A port that connects to the socket which a virtual machine's hypervisor makes."""
    row = interface_row(port["name"], "dpdkvhostuserclient", port["mtu"], {"vhost-server-path": port["socket"]})
    if port["iface_id"]:
        row["keys"]["external_ids"] = {"iface-id": port["iface_id"]}
    return [row, port_row(port["name"], [port["name"]], {})]


def bridge_rows(name, ports):
    """A bridge with these ports beside others; one of logical ports forwards nothing without its controller."""
    logical = any(port.get("iface_id") for port in ports)
    row = {
        "table": "Bridge",
        "id": "bridge-" + name,
        "match": {"name": name},
        "values": {"datapath_type": "netdev"},
        "elements": {"ports": ["@port-" + port for port in [name, *(port["name"] for port in ports)]]},
        "insert": {"fail_mode": "secure"} if logical else {},
    }
    return [interface_row(name, "internal", None, {}), port_row(name, [name], {}), row]


def all_rows(ports, vhosts, interfaces):
    """Ports with their interfaces, and the bridges that have them."""
    rows = [row for port in ports for row in port_rows(port, interfaces[port["name"]])]
    rows += [row for port in vhosts for row in vhost_rows(port)]
    bridges = {}
    for port in [*ports, *vhosts]:
        bridges.setdefault(port["bridge"], []).append(port)
    rows += [row for name, members in bridges.items() for row in bridge_rows(name, members)]
    elements = {"bridges": ["@bridge-" + name for name in bridges]}
    return [*rows, {"table": "Open_vSwitch", "elements": elements}] if bridges else []
