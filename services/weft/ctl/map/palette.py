"""A colour for each VPC, told apart also by those who see fewer colours (after Okabe and Ito), and by print."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Colour:
    """`line` carries white text; `tint` carries black."""

    line: str
    tint: str


_COLOURS = (
    Colour("#0b5f99", "#eef6fb"),
    Colour("#a8480a", "#fdf3ec"),
    Colour("#0a7357", "#ecf8f4"),
    Colour("#8a3a6c", "#faf0f6"),
    Colour("#5b5bb5", "#f2f2fb"),
    Colour("#7a6200", "#faf7e6"),
    Colour("#2f6f7e", "#edf6f8"),
    Colour("#96333a", "#fbf0f1"),
)
GREY = Colour("#5c6570", "#f5f6f7")


def colour_of(index: int) -> Colour:
    """Of the VPC at this place of the map."""
    return _COLOURS[index % len(_COLOURS)]
