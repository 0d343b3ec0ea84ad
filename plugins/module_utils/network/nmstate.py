# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The description as a document of nmstate, where NetworkManager has the network; and where a host differs from it.

nmstate verifies what it has made, and its check-point is NetworkManager's: `apply --no-commit --timeout` makes a change
that undoes itself unless `commit` follows. It does not know whose an interface is, so a file keeps what was made here.
"""

from __future__ import annotations

import json
import os

from . import description

TYPES = {"ethernet": "ethernet", "bond": "bond", "vlan": "vlan", "ovs_bridge": "ovs-bridge"}
MADE = ("bond", "vlan", "ovs_bridge")
RECORD = "/etc/weft/network.json"
DOCUMENT = "/run/weft-network/wished.json"
BOND_OPTIONS = {"miimon": "miimon", "lacp_rate": "lacp_rate", "hash_policy": "xmit_hash_policy", "primary": "primary"}
"""Our names, and those of the kernel, which nmstate uses."""


def record(interfaces):
    """What is made for a description, by name: all that is to go when it is no longer described."""
    return {item["name"]: TYPES[item["type"]] for item in interfaces if item["type"] in MADE}


def document(interfaces, before):
    """The wished state. `before` is what earlier calls have made."""
    parts = [part for item in interfaces for part in _parts(item)]
    gone = sorted(name for name in before if name not in record(interfaces))
    parts += [{"name": name, "type": before[name], "state": "absent"} for name in gone]
    routes = [route for item in interfaces for route in _routes(item)]
    servers = [server for item in interfaces for server in item["dns"]]
    domains = [domain for item in interfaces for domain in item["domains"]]
    found = {"interfaces": parts, "routes": {"config": routes}}
    if servers or domains:
        found["dns-resolver"] = {"config": {"server": servers, "search": domains}}
    return found


def _parts(item):
    """One interface; a bridge of Open vSwitch is two, itself and the interface of the host in it."""
    head = {"name": item["name"], "type": TYPES[item["type"]], "state": "up"}
    if item["type"] == "ovs_bridge":
        ports = [{"name": name} for name in (item["name"], *item["nics"])]
        yield {**head, "bridge": {"port": ports}}
        head = {**head, "type": "ovs-interface"}
    if item["mtu"]:
        head["mtu"] = item["mtu"]
    if item["type"] == "bond":
        options = {theirs: item[ours] for ours, theirs in BOND_OPTIONS.items() if item[ours] is not None}
        head["link-aggregation"] = {"mode": item["mode"], "port": item["nics"], "options": options}
        head.update({"mac-address": item["mac"]} if item["mac"] else {})
    if item["type"] == "vlan":
        head["vlan"] = {"base-iface": item["parent"], "id": item["id"]}
    yield {**head, "ipv4": _family(item, "ipv4"), "ipv6": _family(item, "ipv6")}


def _family(item, family):
    texts = [text for text in map(description.address, item["addresses"]) if (":" in text) == (family == "ipv6")]
    dynamic = family in item["dhcp"]
    if not texts and not dynamic:
        return {"enabled": False}
    pairs = [text.partition("/") for text in texts]
    addresses = [{"ip": address, "prefix-length": int(length)} for address, _slash, length in pairs]
    more = {"autoconf": dynamic} if family == "ipv6" else {}
    return {"enabled": True, "dhcp": dynamic, "address": addresses, **more}


def _routes(item):
    """Whatever routes the interface has go, then come those that are described."""
    if description.is_configured(item):
        yield {"next-hop-interface": item["name"], "state": "absent"}
    for route in item["routes"]:
        optional = {"next-hop-address": route["via"], "metric": route["metric"], "table-id": route["table"]}
        given = {key: value for key, value in optional.items() if value is not None}
        yield {"destination": description.destination(route), "next-hop-interface": item["name"], **given}


def differences(wished, now):
    """Pairs of what `nmstatectl show` tells and what is wished, by interface and property."""
    there = {(item["name"], item["type"]): item for item in now["interfaces"]}
    found = {}
    for item in wished["interfaces"]:
        seen = there.get((item["name"], item["type"]))
        if item["state"] == "absent":
            found.update({"%s interface" % item["name"]: ("present", "absent")} if seen else {})
        elif seen is None:
            found["%s interface" % item["name"]] = ("absent", "present")
        else:
            found.update({"%s %s" % (item["name"], path): pair for path, pair in _unlike(item, seen)})
    running = now.get("routes", {}).get("config", [])
    for route in wished["routes"]["config"]:
        if "destination" in route and not any(not list(_unlike(route, other)) for other in running):
            found["%s route %s" % (route["next-hop-interface"], route["destination"])] = ("absent", "present")
    config = now.get("dns-resolver", {}).get("config", {})
    found.update(
        {"dns %s" % path: pair for path, pair in _unlike(wished.get("dns-resolver", {}).get("config", {}), config)}
    )
    return found


def _unlike(wished, now, path=""):
    """What is wished and otherwise: properties that are not named may be anything."""
    for key, value in wished.items():
        seen, name = now.get(key), (path + " " + key).strip()
        if isinstance(value, dict):
            yield from _unlike(value, seen or {}, name)
        elif key in ("address", "port"):
            missing = [each for each in value if not _has(seen or [], each)]
            surplus = key == "port" and len(seen or []) > len(value) and isinstance(value[0], str)
            if missing or surplus:
                yield name, (seen, value)
        elif seen != value and not (value is False and seen is None):
            yield name, (seen, value)


def _has(seen, wished):
    """Whether a list has an element; one that is a dictionary may have further keys."""
    if isinstance(wished, dict):
        return any(all(each.get(key) == value for key, value in wished.items()) for each in seen)
    return wished in seen


class Plan:
    """The difference between a host and its description, as the other renderer's plan tells it, and how it ends."""

    files = {}
    taken_over = {}

    def __init__(self, host, interfaces):
        self.interfaces = interfaces
        self.before = json.loads(host.read(RECORD) or "{}")
        self.document = document(interfaces, self.before)
        self.pairs = differences(self.document, json.loads(host.run("nmstatectl", "show", "--json")))

    @property
    def touched(self):
        return sorted({key.partition(" ")[0] for key in self.pairs})

    def __bool__(self):
        return bool(self.pairs)

    def carry_out(self, host, seconds):
        """What is made is kept on record first: that something is gone already, nmstate does not mind."""
        for path in (RECORD, DOCUMENT):
            os.makedirs(os.path.dirname(host.path(path)), exist_ok=True)
        host.write(RECORD, json.dumps({**self.before, **record(self.interfaces)}))
        host.write(DOCUMENT, json.dumps(self.document))
        host.run("nmstatectl", "apply", "--no-commit", "--timeout", str(seconds), host.path(DOCUMENT))


def confirm(host):
    """The change stays; nmstatectl fails when NetworkManager has put the network back."""
    host.run("nmstatectl", "commit")
