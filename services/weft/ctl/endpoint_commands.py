"""`weftctl endpoint`: the part of the menu about workloads without Kubernetes."""
# ruff: noqa: PLC0415, PLR0913, PLR0917 - loaded when a command runs; an option is an argument

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weft.ctl.options import DryRun, Machine, Namespace, Output, Timeout, Wait, run

if TYPE_CHECKING:
    from weft.ctl.endpoint import Answer, Endpoint

endpoints = typer.Typer(no_args_is_help=True, help="Workloads without Kubernetes: network namespaces that agents keep.")


@endpoints.command("add")
def endpoint_add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name in its namespace.")],
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="Whose agent keeps it.")],
    namespace: Namespace = "default",
    subnet: Annotated[str, typer.Option(metavar="SUBNET", help="Default: the namespace's.")] = "",
    ip: Annotated[str, typer.Option(metavar="A[,B]", help="Default: chosen by the fabric.")] = "",
    mac: Annotated[str, typer.Option(metavar="MAC", help="Default: follows from the address.")] = "",
    netns: Annotated[str, typer.Option(metavar="NAME", help="Network namespace on the host. Default: NAME.NS.")] = "",
    wait: Wait = True,
    timeout: Timeout = 60.0,
    dry_run: DryRun = False,
    output: Output = Machine.text,
) -> None:
    """Attach a network namespace on a host to a subnet, and keep it so."""
    from weft.ctl.endpoint import Endpoint

    wanted = Endpoint(name, namespace, host, subnet, ip, mac, netns)
    _keep(context, [wanted], wait, timeout, dry_run, output)


@endpoints.command("move")
def endpoint_move(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...")],
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="Whose agent keeps them from now on.")],
    namespace: Namespace = "default",
    wait: Wait = True,
    timeout: Timeout = 60.0,
    dry_run: DryRun = False,
    output: Output = Machine.text,
) -> None:
    """Let another host keep endpoints: addresses, MAC and reservations stay, network namespaces are made anew there."""
    from weft.ctl.endpoint import Endpoint

    wanted = [Endpoint(name, namespace, host) for name in names]
    _keep(context, wanted, wait, timeout, dry_run, output, create=False)


@endpoints.command("delete")
def endpoint_delete(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...")],
    namespace: Namespace = "default",
    ignore_not_found: Annotated[bool, typer.Option(help="What does not exist is no error.")] = False,
    wait: Wait = True,
    timeout: Timeout = 60.0,
    dry_run: DryRun = False,
    output: Output = Machine.text,
) -> None:
    """Detach network namespaces and free their addresses."""
    from weft.ctl.endpoint import Endpoint

    wanted = [Endpoint(name, namespace, state="absent") for name in names]
    _keep(context, wanted, wait, timeout, dry_run, output, ignore_absent=ignore_not_found)


@endpoints.command("apply")
def endpoint_apply(
    context: typer.Context,
    filename: Annotated[
        str, typer.Option("--filename", "-f", metavar="FILE|-", help="A list of endpoints, YAML or JSON.")
    ],
    wait: Wait = True,
    timeout: Timeout = 60.0,
    dry_run: DryRun = False,
    output: Output = Machine.text,
) -> None:
    """Make many endpoints be or not be at once (fields: name, namespace, host, subnet, ip, mac, netns, state)."""
    import yaml

    from weft.ctl.endpoint import parse_endpoints
    from weft.ctl.errors import UsageError

    try:
        text = sys.stdin.read() if filename == "-" else Path(filename).read_text(encoding="utf-8")
        values = yaml.safe_load(text)
    except OSError as error:
        raise UsageError(f"{filename}: cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{filename}: not YAML: {error}") from None
    _keep(context, parse_endpoints(values, filename), wait, timeout, dry_run, output)


def _keep(
    context: typer.Context,
    wanted: Sequence[Endpoint],
    wait: bool,
    timeout: float,
    dry_run: bool,
    output: Machine,
    *,
    ignore_absent: bool = True,
    create: bool = True,
) -> None:
    from weft.ctl.endpoint import keep
    from weft.ctl.printing import complain, to_json, write

    answers = run(
        context,
        lambda session: keep(
            session, wanted, wait=wait, patience=timeout, dry_run=dry_run, ignore_absent=ignore_absent, create=create
        ),
    )
    if output is Machine.json:
        changed = any(answer.result is not None and answer.result.changed for answer in answers)
        write(to_json({"changed": changed, "endpoints": [answer.document() for answer in answers]}))
    else:
        write(*(_endpoint_line(answer, dry_run) for answer in answers if answer.result and not _is_error(answer)))
        complain(*(f"{answer.endpoint.ref}: {answer.error}" for answer in answers if answer.error))
    if any(answer.error for answer in answers):
        raise typer.Exit(1)


def _is_error(answer: Answer) -> bool:
    return bool(answer.error) and answer.result is not None and answer.result.action == "absent"


def _endpoint_line(answer: Answer, dry_run: bool) -> str:
    assert answer.result is not None
    words = [f"endpoint/{answer.endpoint.namespace}/{answer.endpoint.name}", answer.action]
    if answer.ready and not answer.error and answer.endpoint.state == "present" and not dry_run:
        addresses = ",".join(answer.addresses)
        words += [f"ready on {answer.host}", f"subnet {answer.subnet}", addresses, f"netns {answer.netns}"]
    return " ".join([*words, *(["(dry run)"] if dry_run else [])])


@endpoints.command("wait")
def endpoint_wait(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Default: all.")] = None,
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", metavar="NS", help="Default: all, and with NAME default.")
    ] = "",
    timeout: Timeout = 60.0,
) -> None:
    """Wait until endpoints are ready; say why those are not that are not in time."""
    from weft.ctl.endpoint import wait_for
    from weft.ctl.printing import complain, write

    ready, problems = run(context, lambda session: wait_for(session, names or [], namespace, timeout))
    write(f"{len(ready)} endpoints ready")
    complain(*problems)
    if problems:
        raise typer.Exit(1)


@endpoints.command("list")
def endpoint_list(
    context: typer.Context,
    namespace: Annotated[str, typer.Option("--namespace", "-n", metavar="NS", help="Default: all.")] = "",
    output: Output = Machine.text,
) -> None:
    """Print all endpoints."""
    from weft.ctl.endpoint import list_endpoints
    from weft.ctl.printing import columns, to_json, write

    answers = run(context, lambda session: list_endpoints(session, namespace))
    if output is Machine.json:
        write(to_json([answer.document() for answer in answers]))
        return
    rows = [("NAMESPACE", "NAME", "HOST", "SUBNET", "ADDRESSES", "MAC", "NETNS", "READY")]
    rows += [
        (a.endpoint.namespace, a.endpoint.name, a.host, a.subnet, ",".join(a.addresses), a.mac, a.netns, str(a.ready))
        for a in answers
    ]
    write(*(columns(rows) if answers else ["no endpoints found"]))
