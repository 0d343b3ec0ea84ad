# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What in all objects names addresses of CIDRs that a subnet will not have any more."""

from __future__ import annotations

import ipaddress
import re

WORDS = re.compile(r"[0-9A-Fa-f.:/]+")
HOLDERS = {"Pod", "Vip"}
"""Who wishes for an address that does not exist has none."""
WRITTEN = ("kubectl.kubernetes.io/", "ovn.kubernetes.io/routed", "ovn.kubernetes.io/allocated")


def mentions(documents, subnet, old, new, kubernetes=False):
    """Return what would be without an address, and what else would name old ones: a text each."""
    pins, others = [], []
    for item in documents:
        told = kubernetes and item["kind"] == "Pod"  # what they were made of is looked at
        if told or item["kind"] == "IP" or (item["kind"] == "Subnet" and item["name"] == subnet):
            continue
        for place, text in _fields(item):
            words = sorted({word for word in WORDS.findall(text.replace("..", " ")) if _is_left(word, old, new)})
            if words:
                name = "/".join(filter(None, (item["kind"], item["namespace"], item["name"])))
                line = "%s %s names %s" % (name, place, ", ".join(words))
                (pins if item["kind"] in HOLDERS else others).append(line)
    return sorted(pins), sorted(others)


def _fields(item):
    for key, value in (item["metadata"].get("annotations") or {}).items():
        if not key.startswith(WRITTEN) and not _is_told(item, key):
            yield "annotation %s" % key, str(value)
    for place, text in texts(item["spec"], "spec"):
        yield place, text


def _is_told(item, key):
    """Return whether the fabric wrote it itself."""
    return item["kind"] in ("Node", "Namespace") and ".kubernetes.io/" in key


def texts(value, place):
    """Yield (place, text) of all texts within a value."""
    if isinstance(value, dict):
        for key, part in value.items():
            for found in texts(part, "%s.%s" % (place, key)):
                yield found
    elif isinstance(value, list):
        for number, part in enumerate(value):
            for found in texts(part, "%s.%d" % (place, number)):
                yield found
    elif isinstance(value, str):
        yield place, value


def _is_left(word, old, new):
    """Return whether an address or CIDR is in the old CIDR of its family, and not in the new one."""
    try:
        network = ipaddress.ip_network(word.rstrip(".:"), strict=False)
    except ValueError:
        return False
    before, after = old.get(network.version), new.get(network.version)
    if "/" not in word and "." not in word and word.count(":") < 2:
        return False  # a bare number
    if before is None or not network.subnet_of(before):
        return False
    return after is None or not network.subnet_of(after)
