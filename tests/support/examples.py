"""The documents of docs/reference/examples: a valid one of each kind, as it is or with one thing changed."""

from __future__ import annotations

import copy
from typing import Any

import yaml

from tests.support.ovn import ROOT
from weft.api.kinds import KINDS

FOLDER = ROOT / "docs/reference/examples"
OURS = [kind for kind, cls in KINDS.items() if cls.STATUS is not None]
_DOCUMENTS = {path.stem: yaml.safe_load(path.read_text()) for path in FOLDER.glob("*.yml")}


def example(kind: str) -> dict[str, Any]:
    """A copy of the kind's example."""
    document: dict[str, Any] = copy.deepcopy(_DOCUMENTS[kind.lower()])
    return document


class Absent:
    """As a value: take the field out."""


def changed(kind: str, path: str, value: Any) -> dict[str, Any]:
    """The example with one value set, at a path like `spec.acls.0.priority`. What is missing on the way is made."""
    document = example(kind)
    *parents, last = path.split(".")
    here: Any = document
    for part in parents:
        here = here[int(part)] if isinstance(here, list) else here.setdefault(part, {})
    key: Any = int(last) if isinstance(here, list) else last
    if value is Absent:
        del here[key]
    else:
        here[key] = value
    return document
