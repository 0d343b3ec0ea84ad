# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rings, channels and offloads of NICs, as `ethtool` shows and sets them."""

from __future__ import annotations

KINDS = {"rings": ("-g", "-G"), "channels": ("-l", "-L"), "offloads": ("-k", "-K")}
"""What shows a kind of setting, and what sets it."""


def limits_and_values(text):
    """What `ethtool -g` and `-l` print: two dictionaries, of the most and of what is, without what a NIC lacks."""
    most, now, current = {}, {}, None
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if name.startswith(("Pre-set maximums", "Current hardware settings")):
            current = most if name.startswith("Pre") else now
        elif current is not None and colon and value.strip().isdigit():
            current[name.strip().lower().replace(" ", "-")] = int(value)
    return most, now


def features(text):
    """What `ethtool -k` prints: dictionaries of what is, and of whether it is fixed."""
    now, fixed = {}, {}
    for line in text.splitlines()[1:]:
        name, colon, value = line.strip().partition(": ")
        if colon:
            now[name], fixed[name] = value.startswith("on"), "[fixed]" in value
    return now, fixed


def observe(host, name, kind):
    """(limits, values) of one kind; for offloads (whether fixed, values)."""
    text = host.run("ethtool", KINDS[kind][0], name)
    if kind == "offloads":
        now, fixed = features(text)
        return fixed, now
    return limits_and_values(text)


def problems(host, wishes):
    found, known = [], host.names("/sys/class/net")
    for wish in wishes:
        if wish["name"] not in known:
            found.append("nics: %s: no such NIC; this host has %s" % (wish["name"], ", ".join(known)))
        else:
            found += ["nics: %s: %s" % (wish["name"], text) for text in _problems_of(host, wish)]
    names = [wish["name"] for wish in wishes]
    return found + ["nics: %s is described twice" % name for name in sorted(set(names)) if names.count(name) > 1]


def _problems_of(host, wish):
    for kind in KINDS:
        wanted = wish.get(kind) or {}
        limits, now = observe(host, wish["name"], kind) if wanted else ({}, {})
        for setting, value in wanted.items():
            if setting not in now:
                yield "%s has no %s; there are %s" % (kind, setting, ", ".join(sorted(now)) or "none")
            elif kind == "offloads":
                if limits[setting] and now[setting] != value:
                    yield "offloads: %s is fixed %s" % (setting, _word(now[setting]))
            elif not 0 <= value <= limits.get(setting, 0):
                yield "%s: %s is %d, allowed are 0 to %d" % (kind, setting, value, limits.get(setting, 0))


def difference(host, wishes):
    found = {}
    for wish in wishes:
        for kind in KINDS:
            for setting, (now, value) in _differing(host, wish, kind).items():
                found["%s %s %s" % (wish["name"], kind, setting)] = (now, value)
    return found


def apply(host, wishes):
    """All settings of one kind in one call: NICs stop for a moment at each."""
    for wish in wishes:
        for kind in KINDS:
            differing = _differing(host, wish, kind)
            words = [word for setting, (_now, value) in differing.items() for word in (setting, _word(value))]
            if words:
                host.run("ethtool", KINDS[kind][1], wish["name"], *words)


def _differing(host, wish, kind):
    wanted = wish.get(kind) or {}
    now = observe(host, wish["name"], kind)[1] if wanted else {}
    return {setting: (now.get(setting), value) for setting, value in wanted.items() if now.get(setting) != value}


def _word(value):
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
