"""A duty that is done again whenever something it depends on may have changed.

Every feature of the agent is level-triggered: it compares what should be with what is and repairs the difference.
So events need not be understood, only noticed: `poke()`. Pokes that come together cause one run; a run that fails is
repeated with growing delays; and with `period` it also runs when nothing was noticed, since events can be lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from weft.agent import metrics
from weft.log import get_logger

_log = get_logger(__name__)


class Reconciler:
    """Runs `duty` after pokes. `settle` is how long to gather further pokes, all times in seconds."""

    def __init__(
        self,
        name: str,
        duty: Callable[[], Awaitable[None]],
        *,
        settle: float = 0.05,
        period: float | None = None,
        retry: tuple[float, float] = (1.0, 30.0),
    ) -> None:
        self.name = name
        self._duty = duty
        self._settle = settle
        self._period = period
        self._retry = retry
        self._poked = asyncio.Event()

    def poke(self) -> None:
        """Ask for a run; may be called as often as one likes."""
        self._poked.set()

    async def run(self) -> None:
        """Serve pokes until cancelled."""
        delay, wait = self._retry[0], self._period
        while True:
            await self._wait(wait)
            self._poked.clear()
            try:
                await self._duty()
            except Exception as error:  # noqa: BLE001 - whatever it is, the duty is tried again
                metrics.duty_failures.labels(self.name).inc()
                _log.warning("duty failed, will be tried again", duty=self.name, error=error, seconds=delay)
                wait, delay = delay, min(delay * 2, self._retry[1])
            else:
                wait, delay = self._period, self._retry[0]

    async def _wait(self, timeout: float | None) -> None:
        try:
            async with asyncio.timeout(timeout):
                await self._poked.wait()
        except TimeoutError:
            return
        await asyncio.sleep(self._settle)
