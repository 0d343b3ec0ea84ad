"""Which of some neighbours answer, asked by ARP and neighbour discovery on the links by which they are reached.

The kernel is asked for the way to each. What it has no direct way to, or a link without addresses of its own (a tunnel
that leads nowhere else), cannot be asked. Functions here block.
"""

from __future__ import annotations

import ctypes
import select
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from weft.agent import frames
from weft.agent.gateway.plan import Address

_FAMILIES: Final = {4: socket.AF_INET, 6: socket.AF_INET6}
_ETHER: Final = 1
_NOARP: Final = 0x80
_ATTACH_FILTER: Final = 26
_INSTRUCTION: Final = struct.Struct("=HBBI")
_ADVERTISEMENTS: Final = (
    (0x30, 0, 0, 20), (0x15, 0, 3, 58),  # the next header is ICMPv6, else to the end
    (0x30, 0, 0, 54), (0x15, 0, 1, frames.ADVERTISEMENT),
    (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0),
)  # fmt: skip
"""A classic BPF program (bpf(4)): of all IPv6 packets, of which a gateway has many, only neighbours' answers."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a neighbour is asked from."""

    link: str
    mac: str
    own: Address


def answering(neighbours: Iterable[Address], seconds: float) -> tuple[set[Address], set[Address]]:
    """Those that answered within that time, and those that could be asked."""
    places = dict(_places(neighbours))
    with ExitStack() as stack:
        channels: dict[tuple[str, int], socket.socket] = {}
        for neighbour, place in places.items():
            key = (place.link, neighbour.version)
            with suppress(OSError):  # the link went meanwhile: no answer
                if key not in channels:
                    channels[key] = stack.enter_context(_open(*key))
                channels[key].send(frames.question(place.mac, place.own, neighbour))
        return set(_answers(list(channels.values()), set(places), seconds)), set(places)


def _answers(channels: list[socket.socket], asked: set[Address], seconds: float) -> Iterator[Address]:
    deadline, missing = time.monotonic() + seconds, set(asked)
    while missing and channels and (left := deadline - time.monotonic()) > 0:
        for channel in select.select(channels, (), (), left)[0]:
            told = frames.claim(channel.recv(2048))
            if told is not None and told.address in missing:
                missing.discard(told.address)
                yield told.address


def _open(link: str, version: int) -> socket.socket:
    """It hears nothing before it is bound, so nothing passes the filter."""
    channel = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    try:
        if version == 6:
            program = ctypes.create_string_buffer(b"".join(_INSTRUCTION.pack(*line) for line in _ADVERTISEMENTS))
            fields = struct.pack("@HP", len(_ADVERTISEMENTS), ctypes.addressof(program))
            channel.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, fields)
        channel.bind((link, frames.ethertype(version)))
    except OSError:
        channel.close()
        raise
    return channel


def _places(neighbours: Iterable[Address]) -> Iterator[tuple[Address, Place]]:
    with IPRoute() as ip:
        for neighbour in neighbours:
            with suppress(NetlinkError, OSError):
                if place := _place(ip, neighbour):
                    yield neighbour, place


def _place(ip: IPRoute, neighbour: Address) -> Place | None:
    route = ip.route("get", dst=str(neighbour), family=_FAMILIES[neighbour.version])[0]
    own, index = route.get_attr("RTA_PREFSRC"), route.get_attr("RTA_OIF")
    if route.get_attr("RTA_GATEWAY") or not own or not index:
        return None
    link = ip.get_links(index)[0]
    mac = link.get_attr("IFLA_ADDRESS")
    if link["ifi_type"] != _ETHER or link["flags"] & _NOARP or not mac:
        return None
    return Place(link.get_attr("IFLA_IFNAME"), mac, ip_address(own))
