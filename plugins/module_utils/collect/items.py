# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is collected of a host: commands and files of each layer, by their place in the archive. Nothing here runs."""

from __future__ import annotations

RUN = "/run/ovn"
DATABASES = {
    "OVN_Northbound": "ovnnb_db",
    "OVN_Southbound": "ovnsb_db",
    "Weft": "weft_db",
    "OVN_IC_Northbound": "ovn_ic_nb_db",
    "OVN_IC_Southbound": "ovn_ic_sb_db",
}
RELAYS = {"OVN_Southbound": "relay_sb", "Weft": "relay_weft"}
UNITS = ("weft-*", "ovn-*", "ovs-*", "ovsdb-server*", "openvswitch*")
SWITCH = "unix:/run/openvswitch/db.sock"
METRICS = {"agent": 10665, "controller": 10660, "webhook": 10671}
"""Ports of 127.0.0.1."""

FILES = {
    "host": ["/etc/os-release", "/etc/cni/net.d/*.conflist", "/etc/default/ovn-host", "/etc/sysconfig/ovn-controller"],
    "configuration": ["/etc/weft/*.toml", "/etc/weft/*.json", "/etc/weft/*.nft", "/etc/weft/pki/*.crt"],
    "units": ["/etc/systemd/system/weft-*.service", "/etc/systemd/system/ovn-*.service"],
    "logs": ["/var/log/ovn/*.log", "/var/log/openvswitch/*.log"],
    "state": ["/var/lib/weft/agent/*.json"],
}
"""Patterns by folder. A file that is no longer there is none that failed."""


def _host():
    return {
        "host/kernel.txt": ["uname", "-a"],
        "host/links.json": ["ip", "-json", "-details", "-statistics", "link"],
        "host/addresses.json": ["ip", "-json", "address"],
        "host/routes-4.txt": ["ip", "-4", "route", "show", "table", "all"],
        "host/routes-6.txt": ["ip", "-6", "route", "show", "table", "all"],
        "host/rules-4.txt": ["ip", "-4", "rule"],
        "host/rules-6.txt": ["ip", "-6", "rule"],
        "host/neighbours.txt": ["ip", "neighbour"],
        "host/nftables.txt": ["nft", "list", "ruleset"],
        "host/sockets.txt": ["ss", "-tulnp"],
        "host/processes.txt": ["ps", "-eo", "pid,ppid,user,rss,pcpu,etime,comm"],
        "host/memory.txt": ["free", "-m"],
        "host/disks.txt": ["df", "-h"],
        "host/units.txt": ["systemctl", "list-units", "--all", "--no-pager", *UNITS],
        "host/failed-units.txt": ["systemctl", "list-units", "--failed", "--no-pager"],
        "host/packages.txt": [
            "sh",
            "-c",
            "dpkg-query -W '*ovn*' '*openvswitch*' nftables 2>/dev/null || rpm -qa '*ovn*' '*openvswitch*' nftables",
        ],
    }


def _switch():
    return {
        "openvswitch/version.txt": ["ovs-vsctl", "--version"],
        "openvswitch/show.txt": ["ovs-vsctl", "--timeout=10", "show"],
        "openvswitch/database.json": ["ovsdb-client", "--timeout=20", "--format=json", "dump", SWITCH, "Open_vSwitch"],
        "openvswitch/datapaths.txt": ["ovs-appctl", "--timeout=10", "dpif/show"],
        "openvswitch/datapath-flows.txt": ["ovs-appctl", "--timeout=20", "dpctl/dump-flows", "-m"],
        "openvswitch/bfd.txt": ["ovs-appctl", "--timeout=10", "bfd/show"],
        "openvswitch/coverage.txt": ["ovs-appctl", "--timeout=10", "coverage/show"],
        "openvswitch/memory.txt": ["ovs-appctl", "--timeout=10", "memory/show"],
    }


def bridge(name):
    """Return the commands for one bridge."""
    folder = "openvswitch/%s" % name
    command = ["ovs-ofctl", "--timeout=20", "-O", "OpenFlow15"]
    return {
        folder + "/flows.txt": [*command, "dump-flows", name],
        folder + "/groups.txt": [*command, "dump-groups", name],
        folder + "/meters.txt": [*command, "dump-meters", name],
        folder + "/ports.txt": [*command, "dump-ports", name],
        folder + "/macs.txt": ["ovs-appctl", "--timeout=10", "fdb/show", name],
    }


def namespace(name):
    """Return the commands for one network namespace, as gateways have."""
    folder, inside = "namespaces/%s" % name, ["ip", "netns", "exec", name]
    return {
        folder + "/addresses.json": [*inside, "ip", "-json", "address"],
        folder + "/routes.txt": [*inside, "ip", "route", "show", "table", "all"],
        folder + "/routes-6.txt": [*inside, "ip", "-6", "route", "show", "table", "all"],
        folder + "/nftables.txt": [*inside, "nft", "list", "ruleset"],
    }


def server(name, stem, folder):
    """Return the commands for one database's server."""
    control = ["ovs-appctl", "--timeout=10", "-t", "%s/%s.ctl" % (RUN, stem)]
    socket = "unix:%s/%s.sock" % (RUN, stem)
    found = {
        "%s/%s.json" % (folder, name): ["ovsdb-client", "--timeout=60", "--format=json", "dump", socket, name],
        "%s/%s.memory.txt" % (folder, name): [*control, "memory/show"],
    }
    if folder == "databases":
        found["%s/%s.cluster.txt" % (folder, name)] = [*control, "cluster/status", name]
    return found


def _servers(exists):
    found = {}
    for folder, servers in (("databases", DATABASES), ("relays", RELAYS)):
        for name, stem in servers.items():
            if exists("%s/%s.sock" % (RUN, stem)):
                found.update(server(name, stem, folder))
    return found


def daemons():
    """Return the commands for OVN's daemons, by whose pid file tells that there is one."""
    northd = ["ovn-appctl", "--timeout=10", "-t", "ovn-northd"]
    controller = ["ovn-appctl", "--timeout=10", "-t", "ovn-controller"]
    return {
        "%s/ovn-northd.pid" % RUN: {
            "northd/status.txt": [*northd, "status"],
            "northd/engine.txt": [*northd, "inc-engine/show-stats"],
        },
        "%s/ovn-controller.pid" % RUN: {
            "ovn-controller/version.txt": ["ovn-controller", "--version"],
            "ovn-controller/connection.txt": [*controller, "connection-status"],
            "ovn-controller/engine.txt": [*controller, "inc-engine/show-stats"],
            "ovn-controller/zones.txt": [*controller, "ct-zone-list"],
            "ovn-controller/memory.txt": [*controller, "memory/show"],
        },
    }


def weft():
    """Return the commands of who has weftctl's configuration."""
    ctl = "/opt/weft/bin/weftctl"
    return {
        "weft/status.txt": [ctl, "status"],
        "weft/nodes.json": [ctl, "node", "--output", "json"],
        "weft/plan.txt": [ctl, "plan"],
    }


def journal(since):
    units = [word for unit in UNITS for word in ("--unit", unit)]
    command = ["journalctl", "--no-pager", "--output", "short-iso-precise", "--since", since]
    return {
        "journal/fabric.txt": [*command, *units],
        "journal/kernel.txt": [*command, "--dmesg"],
    }


def commands(exists, bridges, namespaces, since):
    """Return the command lines by place in the archive, for what there is on the host. `exists` tells of a path."""
    found = {**_host(), **journal(since), **_servers(exists)}
    if exists("/run/openvswitch/db.sock"):
        found.update(_switch())
    for name in bridges:
        found.update(bridge(name))
    for name in namespaces:
        found.update(namespace(name))
    for path, own in daemons().items():
        if exists(path):
            found.update(own)
    if exists("/etc/weft/weftctl.toml"):
        found.update(weft())
    return found
