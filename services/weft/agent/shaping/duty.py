"""Has each pod of this host shaped as its port says, and those restored that are not shaped any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from weft.agent.netlink import Netlink
from weft.agent.ovs import Interface, LocalOvs
from weft.agent.problems import Problems
from weft.agent.shaping import links, noop
from weft.agent.shaping.links import Ends
from weft.agent.shaping.plan import DELAYING, from_pod, to_pod
from weft.agent.view import Port, View

PREFIX: Final = "shaping/"


@dataclass(frozen=True, slots=True)
class Plan:
    """Those to shape, those to restore, and by port what cannot be done."""

    shaped: list[Ends] = field(default_factory=list)
    restored: list[Ends] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def plan(ports: Iterable[Port], recorded: Iterable[Interface]) -> Plan:
    """Of the ports that want something, and the interfaces that are there."""
    made, wanted = Plan(), {}
    for port in (port for port in ports if port.shaping):
        if lacking := _lacking(port):
            made.failed[port.name] = lacking
        if port.device_type == "veth" and not lacking:
            wanted[port.name] = to_pod(port.shaping), from_pod(port.shaping)
    for interface in recorded:
        ids = interface.external_ids
        ends = Ends(interface.port, interface.name, ids.get("pod_netns", ""), ids.get("ifname", ""))
        if (chains := wanted.get(interface.port)) is not None:
            made.shaped.append(replace(ends, to_pod=chains[0], from_pod=chains[1]))
        elif noop.is_marked(interface):
            made.restored.append(ends)
    return made


def _lacking(port: Port) -> str:
    """What cannot be had of what a port wants. Where there is no veth pair, the fabric's meters keep the rates."""
    names = sorted(port.shaping)
    if port.device_type == "none":
        why = "another plugin makes the interface"
    elif port.device_type != "veth":
        names, why = (
            sorted(port.shaping.keys() & set(DELAYING)),
            f"an interface of type {port.device_type} has rates only",
        )
    else:
        names = [name for name in names if not _is_number(port.shaping[name])]
        why = "it is no number"
    return f"{', '.join(names)}: no effect on this host: {why}" if names else ""


def _is_number(text: str) -> bool:
    try:
        return float(text) >= 0
    except ValueError:
        return False


class Shaping:
    """The duty. What it did to a port is undone by the port's removal too: the links go with it."""

    def __init__(self, view: View, ovs: LocalOvs, netlink: Netlink, problems: Problems) -> None:
        self._view = view
        self._ovs = ovs
        self._netlink = netlink
        self._problems = problems

    async def reconcile(self) -> None:
        """Marked first and restored last, so that whatever interrupts this is found again."""
        if not self._ovs.ready:
            return
        made = plan(self._view.rows.ports.values(), self._ovs.ours())
        failed = made.failed
        if made.shaped:
            await self._mark(made.shaped, [])
        if made.shaped or made.restored:
            failed = failed | await self._netlink.run(links.apply, [*made.shaped, *made.restored])
        if made.restored:
            await self._mark([], made.restored)
        for port, text in failed.items():
            self._problems.report(f"{PREFIX}{port}", text)
        self._problems.clear_except(PREFIX, {f"{PREFIX}{port}" for port in failed})

    async def _mark(self, shaped: list[Ends], restored: list[Ends]) -> None:
        names = ({ends.host for ends in shaped}, {ends.host for ends in restored})
        await self._ovs.database.transact(lambda transaction, idl: noop.mark(transaction, idl, *names))
