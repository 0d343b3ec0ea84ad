"""The commands `perf between` and `perf leaders`."""

# ruff: noqa: PLC0415 - loaded when a command runs; an option is an argument

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from weft.ctl.options import Machine, Output, run

if TYPE_CHECKING:
    from weft.ctl.central.status import Status
    from weft.ctl.perf.between import Figures
    from weft.ctl.perf.leaders import Recovery
    from weft.ctl.session import Session

perf = typer.Typer(no_args_is_help=True, help="Measure the fabric: workloads, hosts, databases.")
SIZES = [64, 512, 1024, 4096]
End = Annotated[str, typer.Argument(help="NAMESPACE/NAME of a workload, or host/NAME.")]


@perf.command()
def between(
    context: typer.Context,
    source: End,
    destination: End,
    size: Annotated[
        list[int] | None,
        typer.Option("--size", min=1, max=65000, metavar="BYTES", help="Of messages; default 64, 512, 1024, 4096."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, max=60, help="For each figure of a size.")] = 1.0,
    family: Annotated[int, typer.Option(min=0, max=6, metavar="4|6", help="Default: what both have.")] = 0,
    output: Output = Machine.text,
) -> None:
    """Measure latency, throughput and loss; between two hosts of the network below the tunnels."""
    from weft.ctl.perf.between import measure
    from weft.ctl.printing import columns, to_json, write

    if family not in (0, 4, 6):
        raise typer.BadParameter(f"{family}: allowed are 4 and 6", param_hint="--family")
    ends = (source, destination)
    measured = run(context, lambda session: measure(session, ends, size or SIZES, seconds, family))
    if output is Machine.json:
        write(to_json(measured.document()))
        return
    write(f"{measured.source} to {measured.destination} {measured.address}")
    headings = ["SIZE", "TCP ROUND TRIP", "TCP THROUGHPUT", "UDP ROUND TRIP", "UDP LOST", "UDP THROUGHPUT"]
    write(*columns([headings, *map(_row, measured.figures)]))


def _row(figures: Figures) -> list[str]:
    def time(value: float | None) -> str:
        return "no answer" if value is None else f"{value:.0f} us"

    return [
        str(figures.size), time(figures.tcp_us), f"{figures.tcp_mbit:.1f} Mbit/s", time(figures.udp_us),
        f"{figures.udp_lost * 100:.2f} %", f"{figures.udp_mbit:.1f} Mbit/s",
    ]  # fmt: skip


@perf.command()
def leaders(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="[nb|sb|weft]...", help="Default: all three.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    output: Output = Machine.text,
) -> None:
    """Kill the leader of each database and measure how long nobody leads."""
    from weft.ctl.central.databases import WORDS
    from weft.ctl.central_commands import confirm
    from weft.ctl.hosts.run import find_hosts
    from weft.ctl.perf.leaders import check, measure_recovery
    from weft.ctl.printing import columns, to_json, write

    wanted = words or ["nb", "sb", "weft"]
    if unknown := [word for word in wanted if word not in WORDS]:
        raise typer.BadParameter(f"{unknown[0]}: allowed are nb, sb, weft, ic")
    databases = [database for word in wanted for database in WORDS[word]]

    async def look(session: Session) -> list[Status]:
        hosts = await find_hosts(session)
        return [await check(session, hosts, database) for database in databases]

    async def kill(session: Session) -> list[Recovery]:
        hosts = await find_hosts(session)
        return [await measure_recovery(session, hosts, await check(session, hosts, item)) for item in databases]

    found = run(context, look)
    who = ", ".join(f"{status.database.name} on {status.leader.host}" for status in found if status.leader)
    confirm(f"the servers that lead are killed: {who}; nothing can be written until others lead", yes)
    recovered = run(context, kill)
    if output is Machine.json:
        write(
            to_json(
                [
                    {"database": r.database, "before": r.before, "after": r.after, "seconds": r.seconds}
                    for r in recovered
                ]
            )
        )
    else:
        rows = [[r.database, r.before, r.after, f"{r.seconds:.2f} s"] for r in recovered]
        write(*columns([["DATABASE", "LED BEFORE", "LEADS NOW", "NOBODY LED FOR"], *rows]))
