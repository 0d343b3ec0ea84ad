"""What passes a link of a network namespace, frame by frame."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.agent import eventually
from weft.agent import netns

ETH_ALL, GRE, ICMP = 3, 47, 1
BRIDGED, ERSPAN = 0x6558, 0x88BE


@dataclass(frozen=True)
class Packet:
    """An IPv4 packet; of GRE's, what is inside too."""

    source: str
    destination: str
    protocol: int
    carried: int = 0
    """GRE's protocol."""
    key: int | None = None
    """GRE's key, or ERSPAN's session."""
    inner: Packet | None = None


def read(frame: bytes) -> Packet | None:
    """None of what is no IPv4."""
    if frame[12:14] != b"\x08\x00":
        return None
    header = 14 + (frame[14] & 15) * 4
    source, destination = (str(ip_address(frame[start : start + 4])) for start in (26, 30))
    if frame[23] != GRE:
        return Packet(source, destination, frame[23])
    flags, carried = struct.unpack_from("!HH", frame, header)
    offset, key = header + 4, None
    if flags & 0x2000:
        key, offset = struct.unpack_from("!I", frame, offset)[0], offset + 4
    if flags & 0x1000:
        offset += 4
    if carried == ERSPAN:
        key, offset = struct.unpack_from("!H", frame, offset + 2)[0] & 0x3FF, offset + 8
    return Packet(source, destination, GRE, carried, key, read(frame[offset:]))


class Capture:
    """Frames on a link since the capture began; it is not there before its link is."""

    def __init__(self, namespace: str, link: str) -> None:
        with netns.entered(str(Path("/run/netns") / namespace)):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_ALL))
        self._socket.setblocking(False)
        self._socket.bind((link, 0))
        self.packets: list[Packet] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def look(self) -> list[Packet]:
        """Those until now."""
        while True:
            try:
                packet = read(self._socket.recv(65536))
            except BlockingIOError:
                return self.packets
            if packet is not None:
                self.packets.append(packet)

    def sees(self, wanted: Callable[[Packet], bool], what: str) -> Packet:
        return eventually(lambda: next((packet for packet in self.look() if wanted(packet)), None), what)
