"""Frames by which neighbours are found and told: ARP (RFC 826) and neighbour discovery (RFC 4861). Pure.

Three questions and statements of one's own interface, the same in both families:

- `question`: who has the address of the gateway?
- `doubt`: does somebody else have my own address? (RFC 5227, section 2.1.1; RFC 4862, section 5.4)
- `statement`: my address is at my MAC (RFC 5227, section 3; RFC 4861, section 7.2.6)

and `claim` reads what comes back.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

Address = IPv4Address | IPv6Address
ETH_ARP, ETH_IPV6 = 0x0806, 0x86DD
REQUEST, REPLY = 1, 2
SOLICITATION, ADVERTISEMENT = 135, 136
_ICMPV6: Final = 58
_HOPS: Final = 255
_SOURCE_OPTION, _TARGET_OPTION = 1, 2
_OVERRIDE: Final = 0x20000000
_ARP: Final = struct.Struct("!HHBBH6s4s6s4s")
_IPV6: Final = struct.Struct("!IHBB16s16s")
_NOBODY: Final = bytes(6)
_EVERYBODY: Final = b"\xff" * 6
_NO_ADDRESS: Final = IPv6Address(0)
_ALL_NODES: Final = IPv6Address("ff02::1")


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody says where an address is."""

    address: Address
    mac: str


def ethertype(version: int) -> int:
    """The protocol that tells of neighbours in a family."""
    return ETH_ARP if version == 4 else ETH_IPV6


def question(mac: str, own: Address, target: Address) -> bytes:
    """Who has `target`? tell `own`."""
    if isinstance(target, IPv4Address):
        return _arp(REQUEST, mac, own, target)
    return _solicitation(_octets(mac), own, target)


def doubt(mac: str, own: Address) -> bytes:
    """Who else has `own`? Asked by nobody, so that no neighbour learns from it."""
    if isinstance(own, IPv4Address):
        return _arp(REQUEST, mac, IPv4Address(0), own)
    return _solicitation(_octets(mac), _NO_ADDRESS, own)


def statement(mac: str, own: Address) -> bytes:
    """`own` is at `mac`, to all: who knew it elsewhere corrects that."""
    if isinstance(own, IPv4Address):
        return _arp(REQUEST, mac, own, own)
    octets = _octets(mac)
    body = struct.pack("!I16s", _OVERRIDE, own.packed) + _option(_TARGET_OPTION, octets)
    return _icmpv6(octets, own, _ALL_NODES, ADVERTISEMENT, body)


def claim(frame: bytes) -> Claim | None:
    """What a frame says of where an address is; None when it says nothing, or is not whole."""
    kind = int.from_bytes(frame[12:14], "big")
    try:
        if kind == ETH_ARP:
            return _arp_claim(frame)
        return _advertised(frame) if kind == ETH_IPV6 else None
    except struct.error:
        return None


def _arp_claim(frame: bytes) -> Claim | None:
    """The sender of a request is there as well as that of a reply."""
    *_, mac, address, _, _ = _ARP.unpack_from(frame, 14)
    return Claim(ip_address(address), _text(mac)) if any(address) else None


def _advertised(frame: bytes) -> Claim | None:
    _, _, following, hops, _, _ = _IPV6.unpack_from(frame, 14)
    kind, code, _, _, target = struct.unpack_from("!BBHI16s", frame, 54)
    if (following, hops, kind, code) != (_ICMPV6, _HOPS, ADVERTISEMENT, 0):
        return None
    option = frame[78:86]
    mac = option[2:] if len(option) == 8 and option[0] == _TARGET_OPTION else frame[6:12]
    return Claim(ip_address(target), _text(mac))


def _arp(operation: int, mac: str, sender: Address, target: Address) -> bytes:
    octets = _octets(mac)
    body = _ARP.pack(1, 0x0800, 6, 4, operation, octets, sender.packed, _NOBODY, target.packed)
    return _EVERYBODY + octets + struct.pack("!H", ETH_ARP) + body


def _solicitation(mac: bytes, source: Address, target: Address) -> bytes:
    """To the solicited-node group of the target (RFC 4291, section 2.7.1); nobody has no source option."""
    group = ip_address(b"\xff\x02" + bytes(9) + b"\x01\xff" + target.packed[-3:])
    option = b"" if source == _NO_ADDRESS else _option(_SOURCE_OPTION, mac)
    return _icmpv6(mac, source, group, SOLICITATION, struct.pack("!I16s", 0, target.packed) + option)


def _option(kind: int, mac: bytes) -> bytes:
    return bytes((kind, 1)) + mac


def _icmpv6(mac: bytes, source: Address, group: Address, kind: int, body: bytes) -> bytes:
    length = 4 + len(body)
    pseudo = source.packed + group.packed + struct.pack("!II", length, _ICMPV6)
    checksum = _checksum(pseudo + struct.pack("!BBH", kind, 0, 0) + body)
    header = _IPV6.pack(6 << 28, length, _ICMPV6, _HOPS, source.packed, group.packed)
    ethernet = b"\x33\x33" + group.packed[-4:] + mac + struct.pack("!H", ETH_IPV6)
    return ethernet + header + struct.pack("!BBH", kind, 0, checksum) + body


def _checksum(data: bytes) -> int:
    """RFC 1071, of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _octets(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def _text(mac: bytes) -> str:
    return mac.hex(":")
