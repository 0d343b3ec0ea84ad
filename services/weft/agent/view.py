"""What this host knows of the fabric: its Host row, its Ports, all Subnets with their NAT rules, all hosts' addresses.

The view is filled by the Weft database and kept on disk, so that the agent works without the database, also after a
reboot. The rows from disk are the view until the first whole replica is there; then that is, at once: a half
filled replica never shows through. A database with nothing in it at all does not either (`emptied`): it was lost or is
another one, and tearing down every workload is no answer to that.

All of it belongs to the event loop; rows are immutable.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

from weft.log import get_logger
from weft.ovsdb.database import RowChange

T = TypeVar("T")
Row = TypeVar("Row", bound="Port | Subnet | NatRule | Host")
_log = get_logger(__name__)
DEFAULT_PROVIDER: Final = "ovn"
"""The provider of the network that pods have without asking."""


@dataclass(frozen=True, slots=True)
class Port:
    """One network of a pod. `addresses` are bare; prefix length, gateway and MTU are its subnet's.

    Fields with a default are those that a database, or a file on disk, of before does not have.
    """

    name: str
    pod_namespace: str
    pod_name: str
    pod_uid: str
    interface: str
    subnet: str
    mac: str
    addresses: tuple[str, ...]
    netns: str
    device_type: str = "veth"
    """"none": another plugin makes the interface, only the addresses are ours."""
    provider: str = DEFAULT_PROVIDER
    routes: tuple[str, ...] = ()
    """`DESTINATION via GATEWAY`."""
    default_route: bool = True
    """Whether what has no other route leaves by the subnet's gateway."""
    shaping: Mapping[str, str] = field(default_factory=dict)
    """Rates, delay and loss: see `agent.shaping`."""
    mirrors: tuple[str, ...] = ()
    """Where copies of the packets go: see `agent.mirror`."""
    arriving: bool = False
    """Whether a machine moves here, whose interface stays silent until it has: its gateway cannot be asked."""
    node_network: str = ""
    """As a subnet's, of one pod's choice."""


@dataclass(frozen=True, slots=True)
class Subnet:
    """`mtu` 0 means the underlay's minus the tunnel's overhead."""

    name: str
    cidrs: tuple[str, ...]
    gateways: tuple[str, ...]
    mtu: int
    host_routed: bool
    gateway_check: bool = False
    """Whether a pod is not handed over before its gateway has answered."""
    node_network: str = ""
    """The network of nodes that its tunnels use, empty for the default one."""
    nat_outgoing: bool = False
    """Whether its packets get the host's address when they leave the fabric, where no NatRule says otherwise."""
    egress_gateways: tuple[str, ...] = ()
    """Routers beyond the fabric that its packets leave by, with the table and the priority of the routing policy."""
    policy_table: int | None = None
    policy_priority: int | None = None
    gateway_hosts: tuple[str, ...] = ()
    """The hosts by which its packets leave; each pod's own where there are none."""
    gateway_addresses: Mapping[str, str] = field(default_factory=dict)
    """By host, with which of its addresses they leave, separated by commas."""


@dataclass(frozen=True, slots=True)
class NatRule:
    """What is done with a subnet's packets that leave; the first rule that matches decides."""

    subnet: str
    position: int
    action: str
    """`nat` or `forward`: with the host's address, or the workload's."""
    sources: tuple[str, ...]
    destinations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Host:
    """What this host itself has on the join subnet; `addresses` are with prefix length."""

    name: str
    port: str
    mac: str
    addresses: tuple[str, ...]
    gateways: tuple[str, ...]
    mtu: int
    tunnel_interface: str = ""
    """Names, regular expressions or CIDRs of interfaces that tunnels begin at; as the host's file says if empty."""
    networks: Mapping[str, str] = field(default_factory=dict)
    """The host's address in each network of nodes."""
    own_addresses: tuple[str, ...] = ()
    """Bare addresses that it has beyond the fabric: workloads reach them, and so answer them, by its `ovn0`."""


_OPTIONAL: Final = frozenset({"policy_table", "policy_priority"})
"""Columns of at most one value: sets for the database."""

COLUMNS: Mapping[str, Sequence[str]] = {
    "Host": ["name", "port", "mac", "addresses", "gateways", "mtu", "tunnel_interface", "networks", "own_addresses"],
    "Port": [
        "name", "host", "pod_namespace", "pod_name", "pod_uid", "interface", "subnet", "mac", "addresses", "netns",
        "device_type", "provider", "routes", "default_route", "shaping", "mirrors", "arriving", "node_network",
    ],
    "Subnet": [
        "name", "cidrs", "gateways", "mtu", "host_routed", "gateway_check", "nat_outgoing", "egress_gateways",
        "policy_table", "policy_priority", "gateway_hosts", "gateway_addresses", "node_network",
    ],
    "Nat_Rule": ["subnet", "position", "action", "sources", "destinations"],
}  # fmt: skip


def conditions(host: str) -> dict[str, list[Any]]:
    """What to ask the database for: a condition of RFC 7047's `monitor_cond` per table, none for all rows."""
    return {"Port": [["host", "==", host]]}


def build(kind: type[Row], row: Mapping[str, Any]) -> Row:
    """A row's dataclass from the database's or the file's values; columns that it does not have are left out.

    A Port without provider was written by a controller of before, or before the database was converted: it is a pod's
    only network.
    """
    values = {name: row[name] for name in kind.__dataclass_fields__ if name in row}
    if kind is Port and not values.get("provider"):
        values |= {"provider": DEFAULT_PROVIDER, "default_route": True}
    arguments: dict[str, Any] = {name: _field(name, value) for name, value in values.items()}
    return kind(**arguments)


def _field(name: str, value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return next(iter(value), None) if name in _OPTIONAL else tuple(value)


@dataclass(frozen=True, slots=True)
class Rows:
    """One consistent state of the view."""

    ports: Mapping[str, Port]
    subnets: Mapping[str, Subnet]
    host: Host | None
    nat_rules: tuple[NatRule, ...] = ()
    """By subnet and position."""
    host_addresses: tuple[str, ...] = ()
    """All hosts' addresses beyond the fabric, this one's too, in order."""

    @property
    def empty(self) -> bool:
        return not self.ports and not self.subnets and self.host is None


EMPTY = Rows({}, {}, None)
_KINDS: Mapping[str, type[Port] | type[Subnet] | type[NatRule] | type[Host]] = {
    "Port": Port, "Subnet": Subnet, "Nat_Rule": NatRule, "Host": Host,
}  # fmt: skip


class View:
    """The current Rows of a host, whether the database is connected, and who waits for what."""

    def __init__(self, host: str, rows: Rows = EMPTY) -> None:
        self._host = host
        self.rows = rows
        self.connected = False
        self.synced = False
        self.emptied = False
        self._replica: dict[str, dict[UUID, Any]] = {kind: {} for kind in _KINDS}
        self._listeners: list[Callable[[], None]] = []
        self._by_pod: dict[tuple[str, str, str], list[Port]] = {}
        self._indexed: Mapping[str, Port] | None = None
        self._waiters: list[tuple[Callable[[], object], asyncio.Future[Any]]] = []

    @property
    def trusted(self) -> bool:
        """Whether the rows are what the database says now: new workloads need that."""
        return self.connected and not self.emptied

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each change of rows or connection."""
        self._listeners.append(listener)

    def apply(self, changes: Sequence[RowChange]) -> None:
        """Take changes from the database."""
        for change in changes:
            if change.table not in _KINDS:
                continue
            table = self._replica[change.table]
            if change.op == "delete":
                table.pop(change.uuid, None)
            else:
                table[change.uuid] = build(_KINDS[change.table], change.row)
        if self.synced:
            self._show()

    def set_connected(self, connected: bool) -> None:
        """The database came or went. At the first time the replica takes the place of the rows from disk."""
        self.connected = connected
        if connected and not self.synced:
            self.synced = True
            self._show()
        else:
            self._tell()

    def _show(self) -> None:
        ports, subnets = ({row.name: row for row in self._replica[kind].values()} for kind in ("Port", "Subnet"))
        hosts: list[Host] = list(self._replica["Host"].values())
        host = next((row for row in hosts if row.name == self._host), None)
        addresses = tuple(sorted({address for row in hosts for address in row.own_addresses}))
        rows = Rows(ports, subnets, host, in_order(self._replica["Nat_Rule"].values()), addresses)
        self.emptied = rows.empty and not self.rows.empty
        if not self.emptied:
            self.rows = rows
        self._tell()

    def _tell(self) -> None:
        for condition, future in self._waiters:
            if not future.done() and (result := condition()) is not None:
                future.set_result(result)
        self._waiters = [waiter for waiter in self._waiters if not waiter[1].done()]
        for listener in self._listeners:
            listener()

    async def wait_for(self, condition: Callable[[], T | None], timeout: float) -> T:
        """The first result of `condition` that is not None, asked again at each change. Raises TimeoutError."""
        if (result := condition()) is not None:
            return result
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiters.append((condition, future))
        async with asyncio.timeout(timeout):
            return await future

    def find_port(self, namespace: str, pod: str, provider: str, interface: str) -> Port | None:
        """A pod's port of one network; one that names no interface is for whichever is asked for."""
        if self._indexed is not self.rows.ports:
            self._index()
        found = self._by_pod.get((namespace, pod, provider), [])
        exact = [port for port in found if port.interface == interface]
        return next(iter(exact or [port for port in found if not port.interface]), None)

    def _index(self) -> None:
        """Each pod that starts or stops asks several times, and rows are others less often."""
        self._by_pod, self._indexed = {}, self.rows.ports
        for port in self.rows.ports.values():
            self._by_pod.setdefault((port.pod_namespace, port.pod_name, port.provider), []).append(port)


def in_order(rules: Iterable[NatRule]) -> tuple[NatRule, ...]:
    """Rules as they are tried."""
    return tuple(sorted(rules, key=lambda rule: (rule.subnet, rule.position)))


# --- on disk ---


def load(path: Path) -> Rows:
    """The rows kept at `path`; none when there is no file or it cannot be understood (logged)."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Rows(
            {row["name"]: build(Port, row) for row in document["ports"]},
            {row["name"]: build(Subnet, row) for row in document["subnets"]},
            build(Host, document["host"]) if document["host"] else None,
            in_order(build(NatRule, row) for row in document.get("nat_rules", ())),
            tuple(document.get("host_addresses", ())),
        )
    except FileNotFoundError:
        return EMPTY
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.error("last view on disk cannot be used", path=path, error=error)
        return EMPTY


def save(path: Path, rows: Rows) -> None:
    """Keep the rows at `path`: whole or not at all, also when the machine dies meanwhile."""
    document = {
        "ports": [asdict(port) for port in rows.ports.values()],
        "subnets": [asdict(subnet) for subnet in rows.subnets.values()],
        "host": asdict(rows.host) if rows.host else None,
        "nat_rules": [asdict(rule) for rule in rows.nat_rules],
        "host_addresses": rows.host_addresses,
    }
    write_atomically(path, json.dumps(document, indent=1))


def write_atomically(path: Path, text: str) -> None:
    """Replace the file at `path`, readable by root only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
