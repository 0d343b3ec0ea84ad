# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an interconnect is: a transit switch, and the routers of this zone that are attached to it.

It has the form of the table of kinds, so that lists of interconnects are merged, compared and told as those of objects
are. It is no object: it is rows of OVN's interconnection databases and of the zone's Northbound.
"""

from __future__ import annotations

GATEWAY = {
    "chassis": {"field": "chassis", "type": "str", "required": True},
    "priority": {"field": "priority", "type": "int"},
}
ROUTER = {
    "name": {"field": "name", "type": "str", "required": True},
    "addresses": {"field": "addresses", "type": "list", "elements": "str", "required": True},
    "mac": {"field": "mac", "type": "str"},
    "gateways": {"field": "gateways", "type": "list", "elements": "dict", "fields": GATEWAY, "required": True},
}
KIND = {
    "api_version": "",
    "kind": "Interconnect",
    "namespaced": False,
    "system": [],
    "waits": True,
    "fields": {
        "cidrs": {"field": "cidrs", "type": "list", "elements": "str"},
        "routers": {"field": "routers", "type": "list", "elements": "dict", "fields": ROUTER},
    },
}

SWITCHES = {
    "advertise": "ic-route-adv",
    "learn": "ic-route-learn",
    "advertise_default": "ic-route-adv-default",
    "learn_default": "ic-route-learn-default",
}
"""Options of a zone that are true or false, and their keys in NB_Global.options (ovn-nb(5))."""

DENYLIST = ("ic-route-denylist", "ic-route-blacklist")
"""Keys of the list of prefixes that are neither advertised nor learned; OVN before 24.09 knows only the second."""

ZONE_SPEC = {
    "name": {"type": "str"},
    **{name: {"type": "bool"} for name in SWITCHES},
    "denylist": {"type": "list", "elements": "str"},
}


def from_settings(settings):
    """Return the keys of NB_Global.options for a zone's options; None for what the zone does not say."""
    keys = {key: _flag(settings.get(name)) for name, key in SWITCHES.items()}
    denied = ",".join(settings.get("denylist") or []) or None
    return {**keys, **dict.fromkeys(DENYLIST, denied)}


def _flag(value):
    return None if value is None else str(value).lower()


def to_settings(name, options):
    """Return a zone's options, without what it does not say."""
    settings = {"name": name} if name else {}
    settings.update({option: options[key] == "true" for option, key in SWITCHES.items() if key in options})
    denied = next((options[key] for key in DENYLIST if options.get(key)), "")
    if denied:
        settings["denylist"] = [part.strip() for part in denied.split(",") if part.strip()]
    return settings
