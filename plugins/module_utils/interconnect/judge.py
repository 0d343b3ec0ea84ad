# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands against wished interconnects in the databases: networks and addresses of other zones, names of others."""

from __future__ import annotations

import ipaddress

from ansible_collections.weft.ovn.plugins.module_utils.interconnect import rows, wish


def problems(zone, document, snapshot, denied, exchanges):
    """Return all that keeps a complete interconnect from this zone.

    `denied` are the prefixes that are not exchanged, `exchanges` says whether the zone exchanges routes at all.
    """
    name = document["metadata"]["name"]
    found = list(_other_networks(zone, document, snapshot))
    found += _taken_addresses(zone, document, snapshot)
    found += _taken_chassis(zone, document, snapshot)
    for router in document["spec"].get("routers", []):
        if router["name"] not in snapshot.routers:
            known = ", ".join(sorted(snapshot.routers)) or "none"
            found.append("routers: %s is no Logical_Router of zone %s; it has %s" % (router["name"], zone, known))
        elif exchanges:
            found += _overlaps(zone, name, router["name"], snapshot, denied)
    found += _occupied_names(zone, document, snapshot)
    return ["Interconnect/%s: %s" % (name, text) for text in found]


def _other_networks(zone, document, snapshot):
    """A transit switch has the networks of the zone that was first on it."""
    name = document["metadata"]["name"]
    there, wanted = snapshot.cidrs(name), document["spec"]["cidrs"]
    elsewhere = (
        [other for other in rows.zones(snapshot.transit[name]["external_ids"]) if other != zone] if there else []
    )
    if elsewhere and there != wanted:
        yield "cidrs: %s; zone %s is on it with %s" % (", ".join(wanted), ", ".join(elsewhere), ", ".join(there))


def _taken_addresses(zone, document, snapshot):
    taken = {
        address.partition("/")[0]: other
        for other, switch, addresses in snapshot.others(zone)
        if switch == document["metadata"]["name"]
        for address in addresses
    }
    for router in document["spec"].get("routers", []):
        for address in router["addresses"]:
            if address in taken:
                yield "routers: %s: address %s is zone %s's" % (router["name"], address, taken[address])


def _taken_chassis(zone, document, snapshot):
    """Zones know each other's gateways by name: a second one of that name would be taken for the first."""
    elsewhere = {name: other for other, names in snapshot.gateways().items() if other != zone for name in names}
    for router in document["spec"].get("routers", []):
        for gateway in router["gateways"]:
            if other := elsewhere.get(gateway["chassis"]):
                text = "routers: %s: gateways: zone %s has a chassis %s too; names of chassis differ between zones"
                yield text % (router["name"], other, gateway["chassis"])


def zone_name(name, documents, snapshot):
    """Return what is wrong with a zone's first name. A zone that comes back is known by its gateways."""
    if not wish.NAME.match(name):
        return ["zone.name: %r; letters, digits, hyphens, dots are allowed" % name]
    theirs = snapshot.gateways().get(name, set())
    routers = [router for document in documents for router in document["spec"].get("routers", [])]
    own = {gateway["chassis"] for router in routers for gateway in router["gateways"]}
    if theirs and not theirs & own:
        return ["zone.name: %s; another zone has that name, with the gateways %s" % (name, ", ".join(sorted(theirs)))]
    return []


def _overlaps(zone, switch, router, snapshot, denied):
    """Two zones cannot have one network: neither would reach the other's half."""
    own = [(network, source) for network, source in snapshot.local(router) if not _is_within(network, denied)]
    for other, network in snapshot.advertised(zone, switch):
        for mine, source in own:
            if not _is_within(network, denied) and mine.version == network.version and mine.overlaps(network):
                yield "%s of zone %s (router %s, %s) overlaps %s of zone %s" % (
                    mine,
                    zone,
                    router,
                    source,
                    network,
                    other,
                )


def _is_within(network, denied):
    return any(network.version == other.version and network.subnet_of(other) for other in denied)


def _occupied_names(zone, document, snapshot):
    """Rows of others under the names that ours would have."""
    name = document["metadata"]["name"]
    router_ports = {row["name"]: row for row in snapshot.router_ports.values()}
    switch_ports = {row["name"]: row for row in snapshot.switch_ports.values()}
    for attachment in rows.attachments(zone, document):
        for table, known, port in (
            ("Logical_Router_Port", router_ports, attachment.router_port),
            ("Logical_Switch_Port", switch_ports, attachment.switch_port),
        ):
            if port in known and known[port]["external_ids"].get(rows.MARK) != name:
                yield "routers: %s: %s %s is there and not of this module" % (attachment.router, table, port)


def denied_networks(texts):
    """Return the networks of a denylist, and what is wrong with it."""
    networks, wrong = [], []
    for text in texts:
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError as error:
            wrong.append("zone.denylist: %s; a network is allowed, like 100.64.0.0/16" % error)
    return networks, wrong
