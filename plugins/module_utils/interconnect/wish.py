# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The form of wished interconnects: what is wrong with them, and what they leave to us filled in. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
import re

MAC = re.compile(r"^[0-9a-f]{2}(:[0-9a-f]{2}){5}$")
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
FIRST_PRIORITY, LAST_PRIORITY = 100, 32767


def networks(texts):
    """Return the networks of texts that were found right."""
    return [ipaddress.ip_network(text) for text in texts]


def problems(document):
    """Return all that is wrong with one interconnect whose cidrs are known."""
    name, spec = document["metadata"]["name"], document["spec"]
    found = [] if NAME.match(name) else ["name: %r; letters, digits, hyphens, dots are allowed" % name]
    found += _wrong_networks(spec.get("cidrs") or [])
    if not found:
        transit, taken = networks(spec["cidrs"]), {}
        for number, router in enumerate(spec.get("routers") or []):
            found += ["routers[%d].%s" % (number, text) for text in _wrong_router(router, transit, taken)]
        found += _twice("routers", [router["name"] for router in spec.get("routers") or []])
    return ["Interconnect/%s: %s" % (name, text) for text in found]


def _wrong_networks(texts):
    if not texts:
        yield "cidrs: is required: nobody has told the transit switch's network yet"
    families = []
    for text in texts:
        try:
            families.append(ipaddress.ip_network(text).version)
        except ValueError as error:
            yield "cidrs: %s; a network is allowed, like 169.254.100.0/24" % error
    if len(set(families)) < len(families):
        yield "cidrs: %s; one of each family is allowed" % ", ".join(texts)


def _wrong_router(router, transit, taken):
    """Yield what is wrong with one router; `taken` has the addresses of those before it."""
    if not router["addresses"]:
        yield "addresses: is empty; at least one address is needed"
    for text in router["addresses"]:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            yield "addresses: %r; an address without prefix length is allowed" % text
            continue
        if not any(_is_host(address, network) for network in transit):
            yield "addresses: %s; an address of %s is allowed" % (text, ", ".join(map(str, transit)))
        if address in taken:
            yield "addresses: %s; router %s has it already" % (text, taken[address])
        taken[address] = router["name"]
    if router.get("mac") and not MAC.match(router["mac"].lower()):
        yield "mac: %r; six pairs of hexadecimal digits are allowed, like 0a:00:00:00:01:01" % router["mac"]
    yield from _wrong_gateways(router["gateways"])


def _is_host(address, network):
    if address not in network:
        return False
    edges = {network.network_address} | ({network.broadcast_address} if network.version == 4 else set())
    return network.prefixlen >= network.max_prefixlen - 1 or address not in edges


def _wrong_gateways(gateways):
    if not gateways:
        yield "gateways: is empty; packets of the zone leave by at least one chassis"
    for gateway in gateways:
        priority = gateway.get("priority")
        if priority is not None and not 0 <= priority <= LAST_PRIORITY:
            yield "gateways: priority %s of %s; 0 to %d are allowed" % (priority, gateway["chassis"], LAST_PRIORITY)
    yield from _twice("gateways", [gateway["chassis"] for gateway in gateways])


def _twice(field, names):
    return [
        "%s: %s is named more than once" % (field, name) for name in sorted({n for n in names if names.count(n) > 1})
    ]


def overlaps(documents):
    """Return the pairs of interconnects whose transit networks overlap, as texts."""
    known = [
        (document["metadata"]["name"], network)
        for document in documents
        for network in networks(document["spec"]["cidrs"])
    ]
    return [
        "Interconnect/%s: cidrs: %s overlaps %s of Interconnect/%s" % (name, network, other, elsewhere)
        for index, (name, network) in enumerate(known)
        for elsewhere, other in known[:index]
        if name != elsewhere and network.version == other.version and network.overlaps(other)
    ]


def complete(document, zone):
    """Return an interconnect that was found right, with what it left to us, in the form in which all are compared."""
    name, spec = document["metadata"]["name"], document["spec"]
    routers = [_complete_router(zone, name, router) for router in spec.get("routers") or []]
    spec = {"cidrs": sorted(map(str, networks(spec["cidrs"])), key=_by_family)}
    if routers:
        spec["routers"] = sorted(routers, key=lambda router: router["name"])
    return {**document, "spec": spec}


def _by_family(text):
    return (":" in text, text)


def _complete_router(zone, switch, router):
    gateways = [
        {"chassis": gateway["chassis"], "priority": FIRST_PRIORITY - place if given is None else given}
        for place, gateway in enumerate(router["gateways"])
        for given in [gateway.get("priority")]
    ]
    return {
        "name": router["name"],
        "addresses": sorted((str(ipaddress.ip_address(text)) for text in router["addresses"]), key=_by_family),
        "mac": (router.get("mac") or mac_address(zone, switch, router["name"])).lower(),
        "gateways": ordered(gateways),
    }


def ordered(gateways):
    """Return gateways as they are compared: who is asked first stands first."""
    return sorted(gateways, key=lambda gateway: (-gateway["priority"], gateway["chassis"]))


def mac_address(zone, switch, router):
    """Return an address that is the same in every run and another one in every zone."""
    digest = hashlib.sha256(("%s\0%s\0%s" % (zone, switch, router)).encode()).digest()
    return ":".join("%02x" % byte for byte in (0x0A, *digest[:5]))
