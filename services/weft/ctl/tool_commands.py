"""The field's own programs on the right host: `nbctl`, `sbctl`, `vsctl`, `ofctl`, `dpctl`, `appctl`.

What follows is passed on word by word, options too; the exit code is the program's.
"""

# ruff: noqa: PLC0415 - loaded when a command runs

from __future__ import annotations

from typing import Annotated

import typer

from weft.ctl.options import run

RAW = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False}
HostName = Annotated[str, typer.Argument(metavar="HOST", help="A host of the fabric.")]
PANEL = "The field's own programs"
OVN_DAEMONS = ("ovn-controller", "ovn-northd", "ovn-ic")


def add_tools(app: typer.Typer) -> None:
    """All of them."""
    for command in (nbctl, sbctl, icnbctl, icsbctl, vsctl, ofctl, dpctl, appctl):
        app.command(context_settings=RAW, rich_help_panel=PANEL, add_help_option=False)(command)


def nbctl(context: typer.Context) -> None:
    """Run ovn-nbctl on the Northbound."""
    _central(context, "ovn-nbctl", "nb", 0)


def sbctl(context: typer.Context) -> None:
    """Run ovn-sbctl on the Southbound."""
    _central(context, "ovn-sbctl", "sb", 0)


def icnbctl(context: typer.Context) -> None:
    """Run ovn-ic-nbctl on the interconnection's Northbound."""
    _central(context, "ovn-ic-nbctl", "ic", 0)


def icsbctl(context: typer.Context) -> None:
    """Run ovn-ic-sbctl on the interconnection's Southbound."""
    _central(context, "ovn-ic-sbctl", "ic", 1)


def vsctl(context: typer.Context, host: HostName) -> None:
    """Run ovs-vsctl on a host."""
    _there(context, host, ["ovs-vsctl", *context.args])


def ofctl(context: typer.Context, host: HostName) -> None:
    """Run ovs-ofctl on a host."""
    _there(context, host, ["ovs-ofctl", *context.args])


def dpctl(context: typer.Context, host: HostName) -> None:
    """Ask a host's datapath, the kernel's or the userspace one (ovs-dpctl knows the kernel's alone)."""
    if not context.args or context.args[0].startswith("-"):
        raise typer.BadParameter("give a command of ovs-dpctl(8) first, as: show", param_hint="COMMAND")
    _there(context, host, ["ovs-appctl", f"dpctl/{context.args[0]}", *context.args[1:]])


def appctl(context: typer.Context, host: HostName) -> None:
    """Run ovs-appctl on a host; with -t and a daemon of OVN's, ovn-appctl."""
    target = context.args[context.args.index("-t") + 1 :][:1] if "-t" in context.args else []
    program = "ovn-appctl" if target and target[0] in OVN_DAEMONS else "ovs-appctl"
    _there(context, host, [program, *context.args])


def _central(context: typer.Context, program: str, word: str, which: int) -> None:
    from weft.ctl.central.backup import tls_options
    from weft.ctl.central.databases import WORDS, remotes
    from weft.ctl.hosts.run import foreground
    from weft.ctl.options import configuration

    config = configuration(context)
    database = ",".join(remotes(config, WORDS[word][which]))
    raise typer.Exit(foreground([program, f"--db={database}", *tls_options(config.tls), *context.args]))


def _there(context: typer.Context, host: str, words: list[str]) -> None:
    from weft.ctl.hosts.run import find_hosts

    hosts = run(context, find_hosts)
    raise typer.Exit(hosts.foreground(host, words))
