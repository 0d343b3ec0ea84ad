"""Networks beyond a host of the sandbox, and who sees whom: servers that answer with the address that asks.

An `Outside` is a namespace with one link to the host's. Servers that `answering` starts say their name and whom they
see, so that a test of address translation reads as one comparison.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.ovn import OvsHost, namespace_command, run
from weft.agent import netns

PORT = 7000
SYN, ACK = 0x02, 0x10
_ports = iter(range(20000, 60000))
_SERVER = """
import socket, sys, threading
name, port = sys.argv[1], int(sys.argv[2])
server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
print("ready", flush=True)
while True:
    peer, address = server.accept()
    with peer:
        peer.sendall(f"{name} {address[0].removeprefix('::ffff:')}".encode())
"""
_CLIENT = """
import socket, sys
source = (sys.argv[3], 0) if sys.argv[3] else None
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 1, source_address=source) as peer:
    print(peer.recv(100).decode())
"""


@dataclass(frozen=True)
class Outside:
    """A network beyond the host: its namespace, the link's name on the host, and addresses of both ends."""

    ns: str
    link: str
    host: tuple[str, str]
    own: tuple[str, str]

    def ip(self, *arguments: str) -> str:
        return run(*namespace_command(self.ns), "ip", *arguments)


def make_outside(host: OvsHost, number: int, *further: str) -> Outside:
    """Network `192.168.NUMBER.0/24` and `fd00:192:NUMBER::/64`: the host is .101, the outside .1 and has `further`."""
    name, link = f"{host.ns}-out{number}", f"up{number}"
    host.sandbox.add_namespace(name)
    host_ends = (f"192.168.{number}.101", f"fd00:192:{number}::101")
    outside = Outside(name, link, host_ends, (f"192.168.{number}.1", f"fd00:192:{number}::1"))
    host.ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
    for run_ip, device, addresses in ((host.ip, link, outside.host), (outside.ip, "eth0", outside.own)):
        for address, length in zip(addresses, (24, 64), strict=True):
            run_ip("addr", "add", f"{address}/{length}", "dev", device, *(["nodad"] if ":" in address else []))
        run_ip("link", "set", device, "up")
    for address in further:
        outside.ip("addr", "add", address, "dev", "lo", *(["nodad"] if ":" in address else []))
    return outside


@contextlib.contextmanager
def answering(ns: str, name: str, port: int = PORT) -> Iterator[None]:
    """A server in a namespace, for as long as this lasts."""
    command = [*namespace_command(ns), sys.executable, "-c", _SERVER, name, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        try:
            yield
        finally:
            server.kill()


def client(address: str, port: int = PORT, source: str = "", python: str = "python3") -> list[str]:
    """The command that prints what a server answers."""
    return [python, "-c", _CLIENT, address, str(port), source]


def ask(ns: str, address: str, port: int = PORT, source: str = "") -> str:
    """Who answers at an address and whom that sees, as in "outside 10.16.0.7"; "" when nobody does.

    Asked up to three times: the first packet on a new path of the userspace datapath is usually lost.
    """
    for _ in range(3):
        with contextlib.suppress(RuntimeError):
            return run(*namespace_command(ns), *client(address, port, source, sys.executable))
    return ""


def source_of(sender: str, receiver: str, source: str, destination: str, flags: int) -> str:
    """With which source a lone TCP segment with these flags, sent in one namespace, arrives in another."""
    with netns.entered(f"/run/netns/{receiver}"):
        ear = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    with netns.entered(f"/run/netns/{sender}"):
        mouth = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    port = next(_ports)
    with ear, mouth:
        ear.settimeout(5)
        mouth.bind((source, 0))
        mouth.sendto(_segment(source, destination, port, flags), (destination, 0))
        while True:
            packet, (seen, _) = ear.recvfrom(200)
            if packet[22:24] == port.to_bytes(2):
                return str(seen)


def _segment(source: str, destination: str, port: int, flags: int) -> bytes:
    """A TCP header (RFC 9293, section 3.1) with its checksum."""
    header = struct.pack("!HHIIBBHHH", port, port, 1, 1, 5 << 4, flags, 1024, 0, 0)
    pseudo = (
        socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!HH", socket.IPPROTO_TCP, len(header))
    )
    total = sum(struct.unpack("!16H", pseudo + header))
    total = (total & 0xFFFF) + (total >> 16)
    return header[:16] + struct.pack("!H", ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF) + header[18:]
