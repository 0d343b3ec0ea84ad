"""Documents that only somebody who knows the other objects can judge: `refused.yml`, read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

FILE = Path(__file__).with_suffix(".yml")
Json = dict[str, Any]


@dataclass(frozen=True)
class Refused:
    """A document to be put, or an object of the world to be deleted, and what is said."""

    name: str
    document: Json
    deletes: bool
    says: tuple[str, ...]


def _read() -> tuple[list[Json], list[Refused]]:
    told = yaml.safe_load(FILE.read_text())
    world: list[Json] = told["world"]
    known = {f"{item['kind']}/{item['metadata']['name']}": item for item in world}
    cases = [
        Refused(case["case"], case.get("put") or known[case["delete"]], "delete" in case, tuple(case["says"]))
        for case in told["cases"]
    ]
    return world, cases


WORLD, REFUSED = _read()
ROWS = [pytest.param(case, id=case.name) for case in REFUSED]
