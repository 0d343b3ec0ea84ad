"""`vlan_host.py DEVICE ID ADDRESS`: a host in a VLAN that answers ARP and ping, on a kernel without VLAN devices."""

from __future__ import annotations

import socket
import struct
import sys

AUXDATA = 8
SOL_PACKET = 263
TAG_IS_VALID = 0x10
ETHERTYPE_ARP, ETHERTYPE_IP, ICMP = 0x0806, 0x0800, 1


def tagged(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    """The VLAN of a frame: the kernel takes the tag off and tells of it beside the frame (packet(7))."""
    for _level, _kind, data in ancillary:
        status, _length, _snap, _mac, _net, control = struct.unpack_from("=IIIHHH", data)
        return control & 0xFFF if status & TAG_IS_VALID else None
    return None


def answer(frame: bytes, mac: bytes, address: bytes) -> bytes | None:
    """The frame that answers one without its tag; None when it is not for this host."""
    ethertype = struct.unpack_from("!H", frame, 12)[0]
    header = frame[6:12] + mac
    if ethertype == ETHERTYPE_ARP and frame[20:22] == b"\0\1" and frame[38:42] == address:
        return header + frame[12:20] + b"\0\2" + mac + address + frame[22:32]
    is_echo = ethertype == ETHERTYPE_IP and frame[23] == ICMP and frame[34] == 8 and frame[30:34] == address
    if not is_echo:
        return None
    # One's complement: the type goes from 8 to 0, the sum up by as much.
    total = struct.unpack_from("!H", frame, 36)[0] + 0x0800
    total = (total & 0xFFFF) + (total >> 16)
    return header + frame[12:26] + address + frame[26:30] + b"\0" + frame[35:36] + struct.pack("!H", total) + frame[38:]


def main(device: str, vlan: int, text: str) -> None:
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    link.setsockopt(SOL_PACKET, AUXDATA, 1)
    link.bind((device, 0))
    mac, address = link.getsockname()[4], socket.inet_aton(text)
    while True:
        frame, ancillary, _flags, _sender = link.recvmsg(2048, 64)
        if tagged(ancillary) == vlan and (reply := answer(frame, mac, address)):
            link.send(reply[:12] + struct.pack("!HH", 0x8100, vlan) + reply[12:])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
