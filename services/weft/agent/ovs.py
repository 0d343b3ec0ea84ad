"""The host's own Open vSwitch: ports on the integration bridge, and what ovn-controller says of them.

Changes of many callers are gathered: while one transaction is on its way, what others want waits and goes as one in
the next. Fifty pods at once cost a handful of transactions, and none waits for a timer.

What we wired is remembered where it is, in the Interface's external_ids: a record that cannot disagree with the
wiring, survives a reboot and shows in `ovs-vsctl show`'s neighbours. Keys beside OVN's own `iface-id`:
`vendor=weft`, `pod_namespace`, `pod_name`, `pod_uid`, `pod_netns`, `sandbox` (container), `ifname`,
`network` (the runtime's).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from weft.agent import metrics
from weft.agent.device.base import named_by_us
from weft.log import get_logger
from weft.ovsdb.database import Database, RowChange

_log = get_logger(__name__)
VENDOR: Final = "weft"
TABLES: Mapping[str, Sequence[str]] = {
    "Open_vSwitch": ["external_ids", "other_config", "ovs_version", "bridges", "iface_types"],
    "Bridge": ["name", "datapath_type", "ports", "mirrors"],
    "Port": ["name", "interfaces", "qos", "external_ids"],
    "QoS": ["type", "external_ids"],
    "Mirror": ["name", "external_ids", "output_port", "select_all", "select_src_port", "select_dst_port"],
    "Interface": ["name", "external_ids", "error", "type", "options", "mtu_request"],
}


@dataclass(frozen=True, slots=True)
class Interface:
    """An Interface row; `error` is what vswitchd says it could not do with it."""

    name: str
    external_ids: Mapping[str, str]
    error: str = ""

    @property
    def ours(self) -> bool:
        return self.external_ids.get("vendor") == VENDOR

    @property
    def port(self) -> str:
        return self.external_ids.get("iface-id", "")

    @property
    def installed(self) -> bool:
        """Whether ovn-controller has the flows in place (ovn-controller(8), external_ids:ovn-installed)."""
        return self.external_ids.get("ovn-installed") == "true"


@dataclass(frozen=True, slots=True)
class Wish:
    """One change of the integration bridge: a port with those external_ids, or with None no such port.

    `kind` and `options` are the Interface's type and options, of a new one.
    """

    name: str
    external_ids: Mapping[str, str] | None
    kind: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Waiting:
    wish: Wish
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class LocalOvs:
    """The replica of the host's database as the event loop sees it, and the queue of wishes."""

    def __init__(self, remote: str, bridge: str) -> None:
        self.bridge = bridge
        self.interfaces: dict[str, Interface] = {}
        self.settings: Mapping[str, str] = {}
        self.other_config: Mapping[str, str] = {}
        self.version = ""
        self.types: frozenset[str] = frozenset()
        """Interface types that vswitchd knows."""
        self.datapath_type: str | None = None
        self.connected = False
        self._rows: dict[UUID, str] = {}
        self._seen: dict[UUID, dict[str, Any]] = {}
        self._bridges: dict[UUID, str] = {}
        self._listeners: list[Callable[[], None]] = []
        self._port_listeners: list[Callable[[], None]] = []
        self._installed: dict[str, list[asyncio.Future[None]]] = {}
        self._queue: list[_Waiting] = []
        self._flusher: asyncio.Task[None] | None = None
        self.database = Database(
            "Open_vSwitch", remote, TABLES, watch=["Open_vSwitch", "Bridge", "Interface"],
            on_change=self._apply, on_connection=self._set_connected,
        )  # fmt: skip

    async def start(self) -> None:
        """Connect, however long it takes."""
        await self.database.start(None)

    async def close(self) -> None:
        await self.database.close()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` when the connection, the settings or the bridge changed (not for each interface)."""
        self._listeners.append(listener)

    def on_port(self, listener: Callable[[], None]) -> None:
        """Call `listener` when an interface came, went or changed."""
        self._port_listeners.append(listener)

    # --- what is there ---

    @property
    def ready(self) -> bool:
        return self.connected and self.datapath_type is not None

    @property
    def absence(self) -> str:
        """In words for an operator, what is missing of it; "" while it is ready."""
        if not self.connected:
            return "the database of Open vSwitch does not answer: does ovsdb-server run?"
        return "" if self.ready else f"there is no bridge {self.bridge}"

    @property
    def userspace(self) -> bool:
        return self.datapath_type == "netdev"

    @property
    def bridges(self) -> set[str]:
        """Names of all bridges."""
        return set(self._bridges.values())

    def ours(self) -> list[Interface]:
        return [interface for interface in self.interfaces.values() if interface.ours]

    def find_port(self, port: str) -> Interface | None:
        """Our interface of the logical port."""
        return next((interface for interface in self.ours() if interface.port == port), None)

    def find_sandbox(self, sandbox: str, ifname: str) -> Interface | None:
        """What was wired for a container's interface."""
        wanted = {"sandbox": sandbox, "ifname": ifname}
        return next((item for item in self.ours() if wanted.items() <= item.external_ids.items()), None)

    async def wait_installed(self, name: str) -> None:
        """Return when ovn-controller has said that the interface's flows are in place."""
        interface = self.interfaces.get(name)
        if interface and interface.installed:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._installed.setdefault(name, [])
        waiting.append(future)
        try:
            await future
        finally:
            waiting.remove(future)
            if not waiting:
                self._installed.pop(name, None)

    # --- changes from the database ---

    def _set_connected(self, connected: bool) -> None:
        self.connected = connected
        metrics.connected.labels("Open_vSwitch").set(connected)
        self._tell()

    def _apply(self, changes: list[RowChange]) -> None:
        tables = {change.table for change in changes}
        news = [change for change in changes if self._is_news(change)]
        for change in changes:
            if change.table == "Interface":
                self._apply_interface(change)
            else:
                self._apply_settings(change)
        if "Interface" in tables:
            for listener in self._port_listeners:
                listener()
        if news:
            self._tell()

    def _is_news(self, change: RowChange) -> bool:
        """Whether every duty shall look again. A pod's interface is none, nor is a bridge that got it or lost it."""
        if change.table == "Interface":
            name = self._rows.get(change.uuid, "") if change.op == "delete" else change.row["name"]
            return change.op != "update" and not named_by_us(name)
        if change.table != "Bridge":
            return True
        before = self._seen.pop(change.uuid, None)
        if change.op == "delete":
            return True
        now = self._seen[change.uuid] = {name: value for name, value in change.row.items() if name != "ports"}
        return now != before

    def _apply_interface(self, change: RowChange) -> None:
        previous = self._rows.pop(change.uuid, None)
        if change.op == "delete":
            if previous is not None and previous not in self._rows.values():
                self.interfaces.pop(previous, None)
            return
        row = change.row
        name = self._rows[change.uuid] = row["name"]
        interface = self.interfaces[name] = Interface(name, row["external_ids"], "".join(row["error"]))
        if interface.installed:
            for future in self._installed.get(name, ()):
                if not future.done():
                    future.set_result(None)

    def _apply_settings(self, change: RowChange) -> None:
        row = change.row
        if change.table == "Open_vSwitch" and change.op != "delete":
            self.settings = row["external_ids"]
            self.other_config = row["other_config"]
            self.version = "".join(row["ovs_version"])
            self.types = frozenset(row.get("iface_types", ()))
        elif change.table == "Bridge":
            self._apply_bridge(change)

    def _apply_bridge(self, change: RowChange) -> None:
        if change.op == "delete":
            if self._bridges.pop(change.uuid, None) == self.bridge:
                self.datapath_type = None
            return
        name = self._bridges[change.uuid] = change.row["name"]
        if name == self.bridge:
            self.datapath_type = change.row["datapath_type"] or "system"

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    # --- wishes ---

    async def add(
        self, name: str, external_ids: Mapping[str, str], kind: str = "", options: Mapping[str, str] | None = None
    ) -> None:
        """Have a port with these external_ids on the integration bridge; committed when this returns."""
        await self._wish(Wish(name, {**external_ids, "vendor": VENDOR}, kind, options or {}))

    async def remove(self, name: str) -> None:
        """Have no such port; committed when this returns."""
        await self._wish(Wish(name, None))

    async def _wish(self, wish: Wish) -> None:
        waiting = _Waiting(wish)
        self._queue.append(waiting)
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        await waiting.done

    async def _flush(self) -> None:
        while self._queue:
            batch, self._queue = self._queue, []
            try:
                await self._commit([waiting.wish for waiting in batch])
            except Exception as error:  # noqa: BLE001 - whatever it is, each caller gets it or another try
                await self._one_by_one(batch, error)
            else:
                for waiting in batch:
                    _settle(waiting, None)

    async def _one_by_one(self, batch: Sequence[_Waiting], error: Exception) -> None:
        """After a failure of several together each is tried alone, so that one bad wish fails one caller."""
        if len(batch) == 1:
            _settle(batch[0], error)
            return
        for waiting in batch:
            try:
                await self._commit([waiting.wish])
            except Exception as own:  # noqa: BLE001 - handed to the caller
                _settle(waiting, own)
            else:
                _settle(waiting, None)

    async def _commit(self, wishes: Sequence[Wish]) -> None:
        metrics.ovsdb_transactions.inc()
        await self.database.transact(lambda transaction, idl: fulfil(transaction, idl, self.bridge, wishes))


def _settle(waiting: _Waiting, error: Exception | None) -> None:
    if waiting.done.done():
        return
    if error is None:
        waiting.done.set_result(None)
    else:
        waiting.done.set_exception(error)


def fulfil(transaction: Any, idl: Any, bridge_name: str, wishes: Sequence[Wish]) -> None:
    """Put the wishes, of each port the last, into a transaction.

    Runs on the database's thread, where the replica may be read.
    """
    bridge = next((row for row in idl.tables["Bridge"].rows.values() if row.name == bridge_name), None)
    if bridge is None:
        raise LookupError(f"bridge {bridge_name}: not in the database of Open vSwitch")
    ports = {row.name: row for row in idl.tables["Port"].rows.values()}
    for wish in {wish.name: wish for wish in wishes}.values():
        port = ports.get(wish.name)
        if wish.external_ids is None:
            if port is not None:
                bridge.delvalue("ports", port)
        elif port is not None:
            _renew(port, wish.external_ids)
        else:
            interface = transaction.insert(idl.tables["Interface"])
            interface.name = wish.name
            interface.external_ids = dict(wish.external_ids)
            if wish.kind:
                interface.type, interface.options = wish.kind, dict(wish.options)
            port = transaction.insert(idl.tables["Port"])
            port.name = wish.name
            port.interfaces = [interface]
            bridge.addvalue("ports", port)


def _renew(port: Any, external_ids: Mapping[str, str]) -> None:
    """Give an existing port's interface those ids; equal ones are not written, and OVN's own stay."""
    for interface in port.interfaces:
        current = interface.external_ids
        for key, value in external_ids.items():
            if current.get(key) != value:
                interface.setkey("external_ids", key, value)
