"""The commands `diagnose` and `env-check`."""

# ruff: noqa: PLC0415 - loaded when a command runs

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from weft.ctl.options import Machine, Output, configuration, run

if TYPE_CHECKING:
    from weft.ctl.diagnose.finding import Finding
    from weft.ctl.session import Session

diagnose = typer.Typer(no_args_is_help=True, help="Check hosts, subnets, addresses: what is wrong, why, what to do.")
Problems = Annotated[bool, typer.Option("--problems", "-p", help="Show only what is not well.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="[HOST]...", help="Default: all hosts.")]


@diagnose.command("all")
def everything(context: typer.Context, output: Output = Machine.text, problems: Problems = False) -> None:
    """Check databases, hosts and subnets."""
    from weft.ctl.diagnose.everything import diagnose_all
    from weft.ctl.hosts.run import find_hosts

    async def work(session: Session) -> list[Finding]:
        return await diagnose_all(session, await find_hosts(session))

    _finish(run(context, work), output, problems)


@diagnose.command("node")
def node(
    context: typer.Context, names: Names = None, output: Output = Machine.text, problems: Problems = False
) -> None:
    """Check hosts: services, switch, tunnels, packet filter, and whether they reach each other."""
    from weft.ctl.diagnose.node import diagnose_nodes
    from weft.ctl.hosts.run import find_hosts

    async def work(session: Session) -> list[Finding]:
        return await diagnose_nodes(session, await find_hosts(session), names or ())

    _finish(run(context, work), output, problems)


@diagnose.command("subnet")
def subnet(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A subnet.")],
    output: Output = Machine.text,
    problems: Problems = False,
) -> None:
    """Check a subnet: object, rows, addresses, way out, and pings between workloads of it."""
    from weft.ctl.diagnose.subnet import diagnose_subnet
    from weft.ctl.hosts.run import find_hosts

    async def work(session: Session) -> list[Finding]:
        return await diagnose_subnet(session, await find_hosts(session), name)

    _finish(run(context, work), output, problems)


@diagnose.command("address-port")
@diagnose.command("IPPorts", hidden=True)
def address_port(
    context: typer.Context,
    targets: Annotated[str, typer.Argument(metavar="PROTOCOL-ADDRESS-PORT[,...]", help="As tcp-10.16.0.5-53.")],
    output: Output = Machine.text,
    problems: Problems = False,
) -> None:
    """Try addresses and ports from hosts and from workloads of their VPC."""
    from weft.ctl.diagnose.address_port import diagnose_targets, parse_targets
    from weft.ctl.hosts.run import find_hosts

    wanted = parse_targets(targets)

    async def work(session: Session) -> list[Finding]:
        return await diagnose_targets(session, await find_hosts(session), wanted)

    _finish(run(context, work), output, problems)


def env_check(
    context: typer.Context, names: Names = None, output: Output = Machine.text, problems: Problems = False
) -> None:
    """Check machines before and after installation: modules, ports, MTU, time, names, hugepages, CNI, versions."""
    from weft.ctl.diagnose.environment import check_alike, check_environment
    from weft.ctl.diagnose.look import look_at_all
    from weft.ctl.errors import UsageError
    from weft.ctl.hosts.places import own_names
    from weft.ctl.hosts.run import find_hosts

    async def work(session: Session) -> list[Finding]:
        hosts = await find_hosts(session)
        wanted = [hosts.places.check(name) for name in names or hosts.places.names]
        seen = await look_at_all(hosts, wanted, {})
        return [finding for one in seen for finding in check_environment(one)] + list(check_alike(seen))

    try:
        configuration(context)
    except UsageError:
        if any(name not in own_names() for name in names or ()):
            raise
        _finish(_here(), output, problems)
        return
    _finish(run(context, work), output, problems)


def _here() -> list[Finding]:
    """Check the machine that weftctl runs on alone: nothing is installed here yet that would know of others."""
    import asyncio

    from weft.ctl.config import Config
    from weft.ctl.diagnose.environment import check_environment
    from weft.ctl.diagnose.look import look
    from weft.ctl.hosts.places import Places, own_names
    from weft.ctl.hosts.run import Hosts
    from weft.service import Remote

    name = min(own_names(), default="localhost")
    places = Places(Config(Remote(""), Remote("")), {}, frozenset({name}))
    return check_environment(asyncio.run(look(Hosts(places), name)))


def _finish(findings: Sequence[Finding], output: Machine, problems: bool) -> None:
    from weft.ctl.diagnose.finding import bad
    from weft.ctl.diagnose.screen import show_findings
    from weft.ctl.printing import to_json, write
    from weft.ctl.screen import console_for

    if output is Machine.json:
        write(to_json([finding.document() for finding in findings]))
    else:
        show_findings(findings, console_for(sys.stdout), all_of_them=not problems)
    if bad(findings):
        raise typer.Exit(1)
