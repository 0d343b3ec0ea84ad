"""nftables' notices: somebody has changed the table of ours, or flushed everything.

Proxies change their own tables often and with many messages, so those of other tables are passed over: each message has
its table's name as attribute 1 (linux/netfilter/nf_tables.h).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Final

from weft.agent.gateway.nftables import TABLE
from weft.log import get_logger

_log = get_logger(__name__)
_NETLINK_NETFILTER: Final = 12
_GROUP: Final = 1 << (7 - 1)  # NFNLGRP_NFTABLES
_SUBSYSTEM: Final = 10  # NFNL_SUBSYS_NFTABLES
_NEWGEN: Final = 15  # NFT_MSG_NEWGEN, whose attribute 1 is a number
_INET: Final = 1  # NFPROTO_INET
_HEADER, _NFGENMSG, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=BBH"), struct.Struct("=HH")


class Notices:
    """Calls `changed` after a change of our table."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Listen. Where the kernel has no such notices, the duty's own period is all there is."""
        try:
            channel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER)
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            channel.bind((0, _GROUP))
        except OSError as error:
            _log.warning("no notices of nftables", error=error)
            return
        channel.setblocking(False)
        asyncio.get_running_loop().add_reader(channel, self._read, channel)
        self._socket = channel

    def close(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()

    def _read(self, channel: socket.socket) -> None:
        try:
            data = channel.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:  # ENOBUFS: notices were lost
            self._changed()
            return
        if concerns(data):
            self._changed()


def concerns(data: bytes, table: str = TABLE) -> bool:
    """Whether a message of the datagram is about that table of family inet."""
    offset, name = 0, table.encode() + b"\0"
    while offset + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, offset)
        body = offset + _HEADER.size
        if length < _HEADER.size:
            return False
        if kind >> 8 == _SUBSYSTEM and kind & 0xFF != _NEWGEN and body + 8 <= len(data):
            family, *_ = _NFGENMSG.unpack_from(data, body)
            size, attribute = _ATTRIBUTE.unpack_from(data, body + _NFGENMSG.size)
            begin = body + _NFGENMSG.size + _ATTRIBUTE.size
            if family == _INET and attribute == 1 and data[begin : begin + size - _ATTRIBUTE.size] == name:
                return True
        offset += (length + 3) & ~3
    return False
