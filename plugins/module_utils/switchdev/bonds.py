# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bonds of the uplinks of one NIC, over which its functions share both wires (VF LAG).

The NIC joins its switches when uplinks in switchdev mode enter a bond, so the bond comes after the mode, and uplinks
leave it while the mode changes.
"""

from __future__ import annotations

from . import devices, links

DEFAULT_MODE = "active-backup"
LINK_WATCH = "100"
"""Milliseconds between looks at the wires."""


def exists(kernel, name):
    return bool(kernel.target("class/net", name))


def mode(kernel, name):
    words = kernel.attribute(name, "bonding/mode").split()
    return words[0] if words else None


def wished_mode(bond):
    return bond.get("mode") or DEFAULT_MODE


def members(kernel, name):
    return sorted(kernel.attribute(name, "bonding/slaves").split())


def resolve(kernel, bond):
    """The handles of a bond's members."""
    pairs, found = devices.resolve(kernel, [{"device": name} for name in bond.get("members") or []])
    return [handle for handle, _wish in pairs], ["bond %s: %s" % (bond["name"], text) for text in found]


def problems(kernel, bond, wished):
    """All that stands against one bond. `wished` has the modes that switches will have, by handle."""
    handles, found = resolve(kernel, bond)
    said = []
    if exists(kernel, bond["name"]) and mode(kernel, bond["name"]) is None:
        said.append("there is an interface of that name, which is no bond")
    if len(set(handles)) < len(handles):
        said.append("members has a device twice")
    for handle in handles:
        if wished.get(handle) != "switchdev":
            said.append("member %s is not in switchdev mode, which comes before the bond" % handle)
        uplinks = devices.uplinks(kernel, handle)
        masters = {devices.master(kernel, name) for name in uplinks} - {None, bond["name"]}
        said += ["member %s belongs to %s" % (handle, master) for master in sorted(masters)]
        if not uplinks:
            said.append("member %s has no interface in the host's network namespace" % handle)
    return found + ["bond %s: %s" % (bond["name"], text) for text in said]


def difference(kernel, bond, handles):
    name, found = bond["name"], {}
    there = exists(kernel, name)
    if bond.get("state") == "absent":
        return {"bond %s" % name: (members(kernel, name), None)} if there else {}
    pairs = {
        "mode": (mode(kernel, name), wished_mode(bond)),
        "members": (members(kernel, name), sorted(links.uplink(kernel, handle) for handle in handles)),
    }
    if bond.get("mtu"):
        pairs["mtu"] = (kernel.show(name).get("mtu") if there else None, bond["mtu"])
    found.update({"bond %s %s" % (name, key): pair for key, pair in pairs.items() if pair[0] != pair[1]})
    if there and not links.is_up(kernel, name):
        found["bond %s" % name] = ("down", "up")
    return {**found, **links.address_difference(kernel, name, bond)}


def release(kernel, name, leaving):
    """Let these uplinks out of the bond."""
    for member in set(members(kernel, name)) & set(leaving):
        kernel.run("ip", "link", "set", "dev", member, "nomaster")


def apply(kernel, bond, handles):
    differing = difference(kernel, bond, handles)
    name = bond["name"]
    if not differing:
        return
    if bond.get("state") == "absent":
        kernel.run("ip", "link", "delete", "dev", name)
        return
    if not exists(kernel, name):
        kernel.run("ip", "link", "add", "name", name, "type", "bond", "mode", wished_mode(bond), "miimon", LINK_WATCH)
    elif mode(kernel, name) != wished_mode(bond):
        # A bond with members, or one that is up, keeps its mode.
        release(kernel, name, members(kernel, name))
        kernel.run("ip", "link", "set", "dev", name, "down")
        kernel.run("ip", "link", "set", "dev", name, "type", "bond", "mode", wished_mode(bond))
    _fill(kernel, name, [links.uplink(kernel, handle) for handle in handles])
    if bond.get("mtu") and kernel.show(name).get("mtu") != bond["mtu"]:
        kernel.run("ip", "link", "set", "dev", name, "mtu", str(bond["mtu"]))
    kernel.run("ip", "link", "set", "dev", name, "up")
    links.apply_addresses(kernel, name, bond)


def _fill(kernel, name, wanted):
    release(kernel, name, set(members(kernel, name)) - set(wanted))
    for member in wanted:
        if member not in members(kernel, name):
            kernel.run("ip", "link", "set", "dev", member, "down")
            kernel.run("ip", "link", "set", "dev", member, "master", name)
        kernel.run("ip", "link", "set", "dev", member, "up")
