"""What the fabric knows of this host: the row of `Host_Status` that only this host may write.

Written whole when something in it changes, and `last_seen` alone as the heartbeat. How stale it may be is for who
reads it; the row is not removed when the agent stops. Since when the host is ready, or not, the row itself remembers.
"""

from __future__ import annotations

import math
import platform
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from ipaddress import ip_interface
from typing import Any, Final

from weft import __version__
from weft.agent import certificate, metrics, netlink
from weft.agent.config import AgentConfig
from weft.agent.host import LINK, OVS_LINK
from weft.agent.netlink import LinkState, Netlink
from weft.agent.ovs import LocalOvs
from weft.agent.problems import Problems
from weft.agent.underlay import Underlay, holder
from weft.agent.view import View
from weft.agent.vitals import Vitals, Watch
from weft.log import get_logger
from weft.ovsdb.database import Database

_log = get_logger(__name__)
COLUMNS: Final[Sequence[str]] = (
    "name", "hostname", "addresses", "encap_ip", "encap_type", "networks", "mtu", "datapath_type", "versions",
    "problems", "ready", "ready_since", "certificate_expires", "heartbeat", "last_seen",
)  # fmt: skip
GATEWAY_HEARTBEAT: Final = 3.0
"""Seconds between two heartbeats of a host that subnets leave by: it is replaced when it is silent."""


@dataclass(frozen=True, slots=True)
class HostStatus:
    """The row but for its times."""

    name: str
    hostname: str
    addresses: tuple[str, ...] = ()
    encap_ip: str = ""
    encap_type: str = ""
    networks: Mapping[str, str] = field(default_factory=dict)
    mtu: int = 0
    datapath_type: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    ready: bool = False
    certificate_expires: int = 0
    """Seconds since 1970; 0 when it is not known, or there is none."""
    heartbeat: int = 0
    """Seconds between two heartbeats, by which readers know silence."""


def host_addresses(links: Iterable[LinkState]) -> tuple[str, ...]:
    """The host's own addresses of global scope, without `ovn0`'s and loopback's, bare."""
    found = {
        str(ip_interface(address).ip) for link in links if link.name not in (LINK, "lo") for address in link.addresses
    }
    return tuple(sorted(found, key=lambda text: (":" in text, text)))


def host_problems(encap_ip: str, mtu: int | None, ovs: LocalOvs, vitals: Vitals, view: View) -> dict[str, str | None]:
    """The problems that follow from the host's state, None where there is none."""
    return {
        "open-vswitch": ovs.absence or None,
        "encap": None if not ovs.connected
        else "external_ids:ovn-encap-ip is not set in Open_vSwitch: this host has no tunnels" if not encap_ip
        else f"no link of this host has the tunnel address {encap_ip}" if mtu is None else None,
        "ovs-vswitchd": vitals.switch or None,
        "ovn-controller": vitals.ovn.error or None,
        "fabric": "the Weft database has no rows at all: the last known ones stay in force" if view.emptied else None,
    }  # fmt: skip


class StatusWriter:
    """Gathers the status and writes it where it differs from what was written."""

    def __init__(
        self, config: AgentConfig, weft: Database, view: View, ovs: LocalOvs, links: Netlink, problems: Problems,
        underlay: Underlay,
    ) -> None:  # fmt: skip
        self._config = config
        self._weft = weft
        self._view = view
        self._ovs = ovs
        self._netlink = links
        self._problems = problems
        self._underlay = underlay
        self.vitals = Watch(links, config.ovs.rundir, config.ovs.ovn_rundir)
        self._written: HostStatus | None = None
        self._beat = 0.0

    async def reconcile(self) -> None:
        """Write what changed, or the heartbeat when it is due."""
        status = await self._gather()
        if not self._weft.connected:
            self._written = None
            return
        due = time.monotonic() - self._beat >= self._heartbeat * 0.9
        if status == self._written and not due:
            return
        await self._write(status, beat=status == self._written)
        self._written = status

    async def beat(self) -> None:
        """The heartbeat of a gateway, between two looks at the whole host."""
        late = time.monotonic() - self._beat >= self._heartbeat * 0.9
        if late and self._written is not None and self._weft.connected and self._heartbeat <= GATEWAY_HEARTBEAT:
            await self._write(self._written, beat=True)

    async def _write(self, status: HostStatus, *, beat: bool) -> None:
        values = asdict(status)
        await self._weft.transact(lambda transaction, idl: write(transaction, idl, values, beat=beat))
        self._beat = time.monotonic()

    @property
    def _heartbeat(self) -> float:
        usual = self._config.agent.heartbeat
        central = any(self._config.name in subnet.gateway_hosts for subnet in self._view.rows.subnets.values())
        return min(usual, GATEWAY_HEARTBEAT) if central else usual

    async def _gather(self) -> HostStatus:
        links = list((await self._netlink.run(netlink.links)).values())
        vitals = await self.vitals.look()
        ovn = vitals.ovn
        told = self._underlay.encapsulation
        link = holder(links, told.default) if told.default else None
        mtu = link.mtu if link else None
        self._underlay.update(links)
        expires = certificate.expiry(self._config.tls.certificate) if self._config.tls else 0
        for name, message in host_problems(told.default, mtu, self._ovs, vitals, self._view).items():
            self._problems.check(name, message)
        self._problems.check("certificate", certificate.problem(expires, time.time()))
        host = self._view.rows.host
        wired = host is None or not host.port or OVS_LINK in self._ovs.interfaces
        alive = self._ovs.ready and not vitals.switch and ovn.connected
        ready = bool(alive and mtu and wired and not self._view.emptied)
        metrics.ready.set(ready)
        metrics.certificate_expiry.set(expires)
        return HostStatus(
            name=self._config.name,
            hostname=self._ovs.settings.get("hostname") or socket.gethostname(),
            addresses=host_addresses(links),
            encap_ip=told.default,
            encap_type=",".join(told.types),
            networks=self._underlay.networks,
            mtu=mtu or 0,
            datapath_type=self._ovs.datapath_type or "",
            versions={
                "agent": __version__, "ovs": self._ovs.version, "ovn": ovn.version, "kernel": platform.release()
            },
            problems=self._problems.current,
            ready=ready,
            certificate_expires=expires,
            heartbeat=math.ceil(self._heartbeat),
        )  # fmt: skip


def write(transaction: Any, idl: Any, values: Mapping[str, Any], *, beat: bool) -> None:
    """Put the values and the times into the host's row; as a heartbeat only the time. Runs on the database's thread.

    A row that somebody took away, who held the host for dead, is whole again with the next heartbeat.
    A database that was not converted yet does not have all columns; what it does not have is not written.
    """
    table, now = idl.tables["Host_Status"], int(time.time())
    name = values["name"]
    row = next((row for row in table.rows.values() if row.name == name), None)
    if beat and row is not None:
        values = {}
    times = {"last_seen": now}
    if "ready_since" in table.columns and _turned(row, values):
        times["ready_since"] = now
    if row is None:
        row = transaction.insert(table)
        row.name = name
    for column, value in {**values, **times}.items():
        if column != "name" and column in table.columns:
            setattr(row, column, list(value) if isinstance(value, tuple) else value)


def _turned(row: Any, values: Mapping[str, Any]) -> bool:
    """Whether the host became ready now, or stopped to be."""
    return "ready" in values and (row is None or not row.ready_since or row.ready != values["ready"])
