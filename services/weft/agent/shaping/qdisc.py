"""Queueing disciplines as netlink has them: requests, and what a dump says (rtnetlink(7), linux/pkt_sched.h).

Ours have handles of our own, so that they are told from those of others.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Final

from weft.agent.rtnl import Message, Rtnl, attribute, message
from weft.agent.rtnl_read import attributes
from weft.agent.shaping.plan import UINT32, Delay, Found, Qdisc, Rate, Step

NEWQDISC, DELQDISC, GETQDISC = 36, 37, 38
_REPLACE, _CREATE = 0x100, 0x400
_TCMSG: Final = struct.Struct("=BxxxiIII")
_KIND, _OPTIONS = 1, 2
_ROOT: Final = 0xFFFFFFFF
_HANDLES: Final = (0x9D0000, 0x9E0000)
"""By place in the chain: 9d: at the root, 9e: inside it. 0x9d is 157, our number among routing protocols too."""

_RATESPEC: Final = struct.Struct("=BBHhHI")
_TBF_TAIL: Final = struct.Struct("=III")
_TBF_PARMS, _TBF_RATE64 = 1, 4
_ETHERNET: Final = 1
_NETEM: Final = struct.Struct("=IIIIII")


def request(link: int, step: Step) -> Message:
    """A step at the link with that index."""
    if step.set is None:
        return message(f"queueing discipline of link {link}", DELQDISC, 0, _TCMSG.pack(0, link, 0, _ROOT, 0))
    kind, options = _tbf(step.set) if isinstance(step.set, Rate) else _netem(step.set)
    parent = _ROOT if step.place == 0 else _HANDLES[step.place - 1] | 1
    body = _TCMSG.pack(0, link, _HANDLES[step.place], parent, 0)
    body += attribute(_KIND, kind.encode() + b"\0") + attribute(_OPTIONS, options)
    return message(f"{kind} of link {link}", NEWQDISC, _CREATE | _REPLACE, body)


def _tbf(rate: Rate) -> tuple[str, bytes]:
    slow = _RATESPEC.pack(0, _ETHERNET, 0, 0, 0, min(rate.rate, UINT32))
    parms = slow + bytes(_RATESPEC.size) + _TBF_TAIL.pack(rate.limit, rate.buffer, 0)
    wide = attribute(_TBF_RATE64, struct.pack("=Q", rate.rate)) if rate.rate > UINT32 else b""
    return "tbf", attribute(_TBF_PARMS, parms) + wide


def _netem(delay: Delay) -> tuple[str, bytes]:
    return "netem", _NETEM.pack(delay.latency, delay.limit, delay.loss, 0, 0, delay.jitter)


def read(channel: Rtnl) -> Mapping[int, Found]:
    """What the links of the channel's namespace have, by their index."""
    return parse(channel.ask(GETQDISC, _TCMSG.pack(0, 0, 0, 0, 0)))


def parse(answers: Iterable[bytes]) -> Mapping[int, Found]:
    """From the bodies of a dump's messages. The kernel's own defaults, which have no handle, do not count."""
    ours: dict[int, dict[int, Qdisc]] = {}
    foreign: set[int] = set()
    for body in answers:
        _, link, handle, parent, _ = _TCMSG.unpack_from(body)
        found = attributes(body, _TCMSG.size)
        item = _parse(found.get(_KIND, b"").rstrip(b"\0").decode(), found.get(_OPTIONS, b""))
        if handle in _HANDLES and item is not None:
            ours.setdefault(link, {})[_HANDLES.index(handle)] = item
        elif parent == _ROOT and handle:
            foreign.add(link)
    return {
        link: Found(tuple(item for _, item in sorted(ours.get(link, {}).items())), link in foreign)
        for link in ours.keys() | foreign
    }


def _parse(kind: str, options: bytes) -> Qdisc | None:
    if kind == "netem":
        latency, limit, loss, _, _, jitter = _NETEM.unpack_from(options)
        return Delay(latency, jitter, loss, limit)
    if kind == "tbf":
        found = attributes(options, 0)
        *_, speed = _RATESPEC.unpack_from(found[_TBF_PARMS])
        limit, buffer, _ = _TBF_TAIL.unpack_from(found[_TBF_PARMS], 2 * _RATESPEC.size)
        if wide := found.get(_TBF_RATE64):
            speed = struct.unpack("=Q", wide)[0]
        return Rate(speed, buffer, limit)
    return None
