# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What there is to know about a host before its network is changed."""

from __future__ import annotations

import dataclasses
import json
import os
import re

from ansible_collections.weft.ovn.plugins.module_utils.dpdk.machine import environments, ssh_address
from ansible_collections.weft.ovn.plugins.module_utils.tuning.host import TuningError

from . import links, networkd, ovs

NETWORK_MANAGER = "NetworkManager"
IFUPDOWN = "/etc/network/interfaces"
STANZA = re.compile(r"^\s*iface\s+(\S+)", re.MULTILINE)


@dataclasses.dataclass
class Facts:
    """One look at a host. Everything in it is a plain value, so that tests make it up."""

    links: dict = dataclasses.field(default_factory=dict)
    routes: set = dataclasses.field(default_factory=set)
    # None where no switch runs.
    switch: object = None
    # Interfaces, and who else configures them.
    claims: dict = dataclasses.field(default_factory=dict)
    # The address of the host at which it is being spoken to.
    ssh: str = None
    # Our files of networkd by path.
    files: dict = dataclasses.field(default_factory=dict)
    # Interfaces that networkd manages, and the file by which it does.
    managed: dict = dataclasses.field(default_factory=dict)
    # Who makes the network as described: networkd, or NetworkManager by nmstate.
    renderer: str = "networkd"


def observe(host, renderer="networkd"):
    found, routes = links.observe(host)
    names = [networkd.DIRECTORY + "/" + name for name in host.names(networkd.DIRECTORY)]
    others = claims(host)
    if renderer == "nmstate":
        others = {name: [each for each in claimants if each != NETWORK_MANAGER] for name, claimants in others.items()}
    return Facts(
        links=found,
        routes=routes,
        switch=ovs.observe(host),
        claims=others,
        ssh=ssh_address(environments("/proc", os.getpid())),
        files={path: read(host, path) for path in names if networkd.is_ours(path)},
        managed=managed(host) if renderer == "networkd" else {},
        renderer=renderer,
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
                found.setdefault(name, []).append(NETWORK_MANAGER)
    directory = IFUPDOWN + ".d"
    for path in [IFUPDOWN, *(directory + "/" + name for name in host.names(directory))]:
        for name in STANZA.findall(host.read(path) or ""):
            found.setdefault(name, []).append(path)
    return found
