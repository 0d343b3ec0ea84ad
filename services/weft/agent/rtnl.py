"""Netlink requests as bytes, several sent at once: the short way for what is done to every pod.

pyroute2 (see netlink.py) reads and repairs; but it takes 4 ms of processor time for a pod's dozen requests, more than
all the rest of an ADD, and fifty pods come at once. Here a request is packed by hand, a batch is one system call.
The layouts are those of netlink(7), rtnetlink(7) and linux/if_link.h.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface, ip_network
from types import TracebackType
from typing import Final, Self

_HEADER: Final = struct.Struct("=IHHII")
_LINK: Final = struct.Struct("=BxHiII")
_ADDRESS: Final = struct.Struct("=BBBBI")
_ROUTE: Final = struct.Struct("=BBBBBBBBI")
_ERROR: Final = struct.Struct("=i")

_REQUEST, _ACK, _REPLACE, _EXCL, _CREATE, _DUMP = 0x1, 0x4, 0x100, 0x200, 0x400, 0x300
_MULTI: Final = 0x2
_NLMSG_ERROR, _NLMSG_DONE, _NEWLINK, _DELLINK, _NEWADDR, _NEWROUTE = 2, 3, 16, 17, 20, 24
_IFF_UP = 1
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINKINFO, _IFLA_IFALIAS, _IFLA_AF_SPEC, _IFLA_NET_NS_FD = (
    1, 3, 4, 18, 20, 26, 28,
)  # fmt: skip
_IFLA_VFINFO_LIST, _VF_INFO, _VF_MAC, _VF_VLAN = 22, 1, 1, 2
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_INET6_ADDR_GEN_MODE, _GEN_MODE_NONE = 8, 1
_IFA_ADDRESS, _IFA_LOCAL, _IFA_F_NODAD = 1, 2, 0x02
_RTA_DST, _RTA_OIF, _RTA_GATEWAY = 1, 4, 5
_TABLE_MAIN, _PROTO_STATIC, _TYPE_UNICAST = 254, 4, 1
_NESTED: Final = 0x8000
_SIOCGIFHWADDR: Final = 0x8927


@dataclass(frozen=True, slots=True)
class Message:
    """A request and what an error shall call it."""

    what: str
    data: bytes


class Rtnl:
    """A netlink socket, route's if not told otherwise, of the namespace that the thread is in."""

    def __init__(self, protocol: int = socket.NETLINK_ROUTE) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, messages: Sequence[Message]) -> None:
        """Carry out the requests in order; all are tried, and the first that failed is raised as OSError."""
        self._socket.send(b"".join(message.data for message in messages))
        failed: OSError | None = None
        answered = 0
        while answered < len(messages):
            data, offset = self._socket.recv(1 << 16), 0
            while offset < len(data):
                length, kind, *_ = _HEADER.unpack_from(data, offset)
                if kind == _NLMSG_ERROR:
                    number = -_ERROR.unpack_from(data, offset + _HEADER.size)[0]
                    if number and failed is None:
                        failed = OSError(number, f"{messages[answered].what}: {os.strerror(number)}")
                    answered += 1
                offset += (length + 3) & ~3
        if failed is not None:
            raise failed

    def ask(self, kind: int, body: bytes, dump: bool = True) -> Iterator[bytes]:
        """The bodies that answer a question: all there are, or without `dump` one. Raises OSError."""
        flags = _REQUEST | (_DUMP if dump else 0)
        self._socket.send(_HEADER.pack(_HEADER.size + len(body), kind, flags, 0, 0) + body)
        more = True
        while more:
            data, offset = self._socket.recv(1 << 18), 0
            while offset < len(data):
                length, kind, flags, *_ = _HEADER.unpack_from(data, offset)
                start = offset + _HEADER.size
                if kind == _NLMSG_ERROR:
                    number = -_ERROR.unpack_from(data, start)[0]
                    raise OSError(number, os.strerror(number))
                if kind == _NLMSG_DONE:
                    return
                yield data[start : offset + length]
                more = bool(flags & _MULTI)
                offset += (length + 3) & ~3


def mac_address(name: str) -> str:
    """A link's MAC."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        answer = fcntl.ioctl(channel, _SIOCGIFHWADDR, struct.pack("16s16x", name.encode()))
    return answer[18:24].hex(":")


# --- requests ---


def add_veth(host: str, peer: str, mac: str, mtu: int, namespace: int | None = None) -> Message:
    """A veth pair: `host` here, and `peer` with that MAC here or in the namespace open as `namespace`."""
    size = attribute(_IFLA_MTU, struct.pack("=I", mtu))
    inner = _LINK.pack(0, 0, 0, 0, 0) + _name(peer) + attribute(_IFLA_ADDRESS, _packed_mac(mac)) + size
    if namespace is not None:
        inner += attribute(_IFLA_NET_NS_FD, struct.pack("=I", namespace))
    info = attribute(_INFO_KIND, b"veth\0") + attribute(_INFO_DATA, attribute(_VETH_PEER, inner))
    body = _LINK.pack(0, 0, 0, 0, 0) + _name(host) + size + attribute(_IFLA_LINKINFO, info)
    return message(f"veth pair {host} and {peer}", _NEWLINK, _CREATE | _EXCL, body)


def raise_host_end(name: str, alias: str) -> Message:
    """Raise the host's end. It gets no IPv6 link-local address, whose chatter would be the workload's traffic."""
    mode = attribute(_INET6_ADDR_GEN_MODE, bytes([_GEN_MODE_NONE]))
    families = attribute(_IFLA_AF_SPEC | _NESTED, attribute(socket.AF_INET6 | _NESTED, mode))
    body = _LINK.pack(0, 0, 0, _IFF_UP, _IFF_UP) + _name(name) + attribute(_IFLA_IFALIAS, alias.encode()) + families
    return message(f"link {name}", _NEWLINK, 0, body)


def change_link(
    index: int,
    *,
    up: bool | None = None,
    name: str = "",
    mac: str = "",
    mtu: int = 0,
    alias: str | None = None,
    namespace: int | None = None,
) -> Message:
    """Set properties of a link; in another namespace (an open descriptor) it gets the name when it is there."""
    flags, mask = (_IFF_UP if up else 0), (0 if up is None else _IFF_UP)
    body = _LINK.pack(0, 0, index, flags, mask)
    if name:
        body += _name(name)
    if mac:
        body += attribute(_IFLA_ADDRESS, _packed_mac(mac))
    if mtu:
        body += attribute(_IFLA_MTU, struct.pack("=I", mtu))
    if alias is not None:
        body += attribute(_IFLA_IFALIAS, alias.encode())
    if namespace is not None:
        body += attribute(_IFLA_NET_NS_FD, struct.pack("=I", namespace))
    return message(f"link {index}", _NEWLINK, 0, body)


def set_function(index: int, number: int, mac: str = "", vlan: int | None = None) -> Message:
    """What a physical function's switch takes for a virtual function's MAC and VLAN, 0 for none (linux/if_link.h)."""
    info = attribute(_VF_MAC, struct.pack("=I32s", number, _packed_mac(mac))) if mac else b""
    if vlan is not None:
        info += attribute(_VF_VLAN, struct.pack("=III", number, vlan, 0))
    functions = attribute(_IFLA_VFINFO_LIST | _NESTED, attribute(_VF_INFO | _NESTED, info))
    return message(f"function {number}", _NEWLINK, 0, _LINK.pack(0, 0, index, 0, 0) + functions)


def _packed_mac(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def raise_link(index: int) -> Message:
    """Set a link up."""
    return change_link(index, up=True)


def delete_link(name: str) -> Message:
    """Remove a link, and with a veth its other end."""
    return message(f"removal of link {name}", _DELLINK, 0, _LINK.pack(0, 0, 0, 0, 0) + _name(name))


def add_address(index: int, address: str) -> Message:
    """`address` with prefix length; IPv6 without duplicate detection, since the fabric allocated it."""
    interface = ip_interface(address)
    packed = interface.ip.packed
    family, flags = _family(address), _IFA_F_NODAD if interface.version == 6 else 0
    body = _ADDRESS.pack(family, interface.network.prefixlen, flags, 0, index)
    body += attribute(_IFA_LOCAL, packed) + attribute(_IFA_ADDRESS, packed)
    return message(f"address {address}", _NEWADDR, _CREATE | _REPLACE, body)


def add_route(index: int, destination: str, gateway: str) -> Message:
    """A route by a gateway; one that is there to the same destination is replaced."""
    network = ip_network(destination)
    body = _ROUTE.pack(
        _family(gateway), network.prefixlen, 0, 0, _TABLE_MAIN, _PROTO_STATIC, 0, _TYPE_UNICAST, 0
    )  # fmt: skip
    if network.prefixlen:
        body += attribute(_RTA_DST, network.network_address.packed)
    body += attribute(_RTA_GATEWAY, ip_address(gateway).packed) + attribute(_RTA_OIF, struct.pack("=I", index))
    return message(f"route {destination} via {gateway}", _NEWROUTE, _CREATE | _REPLACE, body)


def message(what: str, kind: int, flags: int, body: bytes) -> Message:
    """A request that is answered whether it was carried out."""
    return Message(what, _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | _ACK | flags, 0, 0) + body)


def attribute(kind: int, data: bytes) -> bytes:
    """Type, length and value, padded."""
    return struct.pack("=HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)


def _name(name: str) -> bytes:
    return attribute(_IFLA_IFNAME, name.encode() + b"\0")


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
