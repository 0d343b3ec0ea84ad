"""A flood of pings from a network namespace, and what of it was lost while something happened."""

from __future__ import annotations

import itertools
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from types import TracebackType

INTERVAL = 0.01
ON_ITS_WAY = 1.0
"""Seconds that an answer may take."""


@dataclass(frozen=True)
class Loss:
    """Packets sent and lost, and the longest time in seconds between answers to packets with a lost one in between.

    Without loss that is the pause between two packets: a machine that was busy meanwhile is no outage.
    """

    sent: int
    lost: int
    gap: float
    moments: tuple[float, ...] = ()
    """When the last answer before each loss came, in seconds of the epoch."""


class Traffic:
    """Pings from the namespace at a path to an address for as long as the block lasts; then `loss` is there."""

    def __init__(self, netns: str, address: str, settle: float = 0.5, interval: float = INTERVAL) -> None:
        self._command = [
            "nsenter",
            f"--net={netns}",
            "ping",
            "-D",
            "-n",
            "-i",
            str(interval),
            "-W",
            "1",
            address,
        ]
        self._settle = settle
        self.loss: Loss

    def __enter__(self) -> Traffic:
        subprocess.run([*self._command, "-c", "1", "-w", "5"], check=True, capture_output=True)  # learns the way
        self._ping = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        time.sleep(self._settle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        time.sleep(self._settle)
        self._ping.send_signal(signal.SIGINT)
        output, _ = self._ping.communicate(timeout=10)
        self.loss = measure(output)

    def answered(self) -> bool:
        """Whether a single ping is answered now."""
        return not subprocess.run([*self._command, "-c", "1", "-w", "1"], check=False, capture_output=True).returncode


def measure(output: str) -> Loss:
    """What ping(8) with -D said. What it sent after the last answer counts when that is more than can be on its way."""
    found = re.findall(r"^\[(\d+\.\d+)\] \d+ bytes.*icmp_seq=(\d+)", output, re.MULTILINE)
    answered: dict[int, float] = {}
    for moment, number in found:
        answered.setdefault(int(number), float(moment))
    numbers = sorted(answered)
    around = [(before, after) for before, after in itertools.pairwise(numbers) if after - before > 1]
    gap = max((answered[after] - answered[before] for before, after in around), default=INTERVAL)
    moments = tuple(answered[before] for before, _ in around)
    last = max(numbers, default=0)
    transmitted, seconds = _ended(output)
    if not numbers or (transmitted - last) * seconds > ON_ITS_WAY * transmitted:
        return Loss(transmitted, transmitted - len(numbers), float("inf"), moments)
    return Loss(last, last - len(numbers), gap, moments)


def _ended(output: str) -> tuple[int, float]:
    """How many packets ping sent in the end, in how many seconds."""
    found = re.search(r"^(\d+) packets transmitted.* time (\d+)ms$", output, re.MULTILINE)
    return (int(found[1]), int(found[2]) / 1000) if found else (0, 0.0)
