"""Notices of the kernel: something about links, addresses or routes of this namespace has changed.

Duties compare the whole anyway, so a notice needs no decoding beyond its kind: the multicast groups are read with
a bare socket, which costs microseconds where fifty pods at once make some hundred notices. Only a removed link is
named, since its Open vSwitch port is then an orphan.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Final

_GROUPS: Final = 0x1 | 0x10 | 0x40 | 0x100 | 0x400  # link, IPv4 address and route, IPv6 address and route
_DELLINK: Final = 17
_IFNAME: Final = 3
_HEADER, _IFINFO, _ATTRIBUTE = struct.Struct("=IHHII"), 16, struct.Struct("=HH")


class Monitor:
    """Calls `changed` after any change and `removed(name)` for each link that went."""

    def __init__(self, changed: Callable[[], None], removed: Callable[[str], None]) -> None:
        self._changed = changed
        self._removed = removed
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)

    def start(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind((0, _GROUPS))
        self._socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        try:
            data = self._socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:  # ENOBUFS: notices were lost, which the duties' full comparison makes good
            data = b""
        for name in removed_links(data):
            self._removed(name)
        self._changed()


def removed_links(data: bytes) -> Iterator[str]:
    """The names in the RTM_DELLINK messages of a datagram (netlink(7), rtnetlink(7))."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            return
        if kind == _DELLINK and (name := _name(data, offset + _HEADER.size + _IFINFO, min(offset + length, len(data)))):
            yield name
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
