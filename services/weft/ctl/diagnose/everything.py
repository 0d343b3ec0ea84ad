"""`diagnose all`: databases, hosts, subnets."""

from __future__ import annotations

from weft.ctl.central.databases import NORTHBOUND, SOUTHBOUND, WEFT
from weft.ctl.central.status import read_status
from weft.ctl.diagnose.finding import Finding, State, well
from weft.ctl.diagnose.node import diagnose_nodes
from weft.ctl.diagnose.subnet import check_subnet
from weft.ctl.errors import CtlError
from weft.ctl.hosts.run import Hosts
from weft.ctl.session import Session
from weft.ctl.trace.ends import read_atlas


async def diagnose_all(session: Session, hosts: Hosts) -> list[Finding]:
    """Everything but pings between workloads. What a database that is away would tell is missing, and said."""
    found = await diagnose_databases(session, hosts)
    try:
        found += await diagnose_nodes(session, hosts)
        atlas = await read_atlas(session)
        for name in sorted(atlas.nets):
            found += await check_subnet(session, atlas, name)
    except CtlError as error:
        advice = "weftctl nb status, weftctl sb status, weftctl weft status"
        found.append(Finding("fabric", "databases", State.unknown, "not asked", error.lines[0], advice))
    return found


async def diagnose_databases(session: Session, hosts: Hosts) -> list[Finding]:
    """The central databases."""
    found: list[Finding] = []
    for word, database in (("nb", NORTHBOUND), ("sb", SOUTHBOUND), ("weft", WEFT)):
        try:
            status = await read_status(session, hosts, database)
        except CtlError as error:
            found.append(Finding(database.name, "members", State.unknown, "not asked", error.lines[0]))
            continue
        advice = f"weftctl {word} status; its service on that host"
        found += [Finding(database.name, "members", State.failed, text, text, advice) for text in status.findings]
        if not status.findings:
            found.append(well(database.name, "members", f"{len(status.seen)}, one leads"))
    return found
