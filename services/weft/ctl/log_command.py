"""The command `log`."""

# ruff: noqa: PLC0415, PLR0913, PLR0917 - loaded when it runs; an option is an argument

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weft.ctl.options import Machine, Output, run

if TYPE_CHECKING:
    from weft.ctl.logs.layers import Choice
    from weft.ctl.session import Session


def log(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[HOST]...", help="Default: all hosts.")] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option("--layer", "-l", metavar="LAYER", help="weft, ovn, databases, ovs, … Repeatable."),
    ] = None,
    since: Annotated[str, typer.Option(metavar="TIME", help="Of journals: as -1h, or 2026-01-31 12:00.")] = "",
    lines: Annotated[int, typer.Option("--lines", min=0, help="At most, of each source.")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on and print what comes.")] = False,
    save: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Into files, with the state of Linux' network.")
    ] = None,
    output: Output = Machine.text,
) -> None:
    """Print, follow or collect the logs of all layers of hosts."""
    from weft.ctl.logs.layers import LAYERS, Choice, problem

    choice = Choice(tuple(layer or LAYERS), since, lines, follow)
    if text := problem(choice):
        raise typer.BadParameter(text)
    if follow and save is not None:
        raise typer.BadParameter("--follow and --save do not go together", param_hint="--save")
    problems = run(context, lambda session: _log(session, names or [], choice, save, output))
    if problems:
        from weft.ctl.printing import complain

        complain(*problems)
        raise typer.Exit(1)


async def _log(session: Session, names: list[str], choice: Choice, folder: Path | None, output: Machine) -> list[str]:
    from weft.ctl.hosts.run import find_hosts
    from weft.ctl.logs import read
    from weft.ctl.printing import to_json, write

    hosts = await find_hosts(session)
    wanted = [hosts.places.check(name) for name in names or hosts.places.names]
    if folder is not None:
        files, problems = await read.save(hosts, wanted, choice, folder)
        write(*([to_json([str(path) for path in files])] if output is Machine.json else map(str, files)))
        return problems

    def say(host: str, layer: str, line: str) -> None:
        if output is Machine.json:
            import json

            write(json.dumps({"host": host, "layer": layer, "line": line}))
        else:
            write(f"{host} {layer:<9} {line}")

    if choice.follow:
        await read.follow(hosts, wanted, choice, say)
        return []
    return await read.show(hosts, wanted, choice, say)
