# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What there is to know about a host before its network is changed."""

from __future__ import annotations

import json
import os
import re

from ansible_collections.weft.ovn.plugins.module_utils.dpdk.machine import environments, ssh_address
from ansible_collections.weft.ovn.plugins.module_utils.tuning.host import TuningError

from . import links, networkd, ovs

IFUPDOWN = "/etc/network/interfaces"
STANZA = re.compile(r"^\s*iface\s+(\S+)", re.MULTILINE)


class Facts:
    """One look at a host. Everything in it is a plain value, so that tests make it up."""

    def __init__(self, links=None, routes=(), switch=None, claims=None, ssh=None, files=None, managed=None):
        self.links = links or {}
        self.routes = set(routes)
        self.switch = switch
        # Interfaces, and who else configures them.
        self.claims = claims or {}
        # The address of the host at which it is being spoken to.
        self.ssh = ssh
        # Our files of networkd by path.
        self.files = files or {}
        # Interfaces that networkd manages, and the file by which it does.
        self.managed = managed or {}


def observe(host):
    found, routes = links.observe(host)
    names = [networkd.DIRECTORY + "/" + name for name in host.names(networkd.DIRECTORY)]
    ours = {path: read(host, path) for path in names if networkd.is_ours(path)}
    return Facts(
        found,
        routes,
        ovs.observe(host),
        claims(host),
        ssh_address(environments("/proc", os.getpid())),
        ours,
        managed(host),
    )


def read(host, path):
    with open(host.path(path)) as file:
        return file.read()


def is_active(host, unit):
    try:
        host.run("systemctl", "is-active", "--quiet", unit)
    except TuningError:
        return False
    return True


def managed(host):
    shown = json.loads(host.run("networkctl", "list", "--json=short"))["Interfaces"]
    return {item["Name"]: item["NetworkFile"] for item in shown if item.get("NetworkFile")}


def claims(host):
    """Who else configures which interfaces: NetworkManager, and Debian's ifupdown."""
    found = {}
    if is_active(host, "NetworkManager.service"):
        for line in host.run("nmcli", "--terse", "--fields", "DEVICE,STATE", "device").splitlines():
            name, _colon, state = line.rpartition(":")
            if state not in ("unmanaged", "unavailable"):
                found.setdefault(name, []).append("NetworkManager")
    directory = IFUPDOWN + ".d"
    for path in [IFUPDOWN, *(directory + "/" + name for name in host.names(directory))]:
        for name in STANZA.findall(host.read(path) or ""):
            found.setdefault(name, []).append(path)
    return found
