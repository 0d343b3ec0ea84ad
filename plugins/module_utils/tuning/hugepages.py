# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hugepages by size and NUMA node, at run time; the largest are asked for at boot too, where memory is still whole.

See Documentation/admin-guide/mm/hugetlbpage.rst of the kernel.
"""

from __future__ import annotations

import re

from .host import TuningError

KIB = {"2M": 2048, "1G": 1048576}
KEPT_MIB = 512
"""Memory that stays with the system on each node."""


def place(wish):
    """Where the kernel counts pages of this size on this node, or on all of them."""
    node = wish.get("node")
    base = "/sys/kernel/mm" if node is None else "/sys/devices/system/node/node%d" % node
    return "%s/hugepages/hugepages-%dkB" % (base, KIB[wish["size"]])


def label(wish):
    where = "" if wish.get("node") is None else " on node %d" % wish.get("node")
    return "hugepages of %s%s" % (wish["size"], where)


def count(host, wish):
    return int(host.read(place(wish) + "/nr_hugepages") or 0)


def memory(host, node):
    """MiB of a node, or of the host."""
    text = host.read("/proc/meminfo" if node is None else "/sys/devices/system/node/node%d/meminfo" % node)
    return next(int(line.split()[-2]) for line in text.splitlines() if "MemTotal:" in line) // 1024


def problems(host, wishes):
    found = [problem for wish in wishes for problem in _impossible(host, wish)]
    return found or _twice(wishes) + _too_many(host, wishes)


def _impossible(host, wish):
    nodes = [name for name in host.names("/sys/devices/system/node") if re.fullmatch("node[0-9]+", name)]
    if wish.get("node") is not None and "node%d" % wish.get("node") not in nodes:
        return ["%s: no such node; this host has %s" % (label(wish), ", ".join(nodes))]
    if not host.exists(place(wish)):
        return ["%s: its processor or kernel does not have this size" % label(wish)]
    if wish["count"] < 0:
        return ["%s: count is %d, allowed are 0 and more" % (label(wish), wish["count"])]
    used = count(host, wish) - int(host.read(place(wish) + "/free_hugepages") or 0)
    if wish["count"] < used:
        return ["%s: count is %d, and %d are in use" % (label(wish), wish["count"], used)]
    return []


def _twice(wishes):
    found = []
    for size in KIB:
        nodes = [wish.get("node") for wish in wishes if wish["size"] == size]
        if len(nodes) != len(set(nodes)):
            found.append("hugepages of %s are described twice for one node" % size)
        elif None in nodes and len(nodes) > 1:
            found.append("hugepages of %s are described for the host and for a node; one of both is wanted" % size)
    return found


def _too_many(host, wishes):
    found = []
    for node in sorted({wish.get("node") for wish in wishes}, key=lambda node: (node is not None, node)):
        # What is wished for no node in particular has to fit the host together with all the rest.
        counted = [wish for wish in wishes if node is None or wish.get("node") == node]
        wished, there = sum(wish["count"] * KIB[wish["size"]] // 1024 for wish in counted), memory(host, node)
        if wished > there - KEPT_MIB:
            where = "this host" if node is None else "node %d" % node
            found.append(
                "hugepages: %d MiB are wished for; %s has %d MiB, of which %d stay with the system"
                % (wished, where, there, KEPT_MIB)
            )
    return found


def arguments(wishes):
    """Kernel arguments for the pages of 1 GiB, which a kernel that runs seldom finds in one piece."""
    large = [wish for wish in wishes if wish["size"] == "1G" and wish["count"]]
    if not large:
        return []
    counts = [str(wish["count"]) if wish.get("node") is None else "%(node)d:%(count)d" % wish for wish in large]
    return ["hugepagesz=1G", "hugepages=%s" % ",".join(counts)]


def difference(host, wishes):
    """Pairs of what is and what is wished, by label."""
    return {label(wish): (count(host, wish), wish["count"]) for wish in wishes if count(host, wish) != wish["count"]}


def apply(host, wishes):
    """Ask for the pages. Returns labels with counts where the kernel found less memory in one piece."""
    short = []
    for wish in wishes:
        if count(host, wish) == wish["count"]:
            continue
        host.write(place(wish) + "/nr_hugepages", str(wish["count"]))
        got = count(host, wish)
        if got > wish["count"]:
            raise TuningError("%s: %d are in use, and %d are wished for" % (label(wish), got, wish["count"]))
        if got < wish["count"]:
            short.append("%s: %d of %d" % (label(wish), got, wish["count"]))
    return short
