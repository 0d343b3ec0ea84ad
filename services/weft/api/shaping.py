"""How fast and how late a pod's packets go, and to whom they are shown (Kube-OVN 1.15 manual, sections 3.6 and 3.9).

Directions are as seen from the pod: `ingress_rate` is for what it receives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_COLLECTOR = re.compile(r"(?P<kind>gre|erspan):(?P<address>[0-9A-Fa-f.:]+)(/(?P<key>[0-9]{1,10}))?")
LARGEST_KEY = {"gre": 2**32 - 1, "erspan": 1023}
"""RFC 2890 has 32 bits for a key; ERSPAN's session has ten."""


def _number(low: float, high: float, unit: str, *, whole: bool = False) -> Callable[[str], float]:
    def parse(text: str) -> float:
        """Raises ValueError."""
        value = float(text) if _NUMBER.fullmatch(text.strip()) else -1.0
        if not low <= value <= high or (whole and value != int(value)):
            kind = "a whole number" if whole else "a number"
            raise ValueError(f"{text!r}: allowed: {kind} of {unit} from {low:g} to {high:.16g}")
        return value

    return parse


SHAPING: Mapping[str, Callable[[str], float]] = {
    "ingress_rate": _number(0, 400_000, "Mbit/s"),
    "egress_rate": _number(0, 400_000, "Mbit/s"),
    "latency": _number(0, 60_000, "ms"),
    "jitter": _number(0, 60_000, "ms"),
    "loss": _number(0, 100, "percent"),
    "limit": _number(0, 1_000_000, "packets", whole=True),
}
"""What may be asked for, and what reads it. 0 is as if nothing was asked for."""


def parse_collector(text: str) -> str:
    """`gre:192.0.2.9/100`, or `erspan:…`: kind of tunnel, address, and key (0 if none), in one form for one meaning.

    Raises ValueError.
    """
    match = _COLLECTOR.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r}: allowed: gre:ADDRESS/KEY, erspan:ADDRESS/SESSION")
    kind, key = match["kind"], int(match["key"] or 0)
    if key > LARGEST_KEY[kind]:
        raise ValueError(f"{text!r}: allowed for {kind}: a key from 0 to {LARGEST_KEY[kind]}")
    address = ip_address(match["address"])
    if address.is_multicast or address.is_unspecified:
        raise ValueError(f"{text!r}: {address} is not the address of one collector")
    return f"{kind}:{address}/{key}"
