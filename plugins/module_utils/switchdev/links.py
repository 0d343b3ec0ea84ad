# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Interfaces of NICs with a switch inside: whether flows go into the NIC, names of representors, addresses for tunnels.

Packets in tunnels are only taken by the NIC when the tunnel's address is on the uplink itself, or on a bond of uplinks.
"""

from __future__ import annotations

import json

from . import devices
from .devices import DeviceError

OFFLOAD = "hw-tc-offload"
LONGEST_NAME = 15
LONGEST_PORT = "pf0vf127"


def offload(kernel, netdev):
    """(whether it is on, whether that is fixed)."""
    for line in kernel.run("ethtool", "-k", netdev).splitlines():
        name, _colon, value = line.strip().partition(": ")
        if name == OFFLOAD:
            return value.startswith("on"), "[fixed]" in value
    return False, True


def held(kernel, netdev):
    """Addresses with their prefix; empty for an interface that is not there."""
    if not kernel.target("class/net", netdev):
        return []
    shown = json.loads(kernel.run("ip", "-json", "address", "show", "dev", netdev))
    return ["%s/%s" % (item["local"], item["prefixlen"]) for link in shown for item in link.get("addr_info", [])]


def is_up(kernel, netdev):
    return "UP" in kernel.show(netdev).get("flags", [])


def problems(kernel, handle, wish):
    found = []
    own = devices.uplinks(kernel, handle)
    if not own and (wish.get("tc_offload") is not None or wish.get("addresses")):
        found.append("it has no interface in the host's network namespace")
    if wish.get("tc_offload") is not None:
        states = [(name, *offload(kernel, name)) for name in own]
        text = "%s of %s is fixed %s"
        found += [
            text % (OFFLOAD, name, "on" if state else "off")
            for name, state, fixed in states
            if fixed and state != wish["tc_offload"]
        ]
    prefix = wish.get("representors") or ""
    if len(prefix) + len(LONGEST_PORT) > LONGEST_NAME:
        longest = LONGEST_NAME - len(LONGEST_PORT)
        found.append("representors is %r, allowed are %d characters before %s" % (prefix, longest, LONGEST_PORT))
    for name, wanted in _misnamed(kernel, handle, prefix):
        if devices.master(kernel, name):
            text = "representor %s would become %s, and belongs to %s"
            found.append(text % (name, wanted, devices.master(kernel, name)))
    return found


def _misnamed(kernel, handle, prefix):
    """Representors with another name than the wished one, and that one."""
    if not prefix:
        return []
    return [
        (name, prefix + port)
        for name, port in sorted(devices.representors(kernel, handle).items())
        if name != prefix + port
    ]


def _other_offload(kernel, handle, wish):
    """Interfaces whose offload is to change; of a representor it may be fixed, since its uplink's counts."""
    if wish.get("tc_offload") is None:
        return []
    names = [*devices.uplinks(kernel, handle), *sorted(devices.representors(kernel, handle))]
    states = [(name, *offload(kernel, name)) for name in names]
    return [name for name, state, fixed in states if state != wish["tc_offload"] and not fixed]


def difference(kernel, handle, wish):
    """Pairs of what is and what is wished, by what it is about."""
    found = {}
    for name in _other_offload(kernel, handle, wish):
        found["%s %s" % (name, OFFLOAD)] = (not wish["tc_offload"], wish["tc_offload"])
    for name, wanted in _misnamed(kernel, handle, wish.get("representors")):
        found["representor %s" % devices.representors(kernel, handle)[name]] = (name, wanted)
    for name in devices.uplinks(kernel, handle)[:1]:
        found.update(address_difference(kernel, name, wish))
    if wish.get("mode") == "switchdev":
        down = [name for name in devices.uplinks(kernel, handle) if not is_up(kernel, name)]
        found.update(dict.fromkeys(down, ("down", "up")))
    return found


def address_difference(kernel, netdev, wish):
    now = held(kernel, netdev) if wish.get("addresses") else []
    there, gone = (True, False) if wish.get("state") == "absent" else (False, True)
    differing = [address for address in wish.get("addresses") or [] if (address in now) is there]
    return {"%s %s" % (netdev, address): (there, gone) for address in differing}


def apply(kernel, handle, wish):
    for name, wanted in _misnamed(kernel, handle, wish.get("representors")):
        rename(kernel, name, wanted)
    for name in _other_offload(kernel, handle, wish):
        kernel.run("ethtool", "-K", name, OFFLOAD, "on" if wish["tc_offload"] else "off")
    for name in devices.uplinks(kernel, handle)[:1]:
        apply_addresses(kernel, name, wish)
    if wish.get("mode") == "switchdev":
        for name in devices.uplinks(kernel, handle):
            if not is_up(kernel, name):
                kernel.run("ip", "link", "set", "dev", name, "up")


def rename(kernel, name, wanted):
    """An interface is down while it gets its name: kernels before 6.2 insist."""
    up = is_up(kernel, name)
    kernel.run("ip", "link", "set", "dev", name, "down")
    kernel.run("ip", "link", "set", "dev", name, "name", wanted)
    if up:
        kernel.run("ip", "link", "set", "dev", wanted, "up")


def apply_addresses(kernel, netdev, wish):
    verb = "del" if wish.get("state") == "absent" else "add"
    for key in address_difference(kernel, netdev, wish):
        kernel.run("ip", "address", verb, key.partition(" ")[2], "dev", netdev)


def uplink(kernel, handle):
    """The interface of a NIC with one wire."""
    found = devices.uplinks(kernel, handle)
    if not found:
        raise DeviceError("%s: it has no interface in the host's network namespace" % handle)
    return found[0]
