"""The commands `nb`, `sb`, `weft` and `ic`: status, leader, kick, backup of a central database."""

# ruff: noqa: PLC0415 - loaded when a command runs

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weft.ctl.options import Machine, Output, run

if TYPE_CHECKING:
    from weft.ctl.central.backup import Backup
    from weft.ctl.central.databases import Central
    from weft.ctl.central.status import Status
    from weft.ctl.session import Session

TITLES = {
    "nb": "OVN's Northbound database.",
    "sb": "OVN's Southbound database.",
    "weft": "The fabric's own database.",
    "ic": "The databases of OVN's interconnection.",
}
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Which = Annotated[
    str, typer.Option("--database", metavar="NAME", help="Of ic: OVN_IC_Northbound or OVN_IC_Southbound.")
]


def add_databases(app: typer.Typer) -> None:
    """A group of commands for each database."""
    for word, title in TITLES.items():
        app.add_typer(_group(word), name=word, help=title)


def _group(word: str) -> typer.Typer:
    group = typer.Typer(no_args_is_help=True)

    @group.command()
    def status(context: typer.Context, output: Output = Machine.text) -> None:
        """Print what its members say, who leads and who was heard; exit with 1 when something is wrong."""
        _status(context, word, output)

    @group.command()
    def leader(context: typer.Context, output: Output = Machine.text) -> None:
        """Print who leads: host and remote; exit with 1 when nobody does."""
        _leader(context, word, output)

    @group.command()
    def kick(
        context: typer.Context,
        server: Annotated[str, typer.Argument(help="Its identifier (4 digits), address, or host.")],
        yes: Yes = False,
        database: Which = "",
    ) -> None:
        """Remove a server that is gone for good from the cluster, unless that would end its majority."""
        _kick(context, word, server, yes, database)

    @group.command()
    def backup(
        context: typer.Context,
        target: Annotated[Path, typer.Argument(metavar="[FILE|DIR]", help="Default: this folder.")] = Path(),
        output: Output = Machine.text,
    ) -> None:
        """Write a backup, read it in again and say what is in it."""
        _backup(context, word, target, output)

    return group


async def _read(session: Session, databases: Sequence[Central]) -> list[Status]:
    from weft.ctl.central.status import read_status
    from weft.ctl.hosts.run import find_hosts

    hosts = await find_hosts(session)
    return [await read_status(session, hosts, database) for database in databases]


def _status(context: typer.Context, word: str, output: Machine) -> None:
    from weft.ctl.central.databases import WORDS
    from weft.ctl.central.screen import show_status
    from weft.ctl.printing import to_json, write
    from weft.ctl.screen import console_for

    statuses = run(context, lambda session: _read(session, WORDS[word]))
    if output is Machine.json:
        documents = [status.document() for status in statuses]
        write(to_json(documents if len(documents) > 1 else documents[0]))
    else:
        for status in statuses:
            show_status(status, console_for(sys.stdout))
    if any(status.findings for status in statuses):
        raise typer.Exit(1)


def _leader(context: typer.Context, word: str, output: Machine) -> None:
    from weft.ctl.central.databases import WORDS
    from weft.ctl.printing import columns, to_json, write

    statuses = run(context, lambda session: _read(session, WORDS[word]))
    found = [
        {"database": status.database.name, "host": status.leader.host, "remote": status.leader.member.remote}
        if status.leader is not None
        else {"database": status.database.name, "host": "", "remote": ""}
        for status in statuses
    ]
    if output is Machine.json:
        write(to_json(found if len(found) > 1 else found[0]))
    else:
        write(*columns([[item["database"], item["host"], item["remote"] or "no leader"] for item in found]))
    if not all(item["remote"] for item in found):
        raise typer.Exit(1)


def _kick(context: typer.Context, word: str, name: str, yes: bool, database: str) -> None:
    from weft.ctl.central.kick import choose, consequences, kick

    target = _one(word, database)
    [status] = run(context, lambda session: _read(session, [target]))
    server = choose(status, name)
    confirm(consequences(status, server), yes)

    async def work(session: Session) -> None:
        from weft.ctl.hosts.run import find_hosts

        await kick(session, await find_hosts(session), status, server)

    run(context, work)
    typer.echo(f"{target.name}: server {server.sid} has left the cluster")


def confirm(text: str, yes: bool) -> None:
    """Ask before something is done that cannot be taken back. Without a terminal only `--yes` is an answer."""
    from weft.ctl.errors import CtlError, UsageError

    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{text}: nobody is there to be asked; say --yes")
    if not typer.confirm(f"{text}. Go on?"):
        raise CtlError("nothing was done")


def _one(word: str, database: str) -> Central:
    """The database that is meant: of interconnection there are two."""
    from weft.ctl.central.databases import WORDS

    databases = {item.name: item for item in WORDS[word]}
    if database and database not in databases:
        raise typer.BadParameter(f"{database}: allowed are {', '.join(databases)}", param_hint="--database")
    if not database and len(databases) > 1:
        raise typer.BadParameter(f"which one? {' or '.join(databases)}", param_hint="--database")
    return databases[database or next(iter(databases))]


def _backup(context: typer.Context, word: str, target: Path, output: Machine) -> None:
    from weft.ctl.central.backup import make_backup
    from weft.ctl.central.databases import WORDS
    from weft.ctl.errors import UsageError
    from weft.ctl.printing import to_json, write

    if len(WORDS[word]) > 1 and not target.is_dir():
        raise UsageError(f"{target}: there are two databases of {word}, so give a folder")

    async def work(session: Session) -> list[Backup]:
        return [await make_backup(session, database, target) for database in WORDS[word]]

    made = run(context, work)
    if output is Machine.json:
        documents = [backup.document() for backup in made]
        write(to_json(documents if len(documents) > 1 else documents[0]))
    else:
        write(*(backup.line() for backup in made))
