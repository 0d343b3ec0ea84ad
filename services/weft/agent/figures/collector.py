"""Asks the host's daemons when Prometheus asks, on the listener's thread, and never keeps the event loop.

A daemon that is away costs its own figures and no others: its `…_up` is then 0. Scrapes wait for each other: ten of
them do not ask a daemon that hangs ten times at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from weft.agent import rpc
from weft.agent.config import OvsConfig
from weft.agent.figures import daemons, datapath, interfaces, kernel, subnets
from weft.agent.figures.family import Figure, Sample, families
from weft.agent.gateway.counters import Counted
from weft.agent.ovn import inspect
from weft.log import get_logger

_log = get_logger(__name__)
FAILED = Figure("kube_ovn_failed_req_count", "Questions to the daemons of this host that had no answer")
FIGURES: Final = (*daemons.FIGURES, *datapath.FIGURES, *interfaces.FIGURES, *subnets.FIGURES, *kernel.FIGURES, FAILED)


class HostFigures(Collector):
    """`name` is the host's, `counted` asks what subnets sent through it. Raises nothing, whatever is away."""

    def __init__(
        self, name: str, config: OvsConfig, counted: Callable[[], Iterable[tuple[str, Counted]]] = tuple
    ) -> None:
        self._name = name
        self._socket = Path(config.remote.removeprefix("unix:"))
        self._ovn = config.ovn_rundir
        self._counted = counted
        self._lock = threading.Lock()
        self._failed = 0

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return families(self._name, FIGURES, ())

    def collect(self) -> Iterable[GaugeMetricFamily]:
        with self._lock:
            parts = (self._files, self._subnets, kernel.kernel)
            samples = [*self._open_vswitch(), *self._controller(), *chain.from_iterable(map(self._part, parts))]
            return families(self._name, FIGURES, [*samples, Sample(FAILED, self._failed)])

    def _open_vswitch(self) -> list[Sample]:
        database = self._part(self._rows)
        vswitchd = self._part(self._datapaths)
        return [*daemons.status(bool(database), bool(vswitchd)), *database, *vswitchd]

    def _rows(self) -> Iterator[Sample]:
        rows = rpc.select(self._socket, "Open_vSwitch", Open_vSwitch=daemons.COLUMNS, Interface=interfaces.COLUMNS)
        for row in rows["Open_vSwitch"]:
            yield from daemons.info(row, self._socket.parent)
        yield from interfaces.interfaces(rows["Interface"])

    def _datapaths(self) -> Iterator[Sample]:
        return datapath.datapaths(partial(rpc.command, rpc.control_socket(self._socket.parent, "ovs-vswitchd")))

    def _controller(self) -> Iterator[Sample]:
        ovn = inspect(self._ovn)
        self._failed += not ovn.version
        return daemons.controller(bool(ovn.version), ovn.connected)

    def _subnets(self) -> Iterator[Sample]:
        return subnets.subnets(self._counted())

    def _files(self) -> Iterator[Sample]:
        vswitch = [(self._socket.parent, daemon) for daemon in ("ovsdb-server", "ovs-vswitchd")]
        return daemons.files([*vswitch, (self._ovn, "ovn-controller")])

    def _part(self, sample: Callable[[], Iterator[Sample]]) -> list[Sample]:
        """All of a part's samples, or none."""
        try:
            return list(sample())
        except Exception as error:  # noqa: BLE001 - a page without some figures is better than none
            self._failed += 1
            _log.debug("no figures", part=sample.__qualname__, error=error)
            return []
