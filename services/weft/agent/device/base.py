"""What all devices have in common: what is to be made, and the verbs to make, look at and remove it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from weft.agent import netlink
from weft.agent.attachment import Addressing, Route
from weft.agent.cni_types import Request
from weft.agent.netlink import LinkState, PodEnd
from weft.agent.view import Port

ALIAS: Final = "weft:"
_NAMED_BY_US: Final = re.compile("w[0-9a-f]{14}")


def host_interface(port: str) -> str:
    """The link's name on the host: `w` and 56 bits of the port's name, which fits the kernel's 15 characters."""
    return "w" + hashlib.sha256(port.encode()).hexdigest()[:14]


def named_by_us(link: str) -> bool:
    """Whether a link is one of those: a representor has the name that its driver gave it."""
    return _NAMED_BY_US.fullmatch(link) is not None


def alias(sandbox: str, ifname: str) -> str:
    """What the host's end says of whom it is for."""
    return f"{ALIAS}{sandbox}/{ifname}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a port's interface shall be, and the gateways that have to answer before it is handed over."""

    port: Port
    host_interface: str
    mac: str
    mtu: int
    addressing: Addressing
    asked: tuple[str, ...] = ()
    encap_ip: str = ""
    """Where its tunnels begin, if that is bound to a network of nodes."""


@dataclass(frozen=True, slots=True)
class Job:
    """An interface to make, for whom. `checksum` tells whether the datapath takes packets without their checksums."""

    request: Request
    wanted: Wanted
    checksum: bool

    @property
    def alias(self) -> str:
        return alias(self.request.container, self.request.ifname)

    @property
    def pod_end(self) -> PodEnd:
        wanted = self.wanted
        return PodEnd(
            self.request.netns, self.request.ifname, wanted.mac, wanted.mtu, wanted.addressing.texts,
            wanted.addressing.routes, self.checksum,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plug:
    """What goes into Open vSwitch besides what every port has: the Interface's type and options, keys to remember."""

    kind: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)


class Device(Protocol):
    """One way to make an interface. All raise OSError for what the kernel refuses, and CniError."""

    asks: bool
    """Whether `place` and `in_pod` ask the kernel, and so may block."""

    follows_switch: bool
    """Whether Open vSwitch makes it: then it is configured when that has the port, and removed before that loses it."""

    def place(self, request: Request, port: Port) -> str:
        """The name that the Interface has in Open vSwitch."""

    def plug(self, job: Job) -> Plug:
        """What Open vSwitch is told."""

    def make(self, job: Job) -> str:
        """All that must be there before Open vSwitch is told; gives the MAC of the host's end."""

    def configure(self, job: Job) -> None:
        """The pod's end, while Open vSwitch takes up the host's."""

    def in_pod(self, job: Job) -> bool:
        """Whether the pod has a network interface of the kernel's, which can ask for its gateway."""

    def faults(self, job: Job) -> list[str]:
        """How it differs from what it shall be."""

    def result(self, job: Job) -> Mapping[str, Any]:
        """What the CNI result (1.1.0) says of the pod's end besides."""

    def remove(self, name: str, ids: Mapping[str, str]) -> None:
        """Take away what may be there of the Interface `name`; `ids` are its external_ids, as far as known."""


def faults(wanted: Wanted, link: LinkState | None, routes: set[Route]) -> list[str]:
    """How an interface in its namespace differs from what it shall be."""
    if link is None:
        return ["the interface is not there"]
    found = []
    if link.mac != wanted.mac.lower():
        found.append(f"MAC is {link.mac}, expected {wanted.mac}")
    if link.mtu != wanted.mtu:
        found.append(f"MTU is {link.mtu}, expected {wanted.mtu}")
    if not link.up:
        found.append("it is down")
    if missing := set(wanted.addressing.texts) - link.addresses:
        found.append(f"addresses missing: {', '.join(sorted(missing))}")
    if lacking := set(wanted.addressing.routes) - routes:
        found.append(f"routes missing: {', '.join(str(route) for route in sorted(lacking))}")
    return found


def pod_faults(job: Job) -> list[str]:
    """The same of a job's interface, looked at now."""
    try:
        link, routes = netlink.in_namespace(job.request.netns, _inspect, job.request.ifname)
    except OSError as error:
        return [f"namespace {job.request.netns}: {error.strerror}"]
    return faults(job.wanted, link, routes)


def _inspect(ifname: str) -> tuple[LinkState | None, set[Route]]:
    link = netlink.link(ifname)
    return link, netlink.routes(link.index, protocol=None) if link else set()
