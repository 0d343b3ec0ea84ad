"""The commands `why` and `explain`."""

# ruff: noqa: PLC0415 - loaded when a command runs

from __future__ import annotations

from typing import Annotated

import typer

from weft.ctl.options import Machine, Namespace, Output, run


def why(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="KIND/NAME", help="As Pod/ns1/web, subnet/blue, host/lab1.")],
    namespace: Namespace = "default",
    output: Output = Machine.text,
) -> None:
    """Say what keeps an object from being ready; exit with 1 when something does."""
    from weft.ctl.printing import to_json, write
    from weft.ctl.question import parse_ref
    from weft.ctl.why import answer, read_world

    ref = parse_ref(target, namespace)
    result = answer(ref, run(context, read_world))
    write(*([to_json(result.document())] if output is Machine.json else result.lines()))
    if not result.ready:
        raise typer.Exit(1)


def explain(
    context: typer.Context,
    target: Annotated[list[str], typer.Argument(metavar="UUID | TABLE NAME | KIND/NAME", help="A row, or an object.")],
    namespace: Namespace = "default",
    output: Output = Machine.text,
) -> None:
    """Say which object made a row, or which rows an object owns, and where they are not as they ought to be."""
    from weft.ctl import explain as explaining
    from weft.ctl.printing import to_json, write

    if len(target) > 2:
        raise typer.BadParameter("give a UUID, a table and a name, or KIND/NAME")
    result = run(context, lambda session: explaining.explain(session, target, namespace))
    write(*([to_json(result.document())] if output is Machine.json else result.lines()))
