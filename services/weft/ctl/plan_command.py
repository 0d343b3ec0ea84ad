"""`weftctl plan` with a fabric: reads the documents, asks for the plan, prints it."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from weft.api.base import Resource
from weft.api.core import Node
from weft.api.documents import Kinds
from weft.api.kinds import KINDS, RANK
from weft.api.problem import InvalidError, Problem
from weft.ctl.options import run
from weft.ctl.plan import Wish, as_document, as_text, preview
from weft.ctl.printing import complain, to_json, write
from weft.ctl.sources import load_sources

KNOWN: Kinds = {**KINDS, Node.INFO.kind: Node}


def command(
    context: typer.Context,
    files: Sequence[str],
    without: Sequence[str],
    given: Sequence[str],
    *,
    json: bool,
    exit_code: bool,
) -> None:
    """Exits with 1 when something is refused, with `exit_code` also when anything would change."""
    wanted, unwanted = load_sources(files), load_sources(without)
    wish = Wish(wanted.documents, unwanted.documents) if files or without else None
    world, broken = _world(given) if given else (None, [])
    result = run(context, lambda session: preview(session, wish, world))
    result.problems[:0] = [*broken, *wanted.problems, *unwanted.problems]
    if json:
        write(to_json(as_document(result)))
    else:
        write(*as_text(result))
        complain(*result.problems)
    if result.problems or (exit_code and result):
        raise typer.Exit(1)


def _world(names: Sequence[str]) -> tuple[list[Resource], list[Problem]]:
    """The objects of a Kubernetes API, as the controller takes them from there; what is broken is not in effect."""
    from weft.store.kubernetes import typed  # noqa: PLC0415 - it loads Kubernetes' client

    loaded = load_sources(names, KNOWN)
    found: list[Resource] = []
    for document in sorted(loaded.documents, key=lambda document: RANK.get(document.resource.INFO.kind, len(RANK))):
        try:
            found.append(typed(type(document.resource), dict(document.raw)))
        except InvalidError as error:
            loaded.problems.extend(error.problems)
    return found, loaded.problems
