# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which processors serve the interrupts of devices (Documentation/core-api/irq/irq-affinity.rst)."""

from __future__ import annotations

from .cpus import format_cpus, parse_cpus
from .host import TuningError

DEFAULT = "/proc/irq/default_smp_affinity"


def difference(host, text):
    """What serves them now and what would: new interrupts, and those that may be moved."""
    if not text:
        return {}
    wished, found = format_cpus(parse_cpus(text)), {}
    if (default := format_cpus(from_mask(host.read(DEFAULT)))) != wished:
        found["new interrupts"] = (default, wished)
    for now, numbers in sorted(_elsewhere(host, wished).items()):
        found["interrupts %s" % format_cpus(numbers)] = (now, wished)
    return found


def apply(host, text):
    if not text:
        return
    wished = parse_cpus(text)
    if from_mask(host.read(DEFAULT)) != wished:
        host.write(DEFAULT, to_mask(wished))
    for numbers in _elsewhere(host, text).values():
        for number in numbers:
            host.write(_place(number), text)


def _elsewhere(host, text):
    """Interrupts that others serve than those wished for, and that may be moved: numbers by who serves them."""
    wished, found = parse_cpus(text), {}
    for number in map(int, filter(str.isdigit, host.names("/proc/irq"))):
        now = host.read(_place(number))
        if now and not parse_cpus(now) <= wished and _movable(host, number, now):
            found.setdefault(now, []).append(number)
    return found


def _place(number):
    return "/proc/irq/%d/smp_affinity_list" % number


def _movable(host, number, now):
    """Timers and interrupts that the kernel spreads by itself refuse to be written, even what they have."""
    try:
        host.write(_place(number), now)
    except TuningError:
        return False
    return True


def from_mask(mask):
    value = int(mask.replace(",", ""), 16)
    return {bit for bit in range(value.bit_length()) if value >> bit & 1}


def to_mask(cpus):
    """Groups of 32 bits, the highest first."""
    value, groups = sum(1 << cpu for cpu in cpus), []
    while value or not groups:
        groups.append("%08x" % (value & 0xFFFFFFFF))
        value >>= 32
    return ",".join(reversed(groups))
