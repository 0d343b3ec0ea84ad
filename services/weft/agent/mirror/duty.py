"""Has the mirrors that pods and the host's configuration ask for, and the device that shows the copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from weft.agent import netlink
from weft.agent.config import MirrorSection
from weft.agent.mirror import rows
from weft.agent.mirror.plan import Mirror, plan
from weft.agent.netlink import Netlink
from weft.agent.ovs import LocalOvs
from weft.agent.problems import Problems
from weft.agent.underlay import Underlay
from weft.agent.view import View

PREFIX: Final = "mirror/"
ALIAS: Final = "mirror of weft"
_ETHERNET: Final = 1500


class Mirrors:
    """The duty. All but the device's state is in Open vSwitch's database, which restores it after a restart."""

    def __init__(
        self, settings: MirrorSection, view: View, ovs: LocalOvs, links: Netlink, problems: Problems, underlay: Underlay
    ) -> None:
        self._settings = settings
        self._view = view
        self._ovs = ovs
        self._netlink = links
        self._problems = problems
        self._underlay = underlay
        self._any = True
        """Whether there may be mirrors of ours: of an earlier agent, in the beginning."""

    async def reconcile(self) -> None:
        """Compare and repair; the device is there a moment after its row, and the kernel's notice comes back here."""
        if not self._ovs.ready:
            return
        made = plan(self._view.rows.ports.values(), self._ovs.ours(), self._settings)
        if made.mirrors or self._any:
            await self._write(made.mirrors)
            await self._raise(made.mirrors)
            self._any = bool(made.mirrors)
        failed = {**made.failed, **self._refused(made.mirrors)}
        for name, text in failed.items():
            self._problems.report(f"{PREFIX}{name}", text)
        self._problems.clear_except(PREFIX, {f"{PREFIX}{name}" for name in failed})

    async def _write(self, mirrors: Sequence[Mirror]) -> None:
        mtu = max(_ETHERNET, await self._underlay.mtu() or 0)
        await self._ovs.database.transact(
            lambda transaction, idl: rows.apply(transaction, idl, self._ovs.bridge, mirrors, mtu)
        )

    async def _raise(self, mirrors: Sequence[Mirror]) -> None:
        for mirror in mirrors:
            if mirror.kind == "internal":
                link = await self._netlink.run(netlink.link, mirror.output)
                if link is not None and not link.up:
                    await self._netlink.run(netlink.raise_quietly, mirror.output, ALIAS)

    def _refused(self, mirrors: Sequence[Mirror]) -> dict[str, str]:
        """What vswitchd says of the ports that copies leave by."""
        outputs = {mirror.output: self._ovs.interfaces.get(mirror.output) for mirror in mirrors}
        return {name: interface.error for name, interface in outputs.items() if interface and interface.error}
