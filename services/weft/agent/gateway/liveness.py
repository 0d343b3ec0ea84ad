"""Which egress gateways are dead: those that have not answered several questions in a row.

A dead one's link is often up, so that the kernel would go on sending it its share of the connections. Who has not been
asked yet, or cannot be, is taken for alive; one answer ends a death.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from weft.agent.gateway.neighbours import answering
from weft.agent.gateway.plan import Address
from weft.agent.netlink import Netlink
from weft.log import get_logger

_log = get_logger(__name__)
PATIENCE: Final = 3
"""Questions without answer that make a gateway dead."""
_LONGEST_WAIT: Final = 1.0


class Liveness:
    """Asks those that are watched, once a `reconcile`. `period` is the seconds from one to the next, 0 asks none."""

    def __init__(self, links: Netlink, period: float) -> None:
        self._netlink = links
        self._wait = min(period / 2, _LONGEST_WAIT)
        self._listeners: list[Callable[[], None]] = []
        self._unanswered: dict[Address, int] = {}
        self.dead: frozenset[Address] = frozenset()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` when others are dead than before."""
        self._listeners.append(listener)

    def watch(self, gateways: Iterable[Address]) -> None:
        """These and no others. What is known of those that stay is kept."""
        self._unanswered = {gateway: self._unanswered.get(gateway, 0) for gateway in gateways}
        self.dead &= self._unanswered.keys()

    async def reconcile(self) -> None:
        """One round of questions."""
        if not self._unanswered or not self._wait:
            return
        answered, asked = await self._netlink.run(answering, tuple(self._unanswered), self._wait)
        for gateway, before in self._unanswered.items():
            self._unanswered[gateway] = before + 1 if gateway in asked - answered else 0
        dead = frozenset(gateway for gateway, count in self._unanswered.items() if count >= PATIENCE)
        if dead == self.dead:
            return
        for gateway in sorted(dead ^ self.dead, key=str):
            _log.warning("egress gateway", gateway=gateway, answers=gateway not in dead)
        self.dead = dead
        for listener in self._listeners:
            listener()
