"""`perf between`: figures of the way from one workload or host to another."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from weft.ctl.errors import CtlError, UnreachableError, UsageError
from weft.ctl.hosts.run import Hosts, find_hosts
from weft.ctl.session import Session
from weft.ctl.trace.ends import Atlas, End, families, read_atlas
from weft.ctl.trace.way import read_interfaces

PROGRAM = Path(__file__).with_name("meter.py")
TESTS = 5
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Of messages of one size: round trips in microseconds, megabits a second, the lost part of 1. None: no answer."""

    size: int
    tcp_us: float | None
    tcp_mbit: float
    udp_us: float | None
    udp_mbit: float
    udp_lost: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured, between whom."""

    source: str
    destination: str
    address: str
    figures: Sequence[Figures]

    def document(self) -> dict[str, Any]:
        return asdict(self)


async def measure(
    session: Session, words: tuple[str, str], sizes: Sequence[int], seconds: float, family: int
) -> Measured:
    """Measure from the first to the second. Raises UsageError and CtlError."""
    atlas, hosts = await read_atlas(session), await find_hosts(session)
    source, destination = (atlas.find(word, "default") for word in words)
    for word, end in zip(words, (source, destination), strict=True):
        if not end.port:
            raise UsageError(f"{word}: no workload or host has this address, and a program has to run there")
    address = _address(atlas, source, destination, family)
    inside = [await _netns(hosts, end) for end in (source, destination)]
    async with _server(hosts, destination.host, address, inside[1]) as port:
        asked = {"role": "measure", "address": address, "port": port, "sizes": list(sizes), "seconds": seconds}
        line = _line(asked, inside[0])
        ran = await hosts.run(source.host, line, timeout=len(sizes) * TESTS * (seconds + 6) + PATIENCE)
    if ran.code:
        hint = f"weftctl trace {source.ref} {address} tcp {port}"
        raise CtlError(f"{source.ref} to {destination.ref} {address}: {ran.words}: {hint}")
    return Measured(source.ref, destination.ref, address, [Figures(**row) for row in json.loads(ran.out)])


def _address(atlas: Atlas, source: End, destination: End, family: int) -> str:
    """Between two hosts the network below the tunnels is measured: what the fabric can give at most."""
    both_hosts = source.ref.startswith("Host/") and destination.ref.startswith("Host/")
    encap = next((item for item, host in atlas.encaps.items() if host == destination.host), "")
    if both_hosts and encap and family in (0, ip_address(encap).version):
        return encap
    return destination.address(families(source, destination, family)[0])


async def _netns(hosts: Hosts, end: End) -> str:
    """Where a workload's program has to run; "" for the host itself. Raises CtlError when nobody knows."""
    if end.ref.startswith("Host/"):
        return ""
    found = next((item.netns for item in await read_interfaces(hosts, end.host) if item.port == end.port), "")
    if not found:
        raise CtlError(f"{end.ref}: host {end.host} does not know its network namespace: weftctl why {end.ref}")
    return found


def _line(asked: dict[str, Any], netns: str) -> list[str]:
    return ["python3", "-c", PROGRAM.read_text(encoding="utf-8"), json.dumps({**asked, "netns": netns})]


@contextlib.asynccontextmanager
async def _server(hosts: Hosts, host: str, address: str, netns: str) -> AsyncIterator[int]:
    """The port of a server that lives as long as this."""
    line = hosts.places.command(host, _line({"role": "serve", "address": address}, netns))
    process = await asyncio.create_subprocess_exec(
        *line, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    try:
        first = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        if not first:
            words = (await process.stderr.read()).decode(errors="replace").strip().rpartition("\n")[2]
            raise CtlError(f"host {host}: no server at {address}: {words}")
        yield int(json.loads(first)["port"])
    except TimeoutError:
        raise UnreachableError(f"host {host}: no server within {PATIENCE:g} s") from None
    finally:
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 5)
        if process.returncode is None:
            process.kill()
            await process.wait()
