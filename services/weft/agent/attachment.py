"""What a port has on its network, and how a CNI result says it (CNI specification 1.1.0, "Success"). Pure.

Results of 0.3 and 0.4 differ from 1.x only in that each address names its version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any, Final, Self

from weft.agent.cni_types import WIRING_FAILED, CniError, Interface
from weft.agent.view import Port, Subnet

DEFAULT: Final = {4: "0.0.0.0/0", 6: "::/0"}
"""The destination of a default route, by IP version."""


@dataclass(frozen=True, slots=True, order=True)
class Route:
    """A route through a gateway; `destination` "0.0.0.0/0" or "::/0" is the default."""

    destination: str
    gateway: str

    @classmethod
    def default(cls, gateway: str) -> Self:
        return cls(DEFAULT[ip_address(gateway).version], gateway)

    @classmethod
    def parse(cls, text: str) -> Self:
        """`DESTINATION via GATEWAY`; raises ValueError."""
        destination, _, gateway = text.partition(" via ")
        return cls(str(ip_network(destination.strip(), strict=False)), str(ip_address(gateway.strip())))

    def __str__(self) -> str:
        return f"{self.destination} via {self.gateway}"


@dataclass(frozen=True, slots=True)
class Addressing:
    """Addresses with prefix length, the subnet's gateways for their families, and the routes to set."""

    addresses: tuple[Interface, ...]
    gateways: tuple[str, ...]
    routes: tuple[Route, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(str(address) for address in self.addresses)

    def result(self, version: str, interface: int | None = None) -> dict[str, Any]:
        """The result of an IPAM plugin; with `interface`, addresses belong to the interface at that place."""
        return {
            "cniVersion": version,
            "ips": [self._ip(address, version, interface) for address in self.addresses],
            "routes": [{"dst": route.destination, "gw": route.gateway} for route in self.routes],
            "dns": {},
        }

    def _ip(self, address: Interface, version: str, interface: int | None) -> dict[str, Any]:
        ip: dict[str, Any] = {"address": str(address)}
        if interface is not None:
            ip["interface"] = interface
        if gateway := next((gw for gw in self.gateways if ip_address(gw).version == address.version), None):
            ip["gateway"] = gateway
        if version.startswith("0."):
            ip["version"] = str(address.version)
        return ip


def addressing(port: Port, subnet: Subnet) -> Addressing:
    """Addresses take prefix length and gateway from the subnet's CIDR they are in. Raises CniError."""
    networks = [ip_network(cidr) for cidr in subnet.cidrs]
    addresses = []
    for text in port.addresses:
        address = ip_address(text)
        network = next((network for network in networks if address in network), None)
        if network is None:
            raise CniError(
                WIRING_FAILED,
                f"Port/{port.name}: addresses: got {text}, which is in none of Subnet/{subnet.name}'s CIDRs "
                f"{', '.join(subnet.cidrs)}",
            )
        addresses.append(ip_interface(f"{text}/{network.prefixlen}"))
    versions = {address.version for address in addresses}
    gateways = tuple(gateway for gateway in subnet.gateways if ip_address(gateway).version in versions)
    own = _own_routes(port)
    told = {route.destination for route in own}
    defaults = [Route.default(gateway) for gateway in gateways] if port.default_route else []
    routes = [*(route for route in defaults if route.destination not in told), *own]
    return Addressing(tuple(addresses), gateways, tuple(dict.fromkeys(routes)))


def _own_routes(port: Port) -> list[Route]:
    routes = []
    for text in port.routes:
        try:
            routes.append(Route.parse(text))
        except ValueError as error:
            message = f"Port/{port.name}: routes: got {text!r}, allowed is `DESTINATION via GATEWAY`: {error}"
            raise CniError(WIRING_FAILED, message) from None
    return routes


@dataclass(frozen=True, slots=True)
class Attachment:
    """A wired interface: what was made, and what the runtime is told; `more` of the pod's end since 1.1.0."""

    host_interface: str
    host_mac: str
    ifname: str
    mac: str
    netns: str
    mtu: int
    addressing: Addressing
    more: Mapping[str, Any] = field(default_factory=dict)

    def result(self, version: str) -> dict[str, Any]:
        """The result document in the shape of that version."""
        interfaces: list[dict[str, Any]] = [
            {"name": self.host_interface, **({"mac": self.host_mac} if self.host_mac else {})},
            {"name": self.ifname, "mac": self.mac, "sandbox": self.netns},
        ]
        if version == "1.1.0":
            interfaces = [{**interface, "mtu": self.mtu} for interface in interfaces]
            interfaces[1] |= self.more
        return {"interfaces": interfaces, **self.addressing.result(version, interface=1)}


def after(previous: Mapping[str, Any] | None, result: dict[str, Any]) -> dict[str, Any]:
    """The result of a plugin that is not the first of its list: what those before it said, and its own."""
    if not previous:
        return result
    interfaces = previous.get("interfaces") or []
    moved = [{**ip, "interface": ip["interface"] + len(interfaces)} for ip in result["ips"]]
    return {
        **result,
        "interfaces": [*interfaces, *result["interfaces"]],
        "ips": [*(previous.get("ips") or []), *moved],
        "routes": [*(previous.get("routes") or []), *result["routes"]],
        "dns": previous.get("dns") or result["dns"],
    }
