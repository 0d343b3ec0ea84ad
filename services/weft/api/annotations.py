"""Annotations by which the owner of a pod asks for something (Kube-OVN 1.15 manual, section 4.1).

Each is there once for every network of the pod: `ovn.kubernetes.io/ip_address` is for the default one, and for another
its provider comes first, as in `net1.default.ovn.kubernetes.io/ip_address`. A network that is attached several times
may tell its interfaces apart by their names: `net1.default.ovn.kubernetes.io/ip_address.net2`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_network

from weft.api.shaping import SHAPING, parse_collector
from weft.net.addresses import Address, Family, parse_address, parse_addresses, split_list

DEFAULT_PROVIDER = "ovn"
NETWORKS = "k8s.v1.cni.cncf.io/networks"
DEFAULT_NETWORK = "v1.multus-cni.io/default-network"
NETNS = "weft.ovn/netns"

_MAC = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")
_KEY = re.compile(r"(?P<provider>[^/]+)\.kubernetes\.io/(?P<name>[a-z0-9_-]+)(\.(?P<interface>.+))?")
_FAMILIES: Mapping[str, frozenset[Family]] = {
    "ipv4": frozenset({4}),
    "ipv6": frozenset({6}),
    "dual": frozenset({4, 6}),
}


def key(provider: str, name: str) -> str:
    """The annotation `name` of one network."""
    return f"{provider}.kubernetes.io/{name}"


def is_unicast_mac(text: str) -> bool:
    """Whether a port may have this MAC address."""
    return _MAC.fullmatch(text) is not None and not int(text[:2], 16) & 1


def parse_ip_pool(text: str) -> tuple[tuple[Address, ...], ...]:
    """The addresses that `ip_pool` offers, in order; nothing where it names IPPools instead.

    `a,b,c` are one address each, `a4,a6;b4,b6` one pair each, and `a4,a6` alone is one pair (section 3.2.2).
    Raises ValueError.
    """
    if ";" in text:
        return tuple(tuple(parse_addresses(part)) for part in text.split(";") if part.strip())
    parts = split_list(text)
    if not any(_is_address(part) for part in parts):
        return ()
    addresses = [parse_address(part) for part in parts]
    if len(addresses) == 2 and addresses[0].version != addresses[1].version:
        return (tuple(sorted(addresses, key=lambda address: address.version)),)
    return tuple((address,) for address in addresses)


def parse_families(text: str) -> frozenset[Family]:
    """`IPv4`, `IPv6` or `Dual`. Raises ValueError."""
    try:
        return _FAMILIES[text.strip().lower()]
    except KeyError:
        raise ValueError(f"{text!r} is no address family; allowed: IPv4, IPv6, Dual") from None


def parse_routes(text: str) -> list[tuple[str, str]]:
    """(destination, gateway) of `[{"dst": "192.168.0.0/24", "gw": "10.16.0.254"}, …]`; without `dst` it is a default
    route (section 3.4). Raises ValueError.
    """
    try:
        items = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError('is not a list like [{"dst": "192.168.0.0/24", "gw": "10.16.0.254"}]')
    return [_route(item) for item in items]


def _route(item: Mapping[str, object]) -> tuple[str, str]:
    if strange := item.keys() - {"dst", "gw"}:
        raise ValueError(f"{min(strange)!r}: no such field; allowed: dst, gw")
    gateway = parse_address(str(item.get("gw", "")))
    if not item.get("dst"):
        return default_destination(gateway), str(gateway)
    network = ip_network(str(item["dst"]), strict=False)
    if network.version != gateway.version:
        raise ValueError(f"dst {network} and gw {gateway} are of two address families")
    return str(network), str(gateway)


def default_destination(gateway: IPv4Address | IPv6Address) -> str:
    """Everything, in the family of a gateway."""
    return "0.0.0.0/0" if gateway.version == 4 else "::/0"


def _is_address(text: str) -> bool:
    try:
        parse_address(text)
    except ValueError:
        return False
    return True


def _boolean(text: str) -> None:
    if text not in ("true", "false"):
        raise ValueError(f"{text!r}: allowed: true, false")


def _mac(text: str) -> None:
    if not is_unicast_mac(text):
        raise ValueError(f"{text!r} is not a unicast MAC address like 0a:58:0a:42:00:0b")


def _one(what: str) -> Callable[[str], None]:
    def check(text: str) -> None:
        if len(split_list(text)) > 1:
            raise ValueError(f"{text!r}: one {what} is allowed")

    return check


def _one_address(text: str) -> None:
    parse_address(text.strip())


_WISHES: Mapping[str, Callable[[str], object]] = {
    "logical_switch": _one("subnet"),
    "ip_address": parse_addresses,
    "mac_address": _mac,
    "ip_pool": parse_ip_pool,
    "ip_family": parse_families,
    "routes": parse_routes,
    "default_route": _boolean,
    "north_gateway": _one_address,
    "port_security": _boolean,
    "layer2_forward": _boolean,
    "vip": _one("Vip"),
    "aaps": split_list,
    "node_network": _one("network"),
    "mirror": _boolean,
    "mirror_collector": parse_collector,
    **SHAPING,
}
"""What may be asked for, and what says whether it is asked rightly."""

OF_NODES = frozenset({"tunnel_interface", "node_networks"})
"""What the annotations of a node ask for."""

ANSWERS = frozenset({"logical_switch", "ip_address", "mac_address"})
"""Wishes that the controller answers under the same name: of an allocated network they are no wish any more."""


_WRITTEN = ANSWERS | {
    "allocated", "chassis", "cidr", "exclude_ips", "gateway", "logical_router", "network_type", "port_name", "routed",
    "virtualmachine",
}  # fmt: skip
"""What the controller says on pods, nodes and namespaces."""


def wishes(given: Mapping[str, str]) -> dict[str, str]:
    """The annotations that the owner of a pod or node asks for something by; what the controller wrote is left out."""
    found = {name: given[name] for name in (NETWORKS, DEFAULT_NETWORK, NETNS) if name in given}
    for name, text in given.items():
        match = _KEY.fullmatch(name)
        if match is None or not (match["name"] in _WISHES or match["name"] in OF_NODES):
            continue
        if match["name"] in ANSWERS and given.get(key(match["provider"], "allocated")) == "true":
            continue
        found[name] = text
    return found


def written(given: Mapping[str, str]) -> dict[str, str]:
    """The annotations of an object that the controller may have written."""
    return {name: text for name, text in given.items() if (match := _KEY.fullmatch(name)) and match["name"] in _WRITTEN}


def wrong(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(annotation, what is wrong with it). One without a value asks for nothing."""
    for name, text in given.items():
        match = _KEY.fullmatch(name)
        if match is not None and text and (check := _WISHES.get(match["name"])) is not None:
            try:
                check(text)
            except ValueError as error:
                yield name, str(error)
