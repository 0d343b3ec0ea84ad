"""Waiting until ports are bound on the hosts that their endpoints moved to.

The Northbound, and so an endpoint's condition Ready, says only that some chassis has a port, for a moment still the old
one; which it is stands in the Southbound.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from weft.ctl.ask import Select, ask, elements
from weft.ctl.session import Session

PERIOD = 0.2


async def arrivals(session: Session, ports: Mapping[str, str], patience: float) -> dict[str, str]:
    """Until these ports are up on these hosts, or `patience` seconds are over. Port -> where it is instead."""
    deadline = time.monotonic() + patience
    while late := await _late(session, ports):
        if time.monotonic() >= deadline:
            break
        await asyncio.sleep(PERIOD)
    return late


async def _late(session: Session, ports: Mapping[str, str]) -> dict[str, str]:
    if not ports:
        return {}
    columns = ("logical_port", "chassis", "up")
    chassis, *bindings = await ask(
        session,
        "OVN_Southbound",
        Select("Chassis", ("_uuid", "name")),
        *(Select("Port_Binding", columns, (("logical_port", "==", port),)) for port in ports),
    )
    names = {row["_uuid"]: row["name"] for row in chassis}
    where = {
        row["logical_port"]: (names.get("".join(elements(row["chassis"])), ""), True in elements(row["up"]))
        for rows in bindings
        for row in rows
    }
    return {
        port: f"port {port} is {_place(*where[port]) if port in where else 'not in the Southbound'}"
        for port, host in ports.items()
        if where.get(port) != (host, True)
    }


def _place(name: str, up: bool) -> str:
    if not name:
        return "not bound on a host yet"
    return f"still bound on {name}" if up else f"claimed by {name}, its flows are not installed yet"
