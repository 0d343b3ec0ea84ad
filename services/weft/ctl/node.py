"""`node`: what is known of a host, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from weft.ctl.printing import duration
from weft.ctl.status import STALE_AFTER


@dataclass(slots=True)
class Chassis:
    """A host as ovn-controller registered it in the Southbound; `bound` counts its ports there."""

    encaps: list[str]
    bound: int = 0
    strangers: list[str] = field(default_factory=list)
    """Ports bound there that Weft does not have on this host."""


@dataclass(slots=True)
class Node:
    """All of one host. Times are seconds since 1970, 0 where not known."""

    name: str
    now: float
    ready: bool = False
    ready_since: int = 0
    last_seen: int = 0
    certificate_expires: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)
    encap_type: str = ""
    encap_ip: str = ""
    networks: dict[str, str] = field(default_factory=dict)
    """Further addresses of tunnels, by the network of the nodes that they are in."""
    mtu: int = 0
    datapath_type: str = ""
    problems: dict[str, str] = field(default_factory=dict)
    join: list[str] = field(default_factory=list)
    """Addresses on the subnet `join`; none when the controller gave it no row."""
    ports: int = 0
    waiting: dict[str, str] = field(default_factory=dict)
    """Ports and pods that are not there yet, and why."""
    gateways: list[str] = field(default_factory=list)
    chassis: Chassis | None = None
    away: list[str] = field(default_factory=list)
    """Databases that did not answer, with why: what they know is missing here."""
    southbound: bool = False
    """Whether the Southbound answered."""

    @property
    def seen(self) -> float:
        """Seconds since its agent last said anything."""
        return max(self.now - self.last_seen, 0)

    @property
    def silent(self) -> bool:
        return self.seen > STALE_AFTER

    @property
    def unregistered(self) -> bool:
        """Nothing can be bound on a host that is no chassis."""
        return self.southbound and self.chassis is None

    @property
    def well(self) -> bool:
        """Can it take workloads?"""
        return self.ready and not self.silent and not self.unregistered

    @property
    def state(self) -> str:
        if self.silent:
            return "silent"
        return "ready" if self.well else "not ready"

    @property
    def tunnels(self) -> list[str]:
        """Protocol and address of each that there ought to be."""
        addresses = dict.fromkeys(filter(None, (self.encap_ip, *self.networks.values())))
        return [f"{kind} {address}" for address in addresses for kind in filter(None, self.encap_type.split(","))]

    def document(self) -> dict[str, Any]:
        own = {name: value for name, value in asdict(self).items() if name not in ("now", "southbound")}
        return {**own, "state": self.state, "well": self.well, "seconds_since_seen": round(self.seen)}

    def troubles(self) -> Iterator[tuple[str, str]]:
        """What is wrong beside what its agent says: a name, and words."""
        if self.silent:
            ask = "is the host up, does weft-agent run there and reach the database?"
            yield "silent", f"nothing heard of it for {duration(self.seen)}: {ask}"
        if self.unregistered:
            ask = "has ovn-controller ever run there, with that system-id?"
            yield "chassis", f"the Southbound has no chassis {self.name}: {ask}"
        if not self.join:
            yield "join", "no address on the subnet join: does weft-controller run? See weftctl status"
        has = self.chassis.encaps if self.chassis is not None else []
        if has and (lacking := [tunnel for tunnel in self.tunnels if tunnel not in has]):
            told = ", ".join(lacking)
            yield "tunnels", f"Open vSwitch is told {told}, but its chassis in the Southbound has {', '.join(has)}"
        if not self.ready and not self.problems and not self.silent:
            yield "ready", "its agent names no problem: it has just started, or ovn0 is not made yet"
