"""Links, addresses and routes as route netlink tells them, read by hand: see rtnl.py for why.

pyroute2 decodes each attribute of each message into objects, 4 ms for one link; here only what is wanted is looked at.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from weft.agent.rtnl import Rtnl

GETLINK, GETADDR, GETROUTE = 18, 22, 26
_ATTRIBUTE: Final = struct.Struct("=HH")
_LINK: Final = struct.Struct("=BxHiII")
_ADDRESS: Final = struct.Struct("=BBBBI")
_ROUTE: Final = struct.Struct("=BBBBBBBBI")
_NAME, _MAC, _MTU, _ALIAS = 3, 1, 4, 20
_LOCAL, _ANY = 2, 1
_DST, _OIF, _GATEWAY = 1, 4, 5
_TYPE_MASK: Final = 0x3FFF
_UP: Final = 1
_MAIN: Final = 254


@dataclass(frozen=True, slots=True)
class Link:
    """A link's own properties."""

    index: int
    name: str
    mac: str
    mtu: int
    up: bool
    alias: str


@dataclass(frozen=True, slots=True)
class Address:
    """An address of the link with that index, with prefix length; `scope` as in rtnetlink(7), 0 is global."""

    index: int
    text: str
    scope: int


@dataclass(frozen=True, slots=True)
class Hop:
    """A route of the main table; `gateway` is "" where it has none, `index` 0 where it names no link."""

    destination: str
    gateway: str
    index: int
    protocol: int


def find_link(channel: Rtnl, name: str) -> Link | None:
    """The link of that name."""
    request = _LINK.pack(0, 0, 0, 0, 0) + _ATTRIBUTE.pack(len(name) + 5, _NAME) + name.encode() + b"\0"
    try:
        answers = channel.ask(GETLINK, request + bytes(-len(request) % 4), dump=False)
        return next(map(_link, answers), None)
    except OSError as error:
        if error.errno == errno.ENODEV:
            return None
        raise


def all_links(channel: Rtnl) -> list[Link]:
    """The links of the channel's namespace."""
    return [_link(body) for body in channel.ask(GETLINK, _LINK.pack(0, 0, 0, 0, 0))]


def all_addresses(channel: Rtnl) -> list[Address]:
    """The addresses of the channel's namespace."""
    return [_address(body) for body in channel.ask(GETADDR, _ADDRESS.pack(0, 0, 0, 0, 0))]


def main_routes(channel: Rtnl, family: int) -> list[Hop]:
    """The unicast routes of the main table in one family."""
    answers = channel.ask(GETROUTE, _ROUTE.pack(family, 0, 0, 0, 0, 0, 0, 0, 0))
    return [_hop(body) for body in answers if _ROUTE.unpack_from(body)[4] == _MAIN]


def _link(body: bytes) -> Link:
    _, _, index, flags, _ = _LINK.unpack_from(body)
    found = attributes(body, _LINK.size)
    mtu = struct.unpack("=I", found[_MTU])[0]
    return Link(index, _text(found[_NAME]), found.get(_MAC, b"").hex(":"), mtu, bool(flags & _UP),
                _text(found.get(_ALIAS, b"")))  # fmt: skip


def _address(body: bytes) -> Address:
    _, prefix, _, scope, index = _ADDRESS.unpack_from(body)
    found = attributes(body, _ADDRESS.size)
    return Address(index, f"{ip_address(found.get(_LOCAL) or found[_ANY])}/{prefix}", scope)


def _hop(body: bytes) -> Hop:
    family, prefix, _, _, _, protocol, *_ = _ROUTE.unpack_from(body)
    found = attributes(body, _ROUTE.size)
    zero = bytes(16 if family == socket.AF_INET6 else 4)
    gateway = str(ip_address(found[_GATEWAY])) if _GATEWAY in found else ""
    index = struct.unpack("=I", found[_OIF])[0] if _OIF in found else 0
    return Hop(f"{ip_address(found.get(_DST, zero))}/{prefix}", gateway, index, protocol)


def attributes(body: bytes, offset: int) -> Mapping[int, bytes]:
    """Those from `offset` to the end, by type."""
    return dict(_pairs(body, offset))


def _pairs(body: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    while offset + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, offset)
        if length < _ATTRIBUTE.size:
            return
        yield kind & _TYPE_MASK, body[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode(errors="replace")
