"""The kernel's switches without which a host forwards nothing: files below /proc/sys/net, of this thread's namespace.

Only a switch that stands against forwarding is touched, and only where the host has something to forward.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from weft.agent.gateway.plan import Plan
from weft.log import get_logger

_log = get_logger(__name__)
_NET: Final = Path("/proc/sys/net")
_V4_FORWARDING: Final = _NET / "ipv4/ip_forward"
_V6_FORWARDING: Final = _NET / "ipv6/conf/all/forwarding"
_STRICT, _LOOSE = "1", "2"


def keep(plan: Plan) -> list[str]:
    """Set what the plan needs; gives what could not be set."""
    refused: list[str] = []
    if 4 in plan.versions and _read(_V4_FORWARDING) == "0":
        _write(_V4_FORWARDING, "1", refused)
    if 6 in plan.versions and _read(_V6_FORWARDING) == "0":
        # A host that learns its routes from router advertisements would forget them as a router: 2 says it does not.
        for path in sorted((_NET / "ipv6/conf").glob("*/accept_ra")):
            if _read(path) == "1":
                _write(path, "2", refused)
        _write(_V6_FORWARDING, "1", refused)
    for link in sorted(set(_links_to(str(g) for egress in plan.egress for g in egress.gateways if g.version == 4))):
        _accept_answers(link, refused)
    return refused


def _accept_answers(link: str, refused: list[str]) -> None:
    """An egress gateway's answers come from sources to which this host has another route (RFC 3704, section 2.4)."""
    own = _NET / f"ipv4/conf/{link}/rp_filter"
    if max(_read(own), _read(_NET / "ipv4/conf/all/rp_filter")) == _STRICT:
        _write(own, _LOOSE, refused)


def _links_to(gateways: Iterable[str]) -> Iterator[str]:
    """The links by which the gateways are reached."""
    with IPRoute() as ip:
        for gateway in gateways:
            try:
                route = ip.route("get", dst=gateway, family=socket.AF_INET)[0]
            except NetlinkError:
                continue
            if index := route.get_attr("RTA_OIF"):
                yield socket.if_indextoname(index)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _write(path: Path, value: str, refused: list[str]) -> None:
    name = ".".join(path.relative_to(_NET.parent).parts)
    try:
        path.write_text(value, encoding="ascii")
    except OSError as error:
        refused.append(f"{name}: is {_read(path)}, expected {value}, {error.strerror}")
    else:
        _log.info("kernel setting changed", setting=name, value=value)
