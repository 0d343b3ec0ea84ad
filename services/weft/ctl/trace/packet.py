"""A packet in question, as ovn-trace(8) and ovs-ofproto/trace write it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Literal

Protocol = Literal["icmp", "tcp", "udp", "arp"]
PROTOCOLS: tuple[Protocol, ...] = ("icmp", "tcp", "udp", "arp")
BROADCAST = "ff:ff:ff:ff:ff:ff"
SOURCE_PORT = 40000
TTL = 64


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a connection; `arp` is neighbour discovery when its addresses are IPv6.

    `port` is the destination's; `operation` is of `arp` alone.
    """

    protocol: Protocol
    source_mac: str
    destination_mac: str
    source: str
    destination: str
    port: int = 80
    operation: Literal["request", "reply"] = "request"

    @property
    def family(self) -> int:
        return ip_address(self.source).version

    @property
    def shown(self) -> str:
        """For a person."""
        if self.protocol in ("tcp", "udp"):
            return f"{self.protocol} port {self.port}"
        if self.protocol == "arp":
            return f"{'arp' if self.family == 4 else 'neighbour discovery'} {self.operation}"
        return "icmp echo request"

    def microflow(self, inport: str) -> str:
        """For ovn-trace; `inport` is a logical port."""
        parts = [f'inport == "{inport}"', f"eth.src == {self.source_mac}", f"eth.dst == {self.destination_mac}"]
        return " && ".join([*parts, *(self._arp() if self.protocol == "arp" else self._ip())])

    def _ip(self) -> list[str]:
        ip = f"ip{self.family}"
        parts = [f"{ip}.src == {self.source}", f"{ip}.dst == {self.destination}", f"ip.ttl == {TTL}"]
        if self.protocol == "icmp":
            kind = 8 if self.family == 4 else 128
            return [*parts, f"icmp{self.family}.type == {kind}", f"icmp{self.family}.code == 0"]
        word = self.protocol
        return [*parts, f"{word}.src == {SOURCE_PORT}", f"{word}.dst == {self.port}"]

    def _arp(self) -> list[str]:
        request = self.operation == "request"
        if self.family == 4:
            return [
                f"arp.op == {1 if request else 2}", f"arp.sha == {self.source_mac}", f"arp.spa == {self.source}",
                f"arp.tpa == {self.destination}",
            ]  # fmt: skip
        asked = solicited(self.destination) if request else self.destination
        word, option = ("nd_ns", "nd.sll") if request else ("nd_na", "nd.tll")
        target = self.destination if request else self.source
        return [
            f"ip6.src == {self.source}", f"ip6.dst == {asked}", "ip.ttl == 255", word, f"nd.target == {target}",
            f"{option} == {self.source_mac}",
        ]  # fmt: skip

    def openflow(self) -> str:
        """For `ofproto/trace`, without where it comes in."""
        macs = f"dl_src={self.source_mac},dl_dst={self.destination_mac}"
        if self.protocol == "arp":
            return f"{self._openflow_arp()},{macs}"
        six = self.family == 6
        ends = f"{'ipv6' if six else 'nw'}_src={self.source},{'ipv6' if six else 'nw'}_dst={self.destination}"
        word = f"{self.protocol}6" if six else self.protocol
        if self.protocol == "icmp":
            inner = "icmpv6_type=128,icmpv6_code=0" if six else "icmp_type=8,icmp_code=0"
        else:
            inner = f"{self.protocol}_src={SOURCE_PORT},{self.protocol}_dst={self.port}"
        return f"{word},{macs},{ends},nw_ttl={TTL},{inner}"

    def _openflow_arp(self) -> str:
        request = self.operation == "request"
        if self.family == 4:
            ends = f"arp_spa={self.source},arp_tpa={self.destination},arp_sha={self.source_mac}"
            return f"arp,arp_op={1 if request else 2},{ends}"
        asked = solicited(self.destination) if request else self.destination
        target = self.destination if request else self.source
        option = f"nd_{'sll' if request else 'tll'}={self.source_mac}"
        kind = f"icmpv6_type={135 if request else 136},icmpv6_code=0,nd_target={target},{option}"
        return f"icmp6,ipv6_src={self.source},ipv6_dst={asked},nw_ttl=255,{kind}"


def solicited(address: str) -> str:
    """The group that an IPv6 address is asked for in (RFC 4291, section 2.7.1)."""
    return str(IPv6Address(int(IPv6Address("ff02::1:ff00:0")) | int(IPv6Address(address)) & 0xFFFFFF))


def asking_mac(address: str) -> str:
    """Where a request for an address's MAC is sent to."""
    if ip_address(address).version == 4:
        return BROADCAST
    last = int(IPv6Address(address)) & 0xFFFFFF
    return f"33:33:ff:{last >> 16:02x}:{last >> 8 & 0xFF:02x}:{last & 0xFF:02x}"
