"""Whether the daemons that carry this host's packets live and answer, asked by their control sockets every few seconds.

Open vSwitch's database tells nothing of a vswitchd that died, and nobody tells of an ovn-controller that did: without
asking, a host would be called ready until the next heartbeat, or for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from weft.agent.netlink import Netlink
from weft.agent.ovn import OvnController, inspect
from weft.agent.rpc import command, control_socket

PERIOD: Final = 5.0


@dataclass(frozen=True, slots=True)
class Vitals:
    """`switch` is what is wrong with ovs-vswitchd, "" for nothing."""

    switch: str
    ovn: OvnController


def look(switch_rundir: Path, ovn_rundir: Path) -> Vitals:
    """Blocks for milliseconds; for seconds where a daemon hangs."""
    return Vitals(_switch(switch_rundir), inspect(ovn_rundir))


def _switch(rundir: Path) -> str:
    try:
        command(control_socket(rundir, "ovs-vswitchd"), "version")
    except (OSError, ValueError, LookupError) as error:
        return f"ovs-vswitchd is not running or does not answer: {error}"
    return ""


class Watch:
    """Tells its listeners when the vitals are others than before."""

    def __init__(self, links: Netlink, switch_rundir: Path, ovn_rundir: Path) -> None:
        self._netlink = links
        self._rundirs = (switch_rundir, ovn_rundir)
        self._listeners: list[Callable[[], None]] = []
        self._last: Vitals | None = None

    def on_change(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    async def look(self) -> Vitals:
        """Now."""
        return await self._netlink.run(look, *self._rundirs)

    async def reconcile(self) -> None:
        """The duty."""
        if (found := await self.look()) != self._last:
            self._last = found
            for listener in self._listeners:
                listener()
