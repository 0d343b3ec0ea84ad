# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Processors: lists of them as the kernel writes them, and what isolates some from its scheduler."""

from __future__ import annotations

import re

RANGE = re.compile(r"\s*([0-9]{1,5})\s*(?:-\s*([0-9]{1,5})\s*)?")


def parse_cpus(text):
    """The numbers in a list such as `0-3,8`, none of an empty one; ValueError tells what is wrong with it."""
    found = set()
    for part in text.split(",") if text and text.strip() else ():
        match = RANGE.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first:
            raise ValueError("%r is no list of CPUs such as 2-5,8" % text)
        found.update(range(first, last + 1))
    return found


def format_cpus(numbers):
    """As the kernel writes it: ranges in ascending order."""
    parts, run = [], []
    for number in [*sorted(numbers), None]:
        if run and number != run[-1] + 1:
            parts.append("%d-%d" % (run[0], run[-1]) if len(run) > 1 else str(run[0]))
            run = []
        if number is not None:
            run.append(number)
    return ",".join(parts)


def present(host):
    return parse_cpus(host.read("/sys/devices/system/cpu/present"))


def problems(host, option, text):
    """What stands against an option that is a list of processors."""
    try:
        wished = parse_cpus(text)
    except ValueError:
        wished = set()
    if not wished:
        return ["%s is %r, wanted is a list of processors such as 2-7,10" % (option, text)]
    there = present(host)
    if beyond := wished - there:
        return ["%s has %s; this host has processors %s" % (option, format_cpus(beyond), format_cpus(there))]
    return []


def isolation_problems(host, text):
    """Those of `isolated_cpus`: the system needs one processor that is not isolated."""
    found = problems(host, "isolated_cpus", text)
    if not found and parse_cpus(text) == present(host):
        found = ["isolated_cpus has all processors (%s); at least one stays with the system" % text]
    return found


def isolation_arguments(text):
    """The kernel arguments that take processors out of scheduling, ticks and callbacks."""
    cpus = format_cpus(parse_cpus(text))
    return ["isolcpus=managed_irq,domain,%s" % cpus, "nohz_full=%s" % cpus, "rcu_nocbs=%s" % cpus]
