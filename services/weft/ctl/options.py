"""What all commands have in common: the options that several take, and how a command is run."""
# ruff: noqa: PLC0415 - loaded when a command runs, so that `--help` is quick

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from weft.ctl.config import Config
    from weft.ctl.session import Session

T = TypeVar("T")


class Machine(StrEnum):
    """For a person or for a program."""

    text = "text"
    json = "json"


Files = Annotated[
    list[str] | None,
    typer.Option("--filename", "-f", metavar="FILE|DIR|-", help="Documents: file, folder, standard input. Repeatable."),
]
Namespace = Annotated[str, typer.Option("--namespace", "-n", metavar="NS", help="Namespace of namespaced objects.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Judge and compare, write nothing.")]
Output = Annotated[Machine, typer.Option("--output", "-o", help="Form of the answer.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Until the host has done it.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0, metavar="SECONDS", help="How long to wait.")]


def configuration(context: typer.Context) -> Config:
    """What weftctl.toml says."""
    from weft.ctl.session import read_config

    return read_config(context.find_root().obj[0])


def run(context: typer.Context, work: Callable[[Session], Awaitable[T]]) -> T:
    """Give a session to `work` on an event loop of its own."""
    from weft.ctl.session import Session

    if not os.environ.get("WEFTCTL_DEBUG"):
        logging.disable()  # libraries log what we say in our own words
    session = Session(configuration(context), context.find_root().obj[1])

    async def main() -> T:
        return await work(session)

    return asyncio.run(main())
