# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Problems of addresses, routes and name servers."""

from __future__ import annotations

import ipaddress

from . import description


def of_all(interfaces):
    """Addresses that several interfaces are given, or one twice."""
    seen, found = {}, []
    for item in interfaces:
        for text in item["addresses"]:
            try:
                address = ipaddress.ip_interface(text).ip
            except ValueError:
                continue
            if address in seen:
                found.append("%s: addresses has %s, which %s has already" % (item["name"], text, seen[address]))
            seen[address] = item["name"]
    return found


def of_one(item):
    for text in item["addresses"]:
        yield from _of_address(text)
    for route in item["routes"]:
        yield from _of_route(item, route)
    for text in item["dns"]:
        if not _parsed(ipaddress.ip_address, text):
            yield "dns has %r, wanted are addresses of IPv4 or IPv6" % text
    for family in item["dhcp"]:
        if family not in description.FAMILIES:
            yield "dhcp has %r, allowed are %s" % (family, ", ".join(description.FAMILIES))


def _of_address(text):
    address = _parsed(ipaddress.ip_interface, text)
    if not address or "/" not in text:
        yield "addresses has %r, wanted is an address with prefix length such as 192.0.2.11/24" % text
    elif address.ip.is_multicast or address.ip.is_unspecified or address.ip.is_loopback:
        yield "addresses has %s, which is no address of a host" % text


def _of_route(item, route):
    to = route["to"] == "default" or _parsed(ipaddress.ip_network, route["to"])
    if not to:
        yield "routes: to is %r, wanted is default or a network such as 198.51.100.0/24" % route["to"]
    if route["via"] is None:
        if route["to"] == "default":
            yield "routes: to is default without via"
        return
    via = _parsed(ipaddress.ip_address, route["via"])
    if not via:
        yield "routes: via is %r, wanted is an address" % route["via"]
    elif to not in (True, None) and to.version != via.version:
        yield "routes: to is %s and via is %s, allowed is one family" % (to, via)
    elif not item["dhcp"] and not via.is_link_local:
        yield from _reached(item, via)


def _reached(item, via):
    networks = [_parsed(ipaddress.ip_interface, text) for text in item["addresses"]]
    if not any(via in each.network for each in networks if each):
        yield "routes: via is %s, which is in no network of its addresses (%s)" % (
            via,
            ", ".join(item["addresses"]) or "it has none",
        )


def _parsed(kind, text):
    try:
        return kind(text)
    except ValueError:
        return None
