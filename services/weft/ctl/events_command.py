"""The command `events`."""

# ruff: noqa: PLC0415 - loaded when it runs

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from weft.ctl.options import Machine, Output, run

if TYPE_CHECKING:
    from weft.ctl.events import Content, Event, Limits, Look
    from weft.ctl.session import Session


def events(
    context: typer.Context,
    interval: Annotated[float, typer.Option(min=0.2, metavar="SECONDS", help="Between two looks at the fabric.")] = 5,
    hold: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="For which a condition must have held.")] = 10,
    free: Annotated[
        float, typer.Option(min=0, max=100, metavar="PERCENT", help="Of addresses left, at which these are few.")
    ] = 10,
    certificate_days: Annotated[
        float, typer.Option(min=0, metavar="DAYS", help="Before a certificate's end, from when on it is told.")
    ] = 14,
    output: Output = Machine.text,
) -> None:
    """Tell what happens to the fabric until interrupted: members, hosts, gateways, addresses, certificates, alarms."""
    from weft.ctl.events import Limits

    limits = Limits(hold, free, certificate_days)
    run(context, lambda session: _follow(session, limits, interval, as_json=output is Machine.json))


async def _follow(session: Session, limits: Limits, interval: float, *, as_json: bool) -> None:
    import asyncio
    import time

    from weft.ctl.events import WATCHING, Stream

    stream = Stream(limits)
    seen = await _look(session)
    _tell(WATCHING, time.time(), as_json=as_json)
    while True:
        now = time.time()
        for event in stream.news(seen, now):
            _tell(event, now, as_json=as_json)
        await asyncio.sleep(interval)
        seen = await _look(session)


async def _look(session: Session) -> Look:
    """Each look has connections of its own: none that may hang, none to a member that has lost its cluster."""
    import asyncio

    from weft.ctl.events import Look
    from weft.ctl.status import ask_databases

    return Look(*await asyncio.gather(ask_databases(session), _content(session)))


async def _content(session: Session) -> Content | None:
    from weft.ctl.errors import UnreachableError
    from weft.ctl.events import Content
    from weft.ctl.session import read_records, read_rows

    kinds = {"Object": [["kind", "==", kind] for kind in ("Subnet", "IPPool")]}
    try:
        async with session.weft((*kinds, "Fabric", "Host_Status"), conditions=kinds, any_member=True) as weft:
            fabric = next(iter(await read_rows(weft, "Fabric")), {})
            hosts = await read_rows(weft, "Host_Status")
            return Content(fabric, hosts, list((await read_records(weft)).values()))
    except UnreachableError:
        return None


def _tell(event: Event, now: float, *, as_json: bool) -> None:
    import json

    document = event.document(now)
    if as_json:
        text = json.dumps(document)
    else:
        text = f"{document['time']} {event.type} {event.state}: {event.about}: {event.message}"
    print(text, flush=True)  # whoever reads is to know at once
