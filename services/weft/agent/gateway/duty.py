"""The duty that keeps the host a gateway: packet filter, policy routing and the kernel's switches, as the view says.

It is asked at each change of the view, thus at each pod; so it looks at the kernel only when the rows that concern it
are others, when the kernel has given notice, and now and then.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final

from pyroute2.netlink.exceptions import NetlinkError

from weft.agent import metrics
from weft.agent.gateway import kernel, policy
from weft.agent.gateway.counters import Counted, Counters, read
from weft.agent.gateway.liveness import Liveness
from weft.agent.gateway.nftables import NftError, PacketFilter, forward_policies
from weft.agent.gateway.plan import Address, Egress, Network, Plan, plan
from weft.agent.gateway.template import render
from weft.agent.netlink import Netlink
from weft.agent.problems import Problems
from weft.agent.view import View

PERIOD: Final = 30.0
"""Seconds after which the kernel is looked at without notice."""


class Gateway:
    """See the module's text."""

    def __init__(self, host: str, view: View, links: Netlink, problems: Problems, liveness: Liveness) -> None:
        self._host = host
        self._view = view
        self._netlink = links
        self._problems = problems
        self._liveness = liveness
        self._filter = PacketFilter()
        self._counters = Counters()
        self._counted: Mapping[Network, str] = {}
        self._kept: tuple[object, ...] = ()
        self._routing: policy.Policy | None = None
        self._looked = 0.0

    def counted(self) -> Iterator[tuple[str, Counted]]:
        """What left and entered the fabric by this host, with the subnet's name. Blocks; for any thread."""
        names = self._counted
        return ((names[item.network], item) for item in (read(names) if names else ()))

    def notice(self) -> None:
        """The kernel is not as it was: look at the next run, whatever the rows are."""
        self._kept = ()

    async def reconcile(self) -> None:
        """Make the kernel do what the view says. Nothing is touched before there is a view at all."""
        if self._view.rows.empty and not self._view.synced:
            return
        rows = self._view.rows
        concerned = (
            rows.host, rows.host_addresses, rows.nat_rules, *rows.subnets.values(), self._liveness.dead,
        )  # fmt: skip
        if concerned == self._kept and time.monotonic() < self._looked + PERIOD * 0.9:
            return
        self._kept, self._looked = concerned, time.monotonic()
        wanted = plan(rows, self._host)
        self._liveness.watch({gateway for egress in wanted.egress for gateway in egress.gateways})
        self._tell("gateway/", wanted.faults)
        try:
            try:
                await self._route(wanted)
            finally:  # neither has to wait for the other
                await self._filter_packets(wanted)
        except BaseException:
            self._kept = ()
            raise

    async def _route(self, wanted: Plan) -> None:
        dead = self._liveness.dead
        routing = policy.wanted(wanted.egress, wanted.fabric, dead)
        try:
            changed, faults = await self._netlink.run(policy.keep, routing)
        except (NetlinkError, OSError) as error:
            self._problems.report("policy routing", str(error))
            raise
        self._problems.clear("policy routing")
        if changed:
            reason = "repair" if routing == self._routing else "change"
            metrics.gateway_writes.labels("policy routing", reason).inc(changed)
        self._routing = routing
        self._tell_egress(wanted.egress, faults, dead)
        refused = await self._netlink.run(kernel.keep, wanted)
        self._problems.check("forwarding", "; ".join(refused))

    def _tell_egress(self, egress: Sequence[Egress], faults: Mapping[int, str], dead: Set[Address]) -> None:
        metrics.egress_gateway_up.clear()
        said = {}
        for item in egress:
            for gateway in item.gateways:
                metrics.egress_gateway_up.labels(item.subnet, str(gateway)).set(gateway not in dead)
            texts = [faults.get(item.table, ""), *policy.silence(item.gateways, dead)]
            said[item.subnet] = "; ".join(filter(None, texts))
        self._tell("egress/", {subnet: text for subnet, text in said.items() if text})

    async def _filter_packets(self, wanted: Plan) -> None:
        try:
            text = render(wanted) if self._view.rows.host else None
            await self._netlink.run(self._write_tables, wanted, text)
            chains = await self._netlink.run(forward_policies) if wanted.versions else []
        except (NftError, OSError) as error:
            self._problems.report("packet filter", str(error))
            raise
        self._problems.clear("packet filter")
        self._problems.check(
            "forward policy",
            f"{', '.join(chains)}: drops what it does not accept and has no rule for ovn0: workloads reach nothing "
            "beyond the fabric through this host; accept what comes in and what goes out by ovn0 there"
            if chains
            else None,
        )

    def _write_tables(self, wanted: Plan, text: str | None) -> None:
        """The packet filter is written last, and whatever becomes of the counters."""
        try:
            self._counters.keep(wanted.counted)
            self._counted = wanted.counted
        finally:
            self._filter.keep(text)

    def _tell(self, prefix: str, faults: Mapping[str, str]) -> None:
        for name, text in faults.items():
            self._problems.report(prefix + name, text)
        self._problems.clear_except(prefix, {prefix + name for name in faults})
