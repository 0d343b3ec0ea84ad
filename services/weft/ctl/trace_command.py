"""The command `trace`."""

# ruff: noqa: PLC0415, PLR0913, PLR0917 - loaded when it runs; an option is an argument

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from weft.ctl.options import Machine, Namespace, Output, run

if TYPE_CHECKING:
    from weft.ctl.trace.story import Question

_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")


def trace(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="NAMESPACE/NAME of a workload, host/NAME, or an address.")],
    destination: Annotated[str, typer.Argument(help="The same, or any address.")],
    packet: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MAC] [icmp|tcp|udp|arp] [PORT|request|reply]", help="Default: icmp; port 80."),
    ] = None,
    namespace: Namespace = "default",
    family: Annotated[int, typer.Option(min=0, max=6, metavar="4|6", help="Default: those that both have.")] = 0,
    openflow: Annotated[bool, typer.Option(help="Also by the flows of the hosts.")] = True,
    full: Annotated[bool, typer.Option("--full", help="Also what ovn-trace and ofproto/trace printed.")] = False,
    output: Output = Machine.text,
) -> None:
    """Say what would become of a packet, who decides that, and by which way it goes; exit with 1 when it is lost."""
    from weft.ctl.printing import to_json, write
    from weft.ctl.trace.story import tell

    if family not in (0, 4, 6):
        raise typer.BadParameter(f"{family}: allowed are 4 and 6", param_hint="--family")
    question = question_of(source, destination, packet or (), (namespace, family, openflow))
    stories = run(context, lambda session: tell(session, question))
    if output is Machine.json:
        write(to_json([story.document() for story in stories]))
    else:
        for story in stories:
            write(*story.lines(), *(line for text in story.raw if full for line in ("", text)))
    if not all(story.good for story in stories):
        raise typer.Exit(1)


def question_of(source: str, destination: str, words: Sequence[str], more: tuple[str, int, bool]) -> Question:
    """The words after the two ends, in the order that kubectl-ko has them."""
    from weft.ctl.trace.packet import PROTOCOLS
    from weft.ctl.trace.story import Question

    rest = [word.lower() for word in words]
    mac = rest.pop(0) if rest and _MAC.fullmatch(rest[0]) else ""
    protocol = rest.pop(0) if rest else "icmp"
    if protocol not in PROTOCOLS:
        raise typer.BadParameter(f"{protocol}: allowed are a MAC address, {', '.join(PROTOCOLS)}", param_hint="PACKET")
    port, operation = 80, "request"
    if rest and protocol in ("tcp", "udp") and rest[0].isdigit() and 0 < int(rest[0]) < 65536:
        port = int(rest.pop(0))
    elif rest and protocol == "arp" and rest[0] in ("request", "reply"):
        operation = rest.pop(0)
    if rest:
        allowed = {"arp": "request or reply", "icmp": "nothing"}.get(protocol, "a port from 1 to 65535")
        raise typer.BadParameter(f"{rest[0]}: after {protocol} comes {allowed}", param_hint="PACKET")
    namespace, family, openflow = more
    return Question(source, destination, protocol, port, operation, mac, family, namespace, openflow)
