# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The description as files of systemd-networkd: systemd.link(5), systemd.netdev(5) and systemd.network(5).

The first file that matches an interface counts, so ours sort before those of distributions, installers, cloud-init and
netplan. They need no change and have their effect again when ours go.
"""

from __future__ import annotations

from . import description

DIRECTORY = "/etc/systemd/network"
PREFIX = "05-weft-"
HEADER = "# Written by Ansible (weft.ovn.host_network)."


def path(name, kind):
    return "%s/%s%s.%s" % (DIRECTORY, PREFIX, name, kind)


def name_of(file_path):
    """The interface that a file of ours is about."""
    return file_path[len(DIRECTORY) + 1 + len(PREFIX) :].rpartition(".")[0]


def is_ours(file_path):
    return file_path.startswith("%s/%s" % (DIRECTORY, PREFIX))


def files(interfaces):
    """All files by path, of interfaces as `description.whole` gives them."""
    found = {}
    for item in interfaces:
        found[path(item["name"], "network")] = text(network(item, interfaces))
        if item["type"] in ("bond", "vlan"):
            found[path(item["name"], "netdev")] = text(netdev(item))
        if sections := link(item):
            found[path(item["name"], "link")] = text(sections)
    return found


def text(sections):
    """Sections are pairs of a name and of pairs; those with nothing in them are left out."""
    lines = [["[%s]" % name, *("%s=%s" % pair for pair in pairs)] for name, pairs in sections if pairs]
    return "\n\n".join([HEADER, *map("\n".join, lines)]) + "\n"


def link(item):
    """What udev does to an interface: the name of a NIC, and no MAC of its own making for a bond or bridge.

    Those have that of their first NIC, which switches and DHCP servers know. A bond gives its NICs one MAC, so the
    permanent one is asked for.
    """
    if item["type"] in ("bond", "ovs_bridge"):
        return [("Match", [("OriginalName", item["name"])]), ("Link", [("MACAddressPolicy", "none")])]
    if not item["mac"] and not item["pci"]:
        return []
    match = ("PermanentMACAddress", item["mac"]) if item["mac"] else ("Path", "pci-%s" % item["pci"])
    return [("Match", [match]), ("Link", [("Name", item["name"])])]


def netdev(item):
    common = [("Name", item["name"]), ("Kind", item["type"]), *_given(item, MTUBytes="mtu")]
    if item["type"] == "vlan":
        return [("NetDev", common), ("VLAN", [("Id", item["id"])])]
    common.append(("MACAddress", item["mac"] or "none"))
    bond = [("Mode", item["mode"]), *_given(item, TransmitHashPolicy="hash_policy", LACPTransmitRate="lacp_rate")]
    if item["miimon"] is not None:
        bond.append(("MIIMonitorSec", "%dms" % item["miimon"]))
    return [("NetDev", common), ("Bond", bond)]


def _given(item, **names):
    return [(key, item[option]) for key, option in names.items() if item[option] is not None]


def network(item, interfaces):
    holder = description.holder(interfaces, item["name"])
    configured = description.is_configured(item)
    # Nobody has to wait at boot for what has no address.
    on_link = [] if configured else [("RequiredForOnline", "no")]
    # The interface of a bridge gets its MTU from the switch, whose own it is.
    if item["mtu"] and item["type"] != "ovs_bridge":
        on_link.insert(0, ("MTUBytes", item["mtu"]))
    sections = [("Match", [("Name", item["name"])]), ("Link", on_link), ("Network", _network(item, interfaces, holder))]
    return sections + [("Route", _route(route)) for route in item["routes"]]


def _network(item, interfaces, holder):
    pairs = []
    if holder and holder["type"] == "bond":
        pairs.append(("Bond", holder["name"]))
        if holder["primary"] == item["name"]:
            pairs.append(("PrimarySlave", "yes"))
    elif holder:
        # The switch has made it a port.
        pairs.append(("KeepMaster", "yes"))
    pairs += [("VLAN", name) for name in description.vlans_on(interfaces, item["name"])]
    pairs += [("Address", description.address(text)) for text in item["addresses"]]
    pairs += [("DNS", server) for server in item["dns"]]
    if item["domains"]:
        pairs.append(("Domains", " ".join(item["domains"])))
    return pairs + _dynamic(item)


def _dynamic(item):
    """What is learnt from the network is learnt only when asked for. Given addresses do not wait for a carrier."""
    dhcp = "yes" if len(set(item["dhcp"])) > 1 else (item["dhcp"] or ["no"])[0]
    six = "ipv6" in item["dhcp"]
    has_six = six or any(":" in address for address in item["addresses"])
    pairs = [("DHCP", dhcp), ("LinkLocalAddressing", _yes(has_six, "ipv6")), ("IPv6AcceptRA", _yes(six))]
    return pairs if item["dhcp"] else [*pairs, ("ConfigureWithoutCarrier", "yes")]


def _yes(is_so, word="yes"):
    return word if is_so else "no"


def _route(route):
    pairs = [("Destination", description.destination(route))]
    pairs += [("Gateway", route["via"])] if route["via"] else [("Scope", "link")] if ":" not in route["to"] else []
    return pairs + _given(route, Metric="metric", Table="table")
