"""All kinds, found by the words that users write."""

from __future__ import annotations

from weft.api.base import Resource
from weft.api.core import Namespace, Pod
from weft.api.ip import IP
from weft.api.problem import InvalidError, Problem
from weft.api.subnet import Subnet
from weft.api.vpc import Vpc

KINDS: dict[str, type[Resource]] = {cls.INFO.kind: cls for cls in (Namespace, Vpc, Subnet, IP, Pod)}
"""By kind, in the order in which objects depend on each other."""


def find_kind(word: str) -> type[Resource]:
    """A kind by its name, plural or short name, in any case. Raises InvalidError."""
    wanted = word.lower()
    for cls in KINDS.values():
        if wanted in (cls.INFO.kind.lower(), cls.INFO.plural, *cls.INFO.short_names):
            return cls
    raise InvalidError([Problem("", "kind", f"{word!r} is not known; allowed: {', '.join(KINDS)}")])
