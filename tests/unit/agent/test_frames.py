"""Frames of ARP and neighbour discovery: what is asked, what is told, what is read."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest

from weft.agent import frames
from weft.agent.frames import Claim

MAC = "0a:00:00:00:00:05"
GATEWAY_MAC = "0a:00:00:00:00:01"
FOUR, FOUR_GATEWAY = ip_address("10.0.0.5"), ip_address("10.0.0.1")
SIX, SIX_GATEWAY = ip_address("fd00::5"), ip_address("fd00::1")
_ARP_HEAD = "ffffffffffff0a000000000508060001080006040001"


@pytest.mark.parametrize(
    ("frame", "sender", "target"),
    [
        (frames.question(MAC, FOUR, FOUR_GATEWAY), "0a000005", "0a000001"),
        (frames.doubt(MAC, FOUR), "00000000", "0a000005"),
        (frames.statement(MAC, FOUR), "0a000005", "0a000005"),
    ],
)
def test_arp_frames_are_those_of_the_standard(frame: bytes, sender: str, target: str) -> None:
    assert frame.hex() == f"{_ARP_HEAD}0a0000000005{sender}000000000000{target}"


@pytest.mark.parametrize(
    ("frame", "source", "group", "kind", "body"),
    [
        (frames.question(MAC, SIX, SIX_GATEWAY), "fd00::5", "ff02::1:ff00:1", 135,
         SIX_GATEWAY.packed.hex() + "01010a0000000005"),
        (frames.doubt(MAC, SIX), "::", "ff02::1:ff00:5", 135, SIX.packed.hex()),
        (frames.statement(MAC, SIX), "fd00::5", "ff02::1", 136, SIX.packed.hex() + "02010a0000000005"),
    ],
)  # fmt: skip
def test_neighbour_discovery_frames_are_those_of_the_standard(
    frame: bytes, source: str, group: str, kind: int, body: str
) -> None:
    assert frame[:2] == b"\x33\x33"
    assert frame[2:6] == ip_address(group).packed[-4:]
    assert (frame[6:12].hex(":"), frame[12:14].hex()) == (MAC, "86dd")
    length, following, hops = struct.unpack_from("!HBB", frame, 18)
    assert (length, following, hops) == (len(frame) - 54, 58, 255)
    assert (ip_address(frame[22:38]), ip_address(frame[38:54])) == (ip_address(source), ip_address(group))
    assert (frame[54], frame[62:].hex()) == (kind, body)
    summed = sum(struct.unpack(f"!{(len(frame) - 22) // 2}H", frame[22:])) + length + 58
    assert (summed & 0xFFFF) + (summed >> 16) == 0xFFFF, "the checksum makes the sum all ones (RFC 1071)"


def _arp(operation: int, mac: str, sender: str, target: str) -> bytes:
    octets = bytes.fromhex(mac.replace(":", ""))
    return (
        bytes(6) + octets + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, operation)
        + octets + ip_address(sender).packed + bytes(6) + ip_address(target).packed
    )  # fmt: skip


def _changed(frame: bytes, offset: int, value: int) -> bytes:
    return frame[:offset] + bytes((value,)) + frame[offset + 1 :]


_NA = frames.statement(GATEWAY_MAC, SIX_GATEWAY)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        pytest.param(_arp(2, GATEWAY_MAC, "10.0.0.1", "10.0.0.5"), Claim(FOUR_GATEWAY, GATEWAY_MAC), id="reply"),
        pytest.param(_arp(1, GATEWAY_MAC, "10.0.0.1", "10.0.0.1"), Claim(FOUR_GATEWAY, GATEWAY_MAC), id="announced"),
        pytest.param(_arp(1, GATEWAY_MAC, "0.0.0.0", "10.0.0.1"), None, id="somebody doubts"),
        pytest.param(_arp(2, GATEWAY_MAC, "10.0.0.1", "10.0.0.5")[:40], None, id="cut"),
        pytest.param(_NA, Claim(SIX_GATEWAY, GATEWAY_MAC), id="advertised"),
        pytest.param(_NA[:78], Claim(SIX_GATEWAY, GATEWAY_MAC), id="advertised without option"),
        pytest.param(_NA[:60], None, id="advertisement cut"),
        pytest.param(_changed(_NA, 21, 64), None, id="came through a router"),
        pytest.param(_changed(_NA, 54, 135), None, id="solicitation"),
        pytest.param(_changed(_NA, 20, 6), None, id="TCP"),
        pytest.param(b"", None, id="empty"),
        pytest.param(b"\xff" * 60, None, id="noise"),
    ],
)
def test_what_is_read_of_a_frame(frame: bytes, told: Claim | None) -> None:
    assert frames.claim(frame) == told
