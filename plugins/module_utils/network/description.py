# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The description of a host's interfaces: which options a type has, and who is part of whom."""

from __future__ import annotations

import ipaddress

TYPES = ("ethernet", "bond", "vlan", "ovs_bridge")
COMMON = {
    "mtu": {"type": "int"},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "routes": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "to": {"type": "str", "required": True},
            "via": {"type": "str"},
            "metric": {"type": "int"},
            "table": {"type": "int"},
        },
    },
    "dns": {"type": "list", "elements": "str", "default": []},
    "domains": {"type": "list", "elements": "str", "default": []},
    "dhcp": {"type": "list", "elements": "str", "default": []},
}
BY_TYPE = {
    "mac": ("ethernet", "bond"),
    "pci": ("ethernet",),
    "nics": ("bond", "ovs_bridge"),
    "mode": ("bond",),
    "miimon": ("bond",),
    "lacp_rate": ("bond",),
    "hash_policy": ("bond",),
    "primary": ("bond",),
    "parent": ("vlan",),
    "id": ("vlan",),
}
"""Options that only some types have."""

# Values are not `choices`: what is wrong with them is said together with all else that is wrong.
ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "default": "ethernet"},
    "mac": {"type": "str"},
    "pci": {"type": "str"},
    "nics": {"type": "list", "elements": "str", "default": []},
    "mode": {"type": "str"},
    "miimon": {"type": "int"},
    "lacp_rate": {"type": "str"},
    "hash_policy": {"type": "str"},
    "primary": {"type": "str"},
    "parent": {"type": "str"},
    "id": {"type": "int"},
    **COMMON,
}

# Names as the kernel shows them (ip-link(8)), with what systemd.netdev(5) and nmstate call the same.
BOND_MODES = ("active-backup", "802.3ad", "balance-xor")
HASH_POLICIES = ("layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4", "vlan+srcmac")
LACP_RATES = ("slow", "fast")
FAMILIES = ("ipv4", "ipv6")


def interface(**given):
    """An interface with every option, as a module gets it."""
    empty = {name: [] if spec.get("default") == [] else spec.get("default") for name, spec in ARGUMENTS.items()}
    return {**empty, **given}


def whole(interfaces):
    """Those described, and NICs of their bonds and bridges that have no settings of their own."""
    names = {item["name"] for item in interfaces}
    implied = dict.fromkeys(nic for item in interfaces for nic in item["nics"] if nic not in names)
    return interfaces + [interface(name=name) for name in implied]


def holder(interfaces, name):
    """The bond or bridge that an interface is part of, None when it is free."""
    return next((item for item in interfaces if name in item["nics"]), None)


def vlans_on(interfaces, name):
    return [item["name"] for item in interfaces if item["type"] == "vlan" and item["parent"] == name]


def is_configured(item):
    """Whether it is to have addresses."""
    return bool(item["addresses"] or item["dhcp"])


def address(text):
    """An address with its prefix length in the kernel's spelling."""
    return str(ipaddress.ip_interface(text))


def destination(route):
    """Where a route leads, in the kernel's spelling; `default` is that of the gateway's family."""
    if route["to"] != "default":
        return str(ipaddress.ip_network(route["to"]))
    return "::/0" if ":" in (route["via"] or "") else "0.0.0.0/0"
