"""The menu. Nothing is loaded here that `weftctl --help` does not need: each command loads its own module."""

# ruff: noqa: PLC0415, PLR0913, PLR0917 - loaded when a command runs; an option is an argument

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from weft.ctl.capture_command import add_capture
from weft.ctl.central_commands import add_databases
from weft.ctl.diagnose_commands import diagnose, env_check
from weft.ctl.endpoint_commands import endpoints
from weft.ctl.events_command import events
from weft.ctl.log_command import log
from weft.ctl.map_command import draw
from weft.ctl.node_command import node
from weft.ctl.options import DryRun, Files, Machine, Namespace, Output, Timeout, run
from weft.ctl.perf_commands import perf
from weft.ctl.question_commands import explain, why
from weft.ctl.tool_commands import add_tools
from weft.ctl.trace_command import trace

if TYPE_CHECKING:
    from weft.ctl.apply import Applied
    from weft.ctl.show import Selection

app = typer.Typer(
    name="weftctl",
    help="Say to the Weft fabric what it should be, and ask what it is.",
    epilog="Exit codes: 0 done, 1 refused, failed, found wrong, 2 wrong usage, 3 a database or host cannot be reached.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(endpoints, name="endpoint")
app.command()(node)
app.command()(events)
app.command()(why)
app.command()(explain)
app.command("map")(draw)
app.command()(trace)
app.add_typer(diagnose, name="diagnose")
app.command("env-check")(env_check)
app.command()(log)
app.add_typer(perf, name="perf")
add_databases(app)
add_tools(app)
add_capture(app)


class Format(StrEnum):
    """What `get` may print."""

    table = "table"
    wide = "wide"
    yaml = "yaml"
    json = "json"
    name = "name"


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(version("weft"))
        except PackageNotFoundError:
            typer.echo("unknown: not installed as a package")
        raise typer.Exit


@app.callback()
def configure(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", envvar="WEFTCTL_CONFIG", metavar="FILE", help="Default: /etc/weft/weftctl.toml."),
    ] = None,
    connect_timeout: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="How long to try to reach a database.")
    ] = 10.0,
    version: Annotated[  # noqa: ARG001 - its callback does it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which it is.")
    ] = False,
) -> None:
    """Take the options that all commands have."""
    context.obj = (None if config is None else str(config), connect_timeout)


def _need_files(files: Sequence[str] | None) -> Sequence[str]:
    if not files:
        raise typer.BadParameter("give at least one file, folder, or - for standard input", param_hint="-f")
    return files


# -- documents --------------------------------------------------------------------------------------------------------


@app.command()
def apply(
    context: typer.Context,
    filename: Files = None,
    dry_run: DryRun = False,
    output: Output = Machine.text,
    wait: Annotated[bool, typer.Option("--wait", help="Until pods that have a host are ready.")] = False,
    timeout: Timeout = 60.0,
) -> None:
    """Create objects or change them to what documents say. A broken document does not hold up the others."""
    from weft.ctl.apply import apply_documents
    from weft.ctl.sources import load_sources

    loaded = load_sources(_need_files(filename))
    patience = timeout if wait else None
    applied = run(
        context, lambda session: apply_documents(session, loaded.documents, dry_run=dry_run, patience=patience)
    )
    applied.problems[:0] = loaded.problems
    _finish(applied, output, dry_run)


@app.command()
def delete(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="A kind, plural or short name.")] = "",
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Which objects of the kind.")] = None,
    filename: Files = None,
    namespace: Namespace = "default",
    ignore_not_found: Annotated[bool, typer.Option(help="What does not exist is no error.")] = False,
    dry_run: DryRun = False,
    output: Output = Machine.text,
) -> None:
    """Delete objects by name, or those that documents name. What others still use stays."""
    from weft.ctl.apply import delete_objects

    refs, problems = _refs_to_delete(kind, names or [], filename or [], namespace)
    applied = run(
        context, lambda session: delete_objects(session, refs, ignore_absent=ignore_not_found, dry_run=dry_run)
    )
    applied.problems[:0] = problems
    _finish(applied, output, dry_run)


def _refs_to_delete(
    kind: str, names: Sequence[str], files: Sequence[str], namespace: str
) -> tuple[list[str], list[Any]]:
    from weft.api.base import object_ref
    from weft.ctl.sources import load_sources

    if bool(files) == bool(kind):
        raise typer.BadParameter("give KIND and NAME, or documents with -f")
    if files:
        loaded = load_sources(files)
        return [document.resource.ref for document in loaded.documents], list(loaded.problems)
    if not names:
        raise typer.BadParameter("which one? give at least one NAME", param_hint="NAME")
    return [object_ref(_find_kind(kind).INFO, namespace, name) for name in names], []


def _find_kind(word: str) -> Any:
    from weft.api.kinds import find_kind
    from weft.api.problem import InvalidError

    try:
        return find_kind(word)
    except InvalidError as error:
        raise typer.BadParameter(str(error), param_hint="KIND") from None


def _finish(applied: Applied, output: Machine, dry_run: bool) -> None:
    from weft.ctl.printing import complain, to_json, write

    if output is Machine.json:
        results = [{"object": r.ref, "action": r.action, "before": r.before, "after": r.after} for r in applied.results]
        problems = [str(problem) for problem in applied.problems]
        changed = any(result.changed for result in applied.results)
        write(to_json({"changed": changed, "results": results, "problems": problems}))
    else:
        suffix = " (dry run)" if dry_run else ""
        write(*(f"{result.shown} {result.action}{suffix}" for result in applied.results if result.action != "absent"))
        complain(*applied.problems)
    if applied.problems:
        raise typer.Exit(1)


@app.command()
def get(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="A kind, plural or short name.")],
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")] = None,
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", metavar="NS", help="Default: default, and all with -A.")
    ] = "default",
    all_namespaces: Annotated[bool, typer.Option("--all-namespaces", "-A", help="Objects of all namespaces.")] = False,
    output: Annotated[Format, typer.Option("--output", "-o", help="Form of the answer.")] = Format.table,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on and print what changes.")] = False,
) -> None:
    """Print objects."""
    from weft.ctl import show

    selection = _selection(kind, names, namespace, all_namespaces)
    if watch:
        run(context, lambda session: show.watch(session, selection, output))
    else:
        run(context, lambda session: show.get(session, selection, output))


@app.command()
def describe(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="A kind, plural or short name.")],
    name: Annotated[str, typer.Argument(help="Which one.")],
    namespace: Namespace = "default",
) -> None:
    """Print one object in full, with what its conditions say."""
    from weft.ctl import show

    selection = _selection(kind, [name], namespace, all_namespaces=False)
    run(context, lambda session: show.describe(session, selection))


def _selection(kind: str, names: Sequence[str] | None, namespace: str, all_namespaces: bool) -> Selection:
    from weft.ctl.show import Selection

    return Selection(_find_kind(kind), tuple(names or ()), "" if all_namespaces else namespace)


# -- the fabric -------------------------------------------------------------------------------------------------------


@app.command()
def plan(
    context: typer.Context,
    filename: Files = None,
    output: Output = Machine.text,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 when anything would change.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no fabric: what the rules say, and no rows.")] = False,
    given: Annotated[
        list[str] | None,
        typer.Option("--given", metavar="FILE|DIR|-", help="All objects there are, when not the fabric's. Repeatable."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="FILE|DIR|-", help="Documents of objects to be deleted. Repeatable."),
    ] = None,
    deletion: Annotated[bool, typer.Option("--delete", help="Offline: the documents are to be deleted.")] = False,
    service_cidr: Annotated[
        list[str] | None,
        typer.Option("--service-cidr", metavar="CIDR", help="Offline: of Kubernetes' services. Repeatable."),
    ] = None,
) -> None:
    """Print what the databases would get from documents; without any, what differs now. Writes nothing."""
    if offline:
        from weft.ctl.offline import command

        if without:
            raise typer.BadParameter("--offline has --delete for that", param_hint="--without")
        command(_need_files(filename), given or (), service_cidr, delete=deletion, json=output is Machine.json)
        return
    if deletion or service_cidr:
        raise typer.BadParameter("--delete and --service-cidr go with --offline", param_hint="--offline")
    from weft.ctl import plan_command

    json = output is Machine.json
    plan_command.command(context, filename or (), without or (), given or (), json=json, exit_code=exit_code)


@app.command()
def status(
    context: typer.Context,
    output: Output = Machine.text,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 unless all is well.")] = False,
) -> None:
    """Print on one screen what is well and what is not: fabric, alarms, objects, hosts, databases."""
    from weft.ctl.printing import to_json, write
    from weft.ctl.status import gather

    report = run(context, gather)
    if output is Machine.json:
        write(to_json(report.document()))
    else:
        from weft.ctl.screen import console_for, show

        show(report, console_for(sys.stdout))
    if report.unreachable:
        raise typer.Exit(3)
    if exit_code and not report.healthy:
        raise typer.Exit(1)


@app.command()
def pause(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why: `weftctl status` shows it to others.")] = "",
) -> None:
    """Let the controller commit nothing until `weftctl resume`. Workloads that run go on running."""
    from weft.ctl.fabric import set_paused

    typer.echo(run(context, lambda session: set_paused(session, True, reason)))


@app.command()
def resume(context: typer.Context) -> None:
    """Let the controller go on."""
    from weft.ctl.fabric import set_paused

    typer.echo(run(context, lambda session: set_paused(session, False)))


@app.command()
def approve(
    context: typer.Context, digest: Annotated[str, typer.Argument(help="From the alarm: see `weftctl status`.")]
) -> None:
    """Let deletions go that the controller holds since they are many and nobody was seen to ask for them."""
    from weft.ctl.fabric import approve as approve_digest

    typer.echo(run(context, lambda session: approve_digest(session, digest)))


# -- the way in and out -----------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code. A user sees words, never a traceback (but for WEFTCTL_DEBUG=1)."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name=_called())
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("WEFTCTL_DEBUG"):
            raise
        sys.exit(_explain(error))


def _called() -> str:
    """As what: kubectl runs its plugins by the name of their file."""
    return "kubectl weft" if Path(sys.argv[0]).name == "kubectl-weft" else "weftctl"


def _explain(error: Exception) -> int:
    from weft.ctl.errors import UNREACHABLE, CtlError
    from weft.ctl.printing import complain
    from weft.ovsdb.errors import CommitError, NotConnectedError

    match error:
        case CtlError():
            complain(*error.lines)
            return error.code
        case NotConnectedError():
            complain(error)
            return UNREACHABLE
        case CommitError():
            complain(error)
        case _:
            complain(f"weftctl itself failed: {type(error).__name__}: {error} (WEFTCTL_DEBUG=1 shows where)")
    return 1


if __name__ == "__main__":
    main()
