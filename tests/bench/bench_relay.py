"""`relay_write`: how long a host's write of its status takes through a relay; the ceiling is the database itself.

With 10,000 ports in the Weft database. `parts` has what the relay and the database take in memory, in MiB, and how long
it takes until a relay that has just started has everything.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.process import memory
from tests.bench.record import Record
from tests.support.agent import eventually
from tests.support.caller import RefusedError
from tests.support.collection import alias
from tests.support.ovn import Daemon, OvnSandbox

if TYPE_CHECKING:
    from tests.support.access import Central

NAMES = ("relay_write",)
PORTS = 10_000
BATCH = 1_000
WRITES = 300
DIRECT, ALL, RELAY = 6645, 16645, 7645


def _fill(central: Central) -> None:
    caller = central.caller(ALL, central.controller)
    for first in range(0, PORTS, BATCH):
        rows = (
            {"name": f"p{n}.default", "host": f"h{n % 500}", "device_type": "veth", "subnet": "ovn-default",
             "mac": f"0a:00:00:00:{n >> 8:02x}:{n & 255:02x}", "addresses": f"10.16.{n >> 8}.{n & 255}"}
            for n in range(first, first + BATCH)
        )  # fmt: skip
        caller.transact("Weft", *({"op": "insert", "table": "Port", "row": row} for row in rows))
    caller.transact("Weft", {"op": "insert", "table": "Host_Status", "row": {"name": "h1"}})
    caller.close()


def _write(central: Central, port: int) -> float:
    """Milliseconds, the median."""
    caller = central.caller(port)
    taken = []
    for number in range(WRITES):
        where, row = [["name", "==", "h1"]], {"last_seen": number}
        begun = time.perf_counter()
        caller.transact("Weft", {"op": "update", "table": "Host_Status", "where": where, "row": row})
        taken.append((time.perf_counter() - begun) * 1000)
    caller.close()
    return statistics.median(taken)


def _memory(daemon: Daemon) -> float:
    assert daemon.pid is not None
    return memory(daemon.pid)


def _ports(central: Central, port: int) -> int:
    caller = central.caller(port)
    try:
        select = {"op": "select", "table": "Port", "where": [], "columns": ["name"]}
        return len(caller.transact("Weft", select)[0]["rows"])
    except RefusedError:  # it has not yet heard from the database
        return 0
    finally:
        caller.close()


def _measure() -> Record:
    from tests.support.access import Central

    with OvnSandbox() as ovn, tempfile.TemporaryDirectory() as folder:
        central = Central(ovn, Path(folder))
        central.start()
        _fill(central)
        begun = time.perf_counter()
        relay = central.start_relay("Weft", RELAY)
        eventually(lambda: _ports(central, RELAY) == PORTS, "the relay has everything", 60)
        parts = {"filled": time.perf_counter() - begun}
        parts |= {"relay_mib": _memory(relay), "database_mib": _memory(central.databases["Weft"])}
        direct, value = _write(central, DIRECT), _write(central, RELAY)
    return Record("relay_write", value, "ms", direct, direct / value, parts)


async def run(names: list[str]) -> list[Record]:
    """The record, if it is among the names."""
    alias()
    return [await asyncio.to_thread(_measure)] if names else []
