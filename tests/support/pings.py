"""Pings of a workload on a lab's or guest's host, while something happens there."""

from __future__ import annotations

import itertools
import signal
from dataclasses import dataclass
from types import TracebackType

from tests.support.hosts import Machine
from tests.support.traffic import INTERVAL, Loss, measure

_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Way:
    """From a workload on a host to an address."""

    host: Machine
    netns: str
    address: str

    def answers(self) -> bool:
        return self.host.run(f"ip netns exec {self.netns} ping -c 1 -W 1 {self.address}", check=False).ok


class Pings:
    """Pings along a way for as long as the block lasts, every 10 ms by default; then `loss` is there."""

    loss: Loss

    def __init__(self, way: Way, interval: float = INTERVAL) -> None:
        self._way = way
        self._interval = interval
        self._pid_file = f"/run/weft-test-ping-{next(_NUMBERS)}"

    def __enter__(self) -> Pings:
        way = self._way
        way.host.run(f"ip netns exec {way.netns} ping -c 3 -i 0.2 -W 2 {way.address}")  # learns the way
        ping = f"ip netns exec {way.netns} ping -D -n -i {self._interval} -W 1 {way.address}"
        # Into a file: a pipe that nobody reads holds the answers of some seconds, and then ping waits.
        self._process = way.host.start(f"echo $$ > {self._pid_file}; exec {ping} > {self._pid_file}.log")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._way.host.run(f"sleep 0.3; kill -{int(signal.SIGINT)} $(cat {self._pid_file}); rm {self._pid_file}")
        self._process.communicate(timeout=20)
        self.loss = measure(self._way.host.run(f"cat {self._pid_file}.log; rm {self._pid_file}.log").stdout)
