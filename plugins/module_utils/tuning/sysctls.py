# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kernel parameters (sysctl), now; /etc/sysctl.d keeps them."""

from __future__ import annotations


def place(name):
    """A dot separates names, and a slash stands for a dot in one: `net.ipv4.conf.eth0/100.rp_filter`."""
    return "/proc/sys/" + name.replace(".", "\0").replace("/", ".").replace("\0", "/")


def value(host, name):
    text = host.read(place(name))
    return None if text is None else " ".join(text.split())


def problems(host, wishes):
    return ["sysctls: this kernel has no %s" % name for name in wishes if value(host, name) is None]


def difference(host, wishes):
    pairs = {name: (value(host, name), " ".join(str(wish).split())) for name, wish in wishes.items()}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def apply(host, wishes):
    for name, (_before, after) in difference(host, wishes).items():
        host.write(place(name), after)
