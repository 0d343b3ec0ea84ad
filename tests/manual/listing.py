"""The table of docs/manual.md: each document with its section, and what of it has an effect. From the files alone.

python -m tests.manual.listing      # writes it anew
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.manual.world import FILES, ManualFile
from tests.support.ovn import ROOT

PAGE = ROOT / "docs/manual.md"
_HEAD = "| Section | Document | What it is | Effect |\n|---|---|---|---|\n"
_PENDING = re.compile(r"NotYetInEffect: .*: (.*)$", re.MULTILINE)
_REFUSED = re.compile(r"False Invalid: (.*)$", re.MULTILINE)


def table() -> str:
    """Rows in the order of the manual."""
    return _HEAD + "".join(map(_row, sorted(FILES, key=_place)))


def _place(file: ManualFile) -> tuple[list[int], int, str]:
    """In a section, first what the others build on."""
    return [int(part) for part in _section(file.path).split(".")], len(file.given), file.path.name


def _section(path: Path) -> str:
    return path.name.partition("-")[0]


def _row(file: ManualFile) -> str:
    about = " ".join(line for line in file.comments if not line.startswith(("Given: ", "Lacks: ")))
    link = f"[{file.path.stem.partition('-')[2]}](../tests/manual/{file.path.name})"
    return f"| {_section(file.path)} | {link} | {about} | {_effect(file)} |\n"


def _effect(file: ManualFile) -> str:
    golden = file.golden.read_text() if file.golden.exists() else ""
    if refused := _REFUSED.findall(golden):
        return f"refused: {'; '.join(refused)}"
    lacking = [name.strip().removeprefix("spec.") for found in _PENDING.findall(golden) for name in found.split(",")]
    lacking = [f"`{name}`" for name in dict.fromkeys(lacking)]
    lacking += [line.removeprefix("Lacks: ") for line in file.comments if line.startswith("Lacks: ")]
    return f"without {', '.join(lacking)}" if lacking else "whole"


def written() -> str:
    """The table that the page has."""
    text = PAGE.read_text()
    start = text.index(_HEAD)
    return text[start:].partition("\n\n")[0].rstrip("\n") + "\n"


def main() -> None:
    PAGE.write_text(PAGE.read_text().replace(written(), table()))


if __name__ == "__main__":
    main()
