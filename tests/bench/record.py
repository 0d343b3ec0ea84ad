"""What a benchmark says: a figure beside the ceiling measured in the same run."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Record:
    """One line of `build/bench.json`.

    `ceiling` is what a hand-written program does that only does the unavoidable, in the same unit; `ratio` is ours to
    it, where 1 is as good as the ceiling, whichever way the unit counts. Both are None where there is nothing to
    compare with. `parts` are figures that explain the value, seconds unless their names say otherwise.
    """

    name: str
    value: float
    unit: str
    ceiling: float | None = None
    ratio: float | None = None
    parts: dict[str, float] = field(default_factory=dict)
