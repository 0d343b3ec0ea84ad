# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The interfaces that the kernel has, as `ip -json` tells them, and where they are not as described."""

from __future__ import annotations

import json
import os
import re

from . import description

PCI = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
BOND_OPTIONS = {"mode": "mode", "miimon": "miimon", "lacp_rate": "ad_lacp_rate", "hash_policy": "xmit_hash_policy"}
"""Our names, and those of `ip -json`."""
MAIN_TABLE = 254


def observe(host):
    """Interfaces by name, and routes as a set of (destination, gateway, interface, table)."""
    shown = json.loads(host.run("ip", "-details", "-json", "address", "show"))
    found = {item["ifname"]: parse(item) for item in shown if "ifname" in item}
    for name, link in found.items():
        link["pci"] = pci_address(os.path.realpath(host.path("/sys/class/net/%s/device" % name)))
        link["speedless"] = link["carrier"] and host.read("/sys/class/net/%s/speed" % name) == "-1"
    routes = set()
    for family in ("-4", "-6"):
        routes |= parse_routes(host.run("ip", family, "-json", "route", "show", "table", "all"), family)
    return found, routes


def pci_address(device):
    """The PCI function that a device is or hangs at: a virtio NIC is one step below its own."""
    return next((part for part in reversed(device.split("/")) if PCI.fullmatch(part)), None)


def parse(item):
    """One interface, in the terms of the description."""
    info = item.get("linkinfo", {})
    data = info.get("info_data", {})
    addresses = {
        "%s/%d" % (each["local"], each["prefixlen"]): bool(each.get("dynamic"))
        for each in item["addr_info"]
        if each.get("scope") == "global" and "local" in each
    }
    return {
        "kind": info.get("info_kind"),
        "up": "UP" in item["flags"],
        "carrier": "LOWER_UP" in item["flags"],
        "mtu": item["mtu"],
        "max_mtu": item.get("max_mtu") or 65535,
        "mac": item.get("permaddr") or item.get("address"),
        "master": item.get("master"),
        "parent": item.get("link"),
        "id": data.get("id"),
        "primary": data.get("primary"),
        "addresses": addresses,
        **{ours: data.get(theirs) for ours, theirs in BOND_OPTIONS.items()},
    }


def parse_routes(output, family):
    default = "0.0.0.0/0" if family == "-4" else "::/0"
    found = set()
    for item in json.loads(output or "[]"):
        to = item["dst"].replace("default", default)
        length = "" if "/" in to else "/32" if family == "-4" else "/128"
        found.add((to + length, item.get("gateway"), item.get("dev"), str(item.get("table", "main"))))
    return found


def find(links, item):
    """The present name of a described NIC, by MAC, PCI address or its own name; None when it is not there."""
    for key in ("mac", "pci"):
        if item["type"] == "ethernet" and item[key]:
            wanted = item[key].lower()
            # A VLAN has the MAC of its parent.
            return next((name for name, link in links.items() if link[key] == wanted and not link["kind"]), None)
    return item["name"] if item["name"] in links else None


def mac(links, interfaces, name):
    """The MAC that a described interface will have: that of the first NIC it is made of, unless another is given."""
    item = next(each for each in interfaces if each["name"] == name)
    if item["type"] == "bond" and item["mac"]:
        return item["mac"]
    below = item["parent"] or (item["nics"] or [None])[0]
    if below:
        return mac(links, interfaces, below)
    return links.get(find(links, item), {}).get("mac")


def renames(links, interfaces):
    """Present names and wished ones, where they differ."""
    pairs = {find(links, item): item["name"] for item in interfaces if item["mac"] or item["pci"]}
    return {old: new for old, new in pairs.items() if old in links and old != new and new not in links}


def renamed(links, names):
    """The interfaces as they are when some have other names."""
    other = dict(names)
    return {
        other.get(name, name): {**link, **{key: other.get(link[key], link[key]) for key in ("master", "parent")}}
        for name, link in links.items()
    }


def differences(links, routes, interfaces):
    """Pairs of what is and what is wished, by interface and option."""
    found = {}
    for item in interfaces:
        link = links.get(item["name"])
        pairs = _compared(link, routes, item, interfaces) if link else [("interface", "absent", "present")]
        for option, now, wished in pairs:
            if now != wished:
                found["%s %s" % (item["name"], option)] = (now, wished)
    return found


def _compared(link, routes, item, interfaces):
    yield "up", link["up"], True
    holder = description.holder(interfaces, item["name"])
    if holder and holder["type"] == "bond":
        yield "bond", link["master"], holder["name"]
    options = {"bond": (*BOND_OPTIONS, "primary"), "vlan": ("parent", "id")}.get(item["type"], ())
    for option in ("mtu", *options):
        if item[option] is not None:
            yield option, link[option], item[option]
    for text in map(description.address, item["addresses"]):
        yield "address %s" % text, "absent" if text not in link["addresses"] else "present", "present"
    for route in item["routes"]:
        table = "main" if route["table"] in (None, MAIN_TABLE) else str(route["table"])
        there = (description.destination(route), route["via"], item["name"], table) in routes
        yield "route %s" % description.destination(route), "present" if there else "absent", "present"


def to_make_anew(links, interfaces):
    """Bonds and VLANs that are other ones than described: networkd makes interfaces and does not change them."""
    other = differences(links, set(), interfaces)
    found = []
    for item in interfaces:
        options = {"bond": (*BOND_OPTIONS, "primary"), "vlan": ("parent", "id")}.get(item["type"], ())
        if any("%s %s" % (item["name"], option) in other for option in options):
            found.append(item["name"])
    return found


def carrier(links, address):
    """The interfaces by which an address of the host is reached: the one that has it, and those below."""
    waiting = [
        name for name, link in links.items() if address in {text.partition("/")[0] for text in link["addresses"]}
    ]
    found = set()
    while waiting:
        name = waiting.pop()
        found.add(name)
        below = {links[name]["parent"], *(other for other, link in links.items() if link["master"] == name)}
        waiting += [other for other in below if other in links and other not in found]
    return found
