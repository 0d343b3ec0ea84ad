"""The command `node`."""

# ruff: noqa: PLC0415 - loaded when it runs

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from weft.ctl.options import Machine, Output, run


def node(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A host; without one all, a line each.")] = "",
    output: Output = Machine.text,
) -> None:
    """Print a host's health on one screen, or a line for each host; exit with 1 when one is not ready."""
    from weft.ctl.node_reading import read_node, read_nodes
    from weft.ctl.printing import to_json, write

    now = time.time()
    if name:
        nodes = [run(context, lambda session: read_node(session, name, now))]
    else:
        nodes = run(context, lambda session: read_nodes(session, now))
    if output is Machine.json:
        documents = [node.document() for node in nodes]
        write(to_json(documents[0] if name else documents))
    else:
        from weft.ctl.node_screen import show_node, show_nodes
        from weft.ctl.screen import console_for

        console = console_for(sys.stdout)
        if name:
            show_node(nodes[0], console)
        elif nodes:
            show_nodes(nodes, console)
        else:
            write("no host has reported yet: does weft-agent run anywhere?")
    if not all(node.well for node in nodes):
        raise typer.Exit(1)
