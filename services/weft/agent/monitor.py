"""Notices of the kernel: something about links, addresses or routes of this namespace has changed.

Duties compare the whole anyway, so a notice needs little decoding; the multicast groups are read with a bare
socket. What wiring pods says of itself is left out, or fifty pods at once would make every duty look at every
link again and again while they wait: notices of links whose name is ours, and of routes outside the main table (each
link that goes up has some) that are not for egress gateways. A removed link is named, since its Open vSwitch port may
then be an orphan.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from weft.agent.gateway.policy import PROTOCOL

_GROUPS: Final = 0x1 | 0x8 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | 0x40000
"""Links; traffic control; IPv4 addresses, routes and rules; the same of IPv6."""
NEWLINK, DELLINK, NEWROUTE, DELROUTE = 16, 17, 24, 25
PAUSE: Final = 0.02
"""Seconds between two looks at what has come."""
QDISCS: Final = (36, 37)
"""A queueing discipline came or went."""
_IFNAME: Final = 3
_RTM_TABLE, _RTM_PROTOCOL = 4, 5
_MAIN: Final = 254
_OURS: Final = re.compile("w[0-9a-f]{14}")
_HEADER, _IFINFO, _ATTRIBUTE = struct.Struct("=IHHII"), 16, struct.Struct("=HH")


class Monitor:
    """Calls `changed` after a change that matters, `removed(name)` for each link that went, `queued` after one of how
    links queue.
    """

    def __init__(self, changed: Callable[[], None], removed: Callable[[str], None], queued: Callable[[], None]) -> None:
        self._changed = changed
        self._queued = queued
        self._removed = removed
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._pause: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind((0, _GROUPS))
        self._socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def close(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        """All that has come, and then nothing for a moment: each pod that is wired makes a dozen notices."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket)
        self._pause = loop.call_later(PAUSE, loop.add_reader, self._socket, self._read)
        try:
            while True:
                self._take(list(parse(self._socket.recv(1 << 16))))
        except BlockingIOError:
            return
        except OSError:  # ENOBUFS: notices were lost, which the duties' full comparison makes good
            self._changed()
            self._queued()

    def _take(self, notices: Sequence[Notice]) -> None:
        for notice in notices:
            if notice.kind == DELLINK:
                self._removed(notice.link)
        if any(matters(notice) for notice in notices):
            self._changed()
        if any(notice.kind in QDISCS for notice in notices):
            self._queued()


@dataclass(frozen=True, slots=True)
class Notice:
    """A message's kind, with the link's name or the route's table and protocol where it has them."""

    kind: int
    link: str = ""
    table: int = 0
    protocol: int = 0


def matters(notice: Notice) -> bool:
    """Whether duties shall look again."""
    if notice.kind in (NEWLINK, DELLINK):
        return not _OURS.fullmatch(notice.link)
    if notice.kind in (NEWROUTE, DELROUTE):
        return notice.table == _MAIN or notice.protocol == PROTOCOL
    return notice.kind not in QDISCS


def parse(data: bytes) -> Iterator[Notice]:
    """The notices in a datagram (netlink(7), rtnetlink(7))."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            return
        body, end = offset + _HEADER.size, min(offset + length, len(data))
        if kind in (NEWLINK, DELLINK):
            yield Notice(kind, link=_name(data, body + _IFINFO, end))
        elif kind in (NEWROUTE, DELROUTE) and body + _RTM_PROTOCOL < end:
            yield Notice(kind, table=data[body + _RTM_TABLE], protocol=data[body + _RTM_PROTOCOL])
        else:
            yield Notice(kind)
        offset += _aligned(length)


def _name(data: bytes, offset: int, end: int) -> str:
    while offset + _ATTRIBUTE.size <= end:
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size:
            return ""
        if kind == _IFNAME:
            return data[offset + _ATTRIBUTE.size : offset + length].rstrip(b"\0").decode()
        offset += _aligned(length)
    return ""


def _aligned(length: int) -> int:
    return (length + 3) & ~3
