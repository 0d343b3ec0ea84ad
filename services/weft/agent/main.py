"""The agent's process: what it is made of and what wakes what.

    Weft database ──► View ──► CNI commands, host link, kept namespaces, file on disk
    Open vSwitch  ──► LocalOvs ──► the same
    kernel        ──► Monitor ──► host link, leftovers, status

The socket is served first: a runtime that calls before the databases have answered is told to try again.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator

from prometheus_client import REGISTRY

from weft import service
from weft.agent import metrics, view, vitals, wiring
from weft.agent.cni_commands import Commands
from weft.agent.cni_server import CniServer
from weft.agent.config import AgentConfig
from weft.agent.device.registry import Devices
from weft.agent.figures.collector import HostFigures
from weft.agent.gateway.duty import PERIOD, Gateway
from weft.agent.gateway.liveness import Liveness
from weft.agent.gateway.notices import Notices
from weft.agent.host import HostWiring
from weft.agent.mirror.duty import Mirrors
from weft.agent.monitor import Monitor
from weft.agent.namespaces import Namespaces
from weft.agent.netlink import Netlink
from weft.agent.ovs import LocalOvs
from weft.agent.problems import Problems
from weft.agent.reconciler import Reconciler
from weft.agent.shaping.duty import Shaping
from weft.agent.status import COLUMNS, GATEWAY_HEARTBEAT, StatusWriter
from weft.agent.tunnels import Tunnels
from weft.agent.underlay import Underlay
from weft.agent.view import View
from weft.agent.wiring import Wiring
from weft.health import Health, listen
from weft.log import get_logger
from weft.ovsdb.database import Database
from weft.service import sd_notify

_log = get_logger(__name__)
_SWITCH_INTERVAL = 0.0005
"""Seconds that a busy thread keeps the interpreter from others. Python's own 5 ms are waited for after each system
call of a thread that makes links, a dozen for a pod, while fifty of them come at once."""


class Agent:
    """Everything of one host, joined."""

    def __init__(self, config: AgentConfig) -> None:
        self._config = config
        self._file = config.agent.state_dir / "view.json"
        self.problems = Problems()
        self.view = View(config.name, view.load(self._file))
        self.links = Netlink(workers=1)
        self.ovs = LocalOvs(config.ovs.remote, config.ovs.integration_bridge)
        self.weft = Database(
            "Weft", config.weft.remote, {**view.COLUMNS, "Host_Status": COLUMNS}, tls=config.tls,
            conditions={**view.conditions(config.name), "Host_Status": [["name", "==", config.name]]},
            watch=list(view.COLUMNS), on_change=self.view.apply, on_connection=self._connection,
        )  # fmt: skip
        self.underlay = Underlay(config.tunnels, self.view, self.ovs, self.links)
        self.pods = Netlink()  # threads of their own, so that no pod waits for a duty
        self.wiring = Wiring(self.ovs, self.pods, Devices(config.agent), config.name)
        self.commands = Commands(
            config.name, config.agent, self.view, self.ovs, self.wiring, self.problems, self.underlay
        )
        self.server = CniServer(config.agent.socket, self.commands)
        self.monitor = Monitor(self._kernel_changed, self._link_removed, self._queues_changed)
        self.status_writer = StatusWriter(
            config, self.weft, self.view, self.ovs, self.links, self.problems, self.underlay
        )
        self.packets = Netlink(workers=1)  # nft may take its time on a host with many services
        self.asking = Netlink(workers=1)  # waits for neighbours that do not answer
        self.liveness = Liveness(self.asking, config.agent.egress_probe)
        self.gateway_duty = Gateway(config.name, self.view, self.packets, self.problems, self.liveness)
        self.notices = Notices(self._gateway_changed)
        self.health = Health(self._broken, self._unready, self._doing)
        self.figures = HostFigures(config.name, config.ovs, self.gateway_duty.counted)
        self._unclaimed: set[str] = set()
        self._duties()
        self._connect()

    def _duties(self) -> None:
        host = HostWiring(self.view, self.ovs, self.links, self.problems, self.underlay)
        kept = Namespaces(self._config.agent, self.view, self.ovs, self.links, self.problems)
        shaping = Shaping(self.view, self.ovs, self.links, self.problems)
        mirrors = Mirrors(self._config.mirror, self.view, self.ovs, self.links, self.problems, self.underlay)
        check = self._config.agent.check_period
        self.host = Reconciler("host link", host.reconcile, period=check)
        self.shaping = Reconciler("shaping", shaping.reconcile, period=check)
        self.mirrors = Reconciler("mirrors", mirrors.reconcile, period=check)
        tunnels = Tunnels(self._config.tunnels, self.view, self.ovs, self.links, self.problems, self.underlay)
        self.tunnels = Reconciler("tunnels", tunnels.reconcile, settle=0.3)
        tunnels.again = self.tunnels.poke
        self.namespaces = Reconciler("namespaces", kept.reconcile, settle=0.02, retry=(1, 10))
        self.leftovers = Reconciler("leftovers", self.commands.clean, settle=0.5)
        self.gateway = Reconciler("gateway", self.gateway_duty.reconcile, period=PERIOD, retry=(0.5, 10))
        probe = self._config.agent.egress_probe
        self.egress = Reconciler("egress gateways", self.liveness.reconcile, period=probe or None)
        self.disk = Reconciler("view on disk", self._save, settle=0.5)
        self.status = Reconciler(
            "status", self.status_writer.reconcile, settle=0.2, period=self._config.agent.heartbeat, retry=(1, 10)
        )
        self.beat = Reconciler("heartbeat", self.status_writer.beat, period=GATEWAY_HEARTBEAT, retry=(1, 10))
        self.vitals = Reconciler("vitals", self.status_writer.vitals.reconcile, period=vitals.PERIOD)
        self.duties = (
            self.host, self.tunnels, self.shaping, self.mirrors, self.gateway, self.egress, self.namespaces,
            self.leftovers, self.disk, self.status, self.vitals, self.beat,
        )  # fmt: skip

    def _connect(self) -> None:
        for duty in (self.host, self.tunnels, self.gateway, self.namespaces, self.disk, self.status):
            self.view.on_change(duty.poke)
        for duty in (self.host, self.tunnels, self.namespaces, self.leftovers, self.status):
            self.ovs.on_change(duty.poke)
        for duty in (self.shaping, self.mirrors):
            self.view.on_change(duty.poke)
            self.ovs.on_change(duty.poke)
            self.ovs.on_port(duty.poke)
        self.view.on_change(self._note_unclaimed)
        self.problems.on_change(self.status.poke)
        self.status_writer.vitals.on_change(self.status.poke)
        self.underlay.on_change(self.host.poke)
        self.liveness.on_change(self.gateway.poke)

    async def serve(self) -> None:
        """Run until cancelled. Nothing of what is wired is touched at the end."""
        self._count()
        listen(self._config.agent.metrics, self.health)
        self.monitor.start()
        self.notices.start()
        await self.server.start()
        sd_notify("READY=1", "STATUS=serving CNI requests")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.health.beat())
                group.create_task(self.ovs.start())
                group.create_task(self.weft.start(None))
                for duty in self.duties:
                    group.create_task(duty.run())
                    duty.poke()
        finally:
            await self._close()

    async def _close(self) -> None:
        await self.server.close()
        self.monitor.close()
        self.notices.close()
        if self.view.synced:
            await self._save()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                await asyncio.gather(self.weft.close(), self.ovs.close())
        self.links.close()
        self.pods.close()
        self.packets.close()
        self.asking.close()

    # --- health and metrics: called by threads of the listener ---

    def _count(self) -> None:
        """What is counted when somebody asks."""
        metrics.ports.set_function(lambda: len(self.view.rows.ports))
        metrics.attachments.set_function(lambda: sum(item.ours for item in list(self.ovs.interfaces.values())))
        metrics.problems.set_function(lambda: len(self.problems.current))
        REGISTRY.register(self.figures)

    def _broken(self) -> Iterator[str]:
        for database in (self.weft, self.ovs.database):
            if database.error is not None:
                yield f"database {database.schema_name}: its thread died: {database.error!r}"

    def _unready(self) -> Iterator[str]:
        for database in (self.weft, self.ovs.database):
            yield from database.absence()
        if self.ovs.connected and not self.ovs.ready:
            yield "Open vSwitch: the integration bridge is not there"

    def _doing(self) -> Iterator[str]:
        yield f"serving CNI requests, {len(self.view.rows.ports)} ports, {len(self.problems.current)} problems"

    # --- what wakes what ---

    def _connection(self, connected: bool) -> None:
        _log.info("Weft database", connected=connected, remote=self._config.weft.remote)
        metrics.connected.labels("Weft").set(connected)
        self.view.set_connected(connected)

    def _kernel_changed(self) -> None:
        self.host.poke()
        self.tunnels.poke()
        self.mirrors.poke()
        self.status.poke()
        self._gateway_changed()

    def _gateway_changed(self) -> None:
        self.gateway_duty.notice()
        self.gateway.poke()

    def _queues_changed(self) -> None:
        self.shaping.poke()

    def _link_removed(self, name: str) -> None:
        if name in self.ovs.interfaces:
            self.leftovers.poke()

    def _note_unclaimed(self) -> None:
        """Say of which wired pods the port is gone: they stay as they are until their runtime's DEL."""
        if not self.view.synced:
            return
        unclaimed = wiring.unclaimed(self.ovs.ours(), self.view.rows)
        for port in unclaimed - self._unclaimed:
            _log.info("port is gone from the database, its container stays wired until DEL", port=port)
        self._unclaimed = unclaimed

    async def _save(self) -> None:
        if self.view.synced:
            await asyncio.to_thread(view.save, self._file, self.view.rows)


async def serve(config: AgentConfig) -> None:
    """An agent, until it is stopped."""
    sys.setswitchinterval(_SWITCH_INTERVAL)
    await Agent(config).serve()


def main(arguments: list[str] | None = None) -> None:
    """The program `weft-agent`."""
    service.main("agent", "Weft's agent of a host.", AgentConfig, serve, arguments)


if __name__ == "__main__":
    main()
