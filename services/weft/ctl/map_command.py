"""The command `map`."""

# ruff: noqa: PLC0415 - loaded when it runs

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from weft.ctl.options import Files, run

if TYPE_CHECKING:
    from weft.api.problem import Problem
    from weft.ctl.map.model import Map
    from weft.topology.engine import Engine

DRAWN = 8
"""How many subnets of a VPC, and ports of a subnet, a picture has unless told otherwise."""


class Drawing(StrEnum):
    """Ways of drawing."""

    tree = "tree"
    svg = "svg"
    html = "html"
    dot = "dot"
    json = "json"


def draw(
    context: typer.Context,
    filename: Files = None,
    vpc: Annotated[str, typer.Option(metavar="NAME", help="This VPC alone.")] = "",
    namespace: Annotated[str, typer.Option("--namespace", "-n", metavar="NS", help="What this namespace uses.")] = "",
    ports: Annotated[bool, typer.Option("--ports/--no-ports", help="Draw ports, or only count them.")] = True,
    most: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help=f"Subnets of a VPC, ports of a subnet; {DRAWN}, or all with json."),
    ] = None,
    output: Annotated[Drawing, typer.Option("--output", "-o", help="Form of the drawing.")] = Drawing.tree,
) -> None:
    """Draw VPCs, subnets, routes, peerings, gateways and ports: of the fabric, or with -f of documents alone."""
    from weft.ctl.map.model import Choice, make_map
    from weft.ctl.map.read import from_fabric
    from weft.ctl.printing import complain

    engine, problems = _read(filename) if filename else (run(context, from_fabric), ())
    if vpc and vpc not in engine.view.vpcs:
        raise typer.BadParameter(f"{vpc} does not exist; there are {', '.join(sorted(engine.view.vpcs))}")
    if most is None and output is not Drawing.json:
        most = DRAWN
    _print(make_map(engine, Choice(vpc, namespace, ports, most)), output)
    complain(*problems)
    if problems:
        raise typer.Exit(1)


def _read(files: list[str]) -> tuple[Engine, list[Problem]]:
    from weft.ctl.map.read import from_documents

    engine, problems = from_documents(files)
    return engine, [*problems, *(problem for _, found in engine.rejected.values() for problem in found)]


def _print(drawn: Map, output: Drawing) -> None:
    from dataclasses import asdict

    from weft.ctl.map import dot, page, svg, tree
    from weft.ctl.printing import to_json, write
    from weft.ctl.screen import console_for

    match output:
        case Drawing.tree:
            tree.show(drawn, console_for(sys.stdout))
        case Drawing.svg:
            write(svg.to_svg(drawn))
        case Drawing.html:
            write(page.to_html(drawn))
        case Drawing.dot:
            write(dot.to_dot(drawn))
        case Drawing.json:
            write(to_json(asdict(drawn)))
