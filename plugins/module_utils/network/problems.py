# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What stands against a description, all of it at once: the interfaces themselves and the host they are wished for."""

from __future__ import annotations

import re

from . import addressing, description, links

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
NAME_LENGTH = 15
MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
PCI_WANTED = "an address such as 0000:3b:00.0"


def find(host, interfaces):
    """Problems of interfaces as `description.whole` gives them. `host` is a `Facts`."""
    found = of_names(interfaces) + addressing.of_all(interfaces)
    for item in interfaces:
        if item["type"] not in description.TYPES:
            found.append("%s: type is %r, allowed are %s" % (item["name"], item["type"], _list(description.TYPES)))
            continue
        texts = [*_of_options(item), *addressing.of_one(item), *BY_TYPE[item["type"]](item, interfaces, host)]
        found += ["%s: %s" % (item["name"], text) for text in [*texts, *_of_host(item, host)]]
    return list(dict.fromkeys(found))


def of_names(interfaces):
    found, names = [], [item["name"] for item in interfaces]
    for name in dict.fromkeys(names):
        if len(name) > NAME_LENGTH or not NAME.fullmatch(name):
            found.append(
                "name is %r with %d characters, allowed are up to %d letters, digits and . _ -"
                % (name, len(name), NAME_LENGTH)
            )
        if names.count(name) > 1:
            found.append("%s: is described %d times" % (name, names.count(name)))
    return found


def _of_options(item):
    for option, types in description.BY_TYPE.items():
        if item[option] not in (None, []) and item["type"] not in types:
            yield "%s is %r, and type %s has no %s (%s has)" % (
                option,
                item[option],
                item["type"],
                option,
                _list(types),
            )


def of_ethernet(item, interfaces, host):
    if item["mac"] and item["pci"]:
        yield "mac is %s and pci is %s, allowed is one of them" % (item["mac"], item["pci"])
    elif item["mac"] and not MAC.fullmatch(item["mac"]):
        yield "mac is %r, wanted is an address such as 52:54:00:12:34:56" % item["mac"]
    elif item["pci"] and not links.PCI.fullmatch(item["pci"]):
        yield "pci is %r, wanted is %s" % (item["pci"], PCI_WANTED)
    elif links.find(host.links, item) is None:
        yield "no such NIC%s; this host has %s" % (_by(item), _nics(host))
    elif links.find(host.links, item) != item["name"] and item["name"] in host.links:
        other = host.links[item["name"]]
        yield "the name is that of another interface (%s), allowed is one that is free" % (other["pci"] or other["mac"])
    yield from _of_mtu(item, interfaces, host)


def _by(item):
    return " with %s" % (item["mac"] or item["pci"]) if item["mac"] or item["pci"] else ""


def _nics(host):
    return _list(
        "%s (%s, %s)" % (name, link["mac"], link["pci"] or "no PCI address")
        for name, link in sorted(host.links.items())
        if not link["kind"] and name != "lo"
    )


def of_bond(item, interfaces, host):
    if item["mode"] not in description.BOND_MODES:
        yield "mode is %r, allowed are %s" % (item["mode"], _list(description.BOND_MODES))
    elif item["lacp_rate"] and item["mode"] != "802.3ad":
        yield "lacp_rate is %s, and mode %s has no LACP (802.3ad has)" % (item["lacp_rate"], item["mode"])
    elif item["hash_policy"] and item["mode"] == "active-backup":
        yield "hash_policy is %s, and mode active-backup sends by one NIC" % item["hash_policy"]
    elif item["primary"] and item["mode"] != "active-backup":
        yield "primary is %s, and mode %s has none (active-backup has)" % (item["primary"], item["mode"])
    for option, allowed in (("lacp_rate", description.LACP_RATES), ("hash_policy", description.HASH_POLICIES)):
        if item[option] and item[option] not in allowed:
            yield "%s is %r, allowed are %s" % (option, item[option], _list(allowed))
    if item["miimon"] is not None and not 0 <= item["miimon"] <= 10000:
        yield "miimon is %d, allowed are 0 to 10000 milliseconds" % item["miimon"]
    if item["primary"] and item["primary"] not in item["nics"]:
        yield "primary is %s, allowed are its nics (%s)" % (item["primary"], _list(item["nics"]))
    if item["mac"] and not MAC.fullmatch(item["mac"]):
        yield "mac is %r, wanted is an address such as 52:54:00:12:34:56" % item["mac"]
    yield from _of_speeds(item, interfaces, host)
    yield from _of_members(item, interfaces, host, ("ethernet",))
    yield from _of_mtu(item, interfaces, host)


def _of_speeds(item, interfaces, host):
    """The kernel's bond aggregates NICs of one speed: one that tells none, as virtio's do, never carries a packet."""
    members = {other["name"]: links.find(host.links, other) for other in interfaces if other["name"] in item["nics"]}
    for nic, present in members.items():
        if item["mode"] == "802.3ad" and present and host.links[present]["speedless"]:
            yield "nics has %s, whose driver tells no speed: mode 802.3ad leaves such a NIC out" % nic


def of_vlan(item, interfaces, host):
    if item["id"] is None or not 1 <= item["id"] <= 4094:
        yield "id is %s, allowed are 1 to 4094" % item["id"]
    parent = next((other for other in interfaces if other["name"] == item["parent"]), None)
    if parent is None or parent["type"] not in ("ethernet", "bond"):
        names = [other["name"] for other in interfaces if other["type"] in ("ethernet", "bond")]
        yield "parent is %s, allowed are described NICs and bonds (%s)" % (
            item["parent"],
            _list(names) or "there is none",
        )
    same = [
        other["name"]
        for other in interfaces
        if other is not item
        and other["type"] == "vlan"
        and (other["parent"], other["id"]) == (item["parent"], item["id"])
    ]
    if same:
        yield "id is %s, and %s has it on %s already" % (item["id"], _list(same), item["parent"])
    yield from _of_mtu(item, interfaces, host)


def of_bridge(item, interfaces, host):
    if host.switch is None:
        yield "no Open vSwitch runs on this host (role openvswitch)"
        return
    for nic in item["nics"]:
        bridge = host.switch.bridge_of(nic)
        if bridge and bridge != item["name"] and not host.switch.is_ours(nic):
            yield "nics has %s, which is a port of %s" % (nic, bridge)
    yield from _of_members(item, interfaces, host, ("ethernet", "bond", "vlan"))
    yield from _of_mtu(item, interfaces, host)


BY_TYPE = {"ethernet": of_ethernet, "bond": of_bond, "vlan": of_vlan, "ovs_bridge": of_bridge}


def _of_members(item, interfaces, host, allowed):
    if not item["nics"] and item["type"] == "bond":
        yield "nics is empty, a bond has at least one"
    types = {other["name"]: other for other in interfaces}
    carrier = links.carrier(host.links, host.ssh)
    for nic in item["nics"]:
        member = types[nic]
        others = [other["name"] for other in interfaces if other is not item and nic in other["nics"]]
        if others or item["nics"].count(nic) > 1:
            yield "nics has %s, which is part of %s too" % (nic, _list(others or [item["name"]]))
        if member["type"] not in allowed:
            yield "nics has %s of type %s, allowed are %s" % (nic, member["type"], _list(allowed))
        if description.is_configured(member) or member["routes"]:
            yield "nics has %s with addresses or routes of its own, which belong to %s" % (nic, item["name"])
        if links.find(host.links, member) in carrier and not _gets(interfaces, host.ssh):
            yield (
                "nics has %s, by which %s is reached, and no interface is given that address: "
                "write it in the addresses of the one that shall have it" % (nic, host.ssh)
            )


def _gets(interfaces, address):
    """Whether an interface is given an address, or asks a server for some."""
    given = [text.partition("/")[0] for item in interfaces for text in item["addresses"]]
    return address in given or any(item["dhcp"] for item in interfaces)


def _of_mtu(item, interfaces, host):
    if item["mtu"] is None:
        return
    if not 68 <= item["mtu"] <= 65535:
        yield "mtu is %d, allowed are 68 to 65535" % item["mtu"]
        return
    if item["mtu"] < 1280 and any(":" in address for address in item["addresses"]):
        yield "mtu is %d, IPv6 wants at least 1280" % item["mtu"]
    for name, most in _limits(item, interfaces, host):
        if item["mtu"] > most:
            yield "mtu is %d, %s allows at most %d" % (item["mtu"], name, most)


def _limits(item, interfaces, host):
    """Names of what an interface is made of, and the largest MTU of each."""
    own = links.find(host.links, item)
    if item["type"] == "ethernet" and own:
        yield "the NIC", host.links[own]["max_mtu"]
    by_name = {other["name"]: other for other in interfaces}
    if item["type"] == "vlan" and item["parent"] in by_name:
        yield item["parent"], _mtu(by_name[item["parent"]], host)
    for nic in item["nics"]:
        present = links.find(host.links, by_name[nic])
        if item["type"] == "bond" and present:
            # A bond gives its NICs its MTU.
            yield nic, host.links[present]["max_mtu"]
        elif item["type"] == "ovs_bridge":
            yield nic, _mtu(by_name[nic], host)


def _mtu(item, host):
    present = links.find(host.links, item)
    return item["mtu"] or (host.links[present]["mtu"] if present else 1500)


def _of_host(item, host):
    """What others on the host have made or configure under the name."""
    present = links.find(host.links, item)
    link = host.links.get(present)
    kind = {"bond": "bond", "vlan": "vlan", "ovs_bridge": "openvswitch"}.get(item["type"])
    if link and kind and link["kind"] != kind:
        yield "there is an interface of this name that is no %s but %s" % (kind, link["kind"] or "a NIC")
    if host.renderer == "nmstate" and item["type"] == "ethernet" and (item["mac"] or item["pci"]):
        yield "mac or pci is given, and NetworkManager gives NICs no names: describe it by the name that it has"
    for claimant in host.claims.get(present, ()):
        yield "%s configures it too: it has to leave it alone first" % claimant


def _list(words):
    return ", ".join(words)
