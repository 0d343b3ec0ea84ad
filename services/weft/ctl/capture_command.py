"""The command `tcpdump`."""

# ruff: noqa: PLC0415 - loaded when it runs

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from weft.ctl.options import run
from weft.ctl.tool_commands import PANEL, RAW

if TYPE_CHECKING:
    from weft.ctl.hosts.run import Hosts
    from weft.ctl.session import Session

OWN_LINK = "ovn0"
"""The link by which a host itself is on the fabric."""


def add_capture(app: typer.Typer) -> None:
    """The command."""
    app.command(context_settings=RAW, rich_help_panel=PANEL, add_help_option=False)(tcpdump)


def tcpdump(
    context: typer.Context,
    target: Annotated[str, typer.Argument(help="NAMESPACE/NAME of a workload, the name of a port, or host/NAME.")],
) -> None:
    """Run tcpdump on the host's end of a workload's interface, or on ovn0 of a host; what follows is tcpdump's."""
    hosts, host, link = run(context, lambda session: _find(session, target))
    raise typer.Exit(hosts.foreground(host, ["tcpdump", "-l", "-nn", "-i", link, *context.args]))


async def _find(session: Session, target: str) -> tuple[Hosts, str, str]:
    """The host, and its link. Raises UsageError and CtlError."""
    from weft.ctl.errors import CtlError, UsageError
    from weft.ctl.hosts.run import find_hosts
    from weft.ctl.trace.ends import read_atlas
    from weft.ctl.trace.way import read_interfaces

    hosts = await find_hosts(session)
    end = (await read_atlas(session)).find(target, "default")
    if not end.port:
        raise UsageError(f"{target}: no workload or host has this address")
    if end.ref.startswith("Host/"):
        return hosts, end.host, OWN_LINK
    interface = next((item for item in await read_interfaces(hosts, end.host) if item.port == end.port), None)
    if interface is None:
        raise CtlError(f"host {end.host}: Open vSwitch has no interface of port {end.port}: weftctl why {end.ref}")
    if interface.kind.startswith("dpdk"):
        raise CtlError(f"port {end.port} is {interface.kind}: no link that could be listened at; see docs/mirrors.md")
    return hosts, end.host, interface.name
