"""Words of OVN's expressions: names, numbers with or without a mask, texts, sets, operators."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import Literal

Kind = Literal["name", "number", "text", "addresses", "ports", "operator", "end"]
Format = Literal["decimal", "hexadecimal", "Ethernet", "IPv4", "IPv6"]

_NUMBER = r"[0-9A-Za-z:]*(?:\.(?!\.)[0-9A-Za-z]*)*"
_TOKEN = re.compile(
    rf"""
    (?P<number>   (?=[0-9]|::|[0-9A-Fa-f]+:) {_NUMBER} (?:/{_NUMBER})? )
  | (?P<name>     [A-Za-z_][A-Za-z0-9_.]* )
  | (?P<addresses>\$[A-Za-z_.][A-Za-z0-9_.]* )
  | (?P<ports>    @[A-Za-z_.][A-Za-z0-9_.]* )
  | (?P<text>     "(?:[^"\\]|\\.)*" )
  | (?P<operator> == | != | <= | >= | && | \|\| | \.\. | [(){{}}\[\]<>!,=] )
    """,
    re.VERBOSE | re.DOTALL,
)
_BETWEEN = re.compile(r"(?:[ \t\n\r\v\f]|/\*[^\n]*?\*/)*")
_ETHERNET = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")
_PREFIXES: dict[Format, int] = {"IPv4": 32, "IPv6": 128}
_WIDTHS: dict[Format, int] = {"Ethernet": 48, **_PREFIXES}


class ExpressionError(ValueError):
    """What is wrong, and where: a word, and the number of its first character."""

    def __init__(self, found: str, position: int, problem: str) -> None:
        shown = repr(found) if found else "the end"
        super().__init__(f"{shown} at {position + 1} {problem}")


@dataclass(frozen=True, slots=True)
class Number:
    """A constant. OVN asks for the width of a masked one by its mask alone."""

    format: Format
    value: int
    mask: int | None = None

    @property
    def width(self) -> int:
        """Bits that a field must have for it."""
        if self.mask is not None:
            return self.mask.bit_length()
        return _WIDTHS.get(self.format, self.value.bit_length())


@dataclass(frozen=True, slots=True)
class Token:
    """A word, where it stands, and its value if it is a number."""

    kind: Kind
    text: str
    position: int
    number: Number | None = None

    def error(self, problem: str) -> ExpressionError:
        """The word is to blame."""
        return ExpressionError(self.text, self.position, problem)


def tokens(expression: str) -> Iterator[Token]:
    """All words, and an empty one for the end. Raises ExpressionError."""
    at = _skip(expression, 0)
    while at < len(expression):
        found = _TOKEN.match(expression, at)
        if found is None:
            raise ExpressionError(expression[at], at, _unread(expression, at))
        yield _token(found)
        at = _skip(expression, found.end())
    yield Token("end", "", at)


def _skip(expression: str, at: int) -> int:
    found = _BETWEEN.match(expression, at)
    return found.end() if found else at


def _unread(expression: str, at: int) -> str:
    """A comment to the end of the line would take in what northd writes after a match."""
    if expression.startswith("//", at):
        return "begins a comment to the end of the line; allowed: /* … */"
    match expression[at]:
        case '"':
            return "begins a text without an end"
        case "&" | "|" as half:
            return f"is not allowed alone; allowed: {half}{half}"
        case "$" | "@":
            return "is not followed by the name of a set"
    return "is no part of an expression"


def _token(found: re.Match[str]) -> Token:
    kind, text, at = found.lastgroup, found.group(), found.start()
    match kind:
        case "number":
            return Token("number", text, at, _parse(text, at))
        case "text":
            return Token("text", _quoted(text, at), at)
        case "name" | "addresses" | "ports" | "operator":
            return Token(kind, text, at)
    raise AssertionError(kind)


def _quoted(text: str, at: int) -> str:
    try:
        json.loads(text, strict=False)
    except ValueError:
        raise ExpressionError(text, at, "is not quoted as in JSON") from None
    return text


def _parse(text: str, at: int) -> Number:
    try:
        value, slash, mask = text.partition("/")
        return _masked(_number(value), _number(mask)) if slash else _number(value)
    except ValueError as error:
        raise ExpressionError(text, at, str(error)) from None


def _number(text: str) -> Number:
    if _ETHERNET.fullmatch(text):
        return Number("Ethernet", int(text.replace(":", ""), 16))
    if text.isdecimal():
        return Number("decimal", _decimal(text))
    if text[:2] in ("0x", "0X"):
        return Number("hexadecimal", _hexadecimal(text[2:]))
    try:
        address = ip_address(text)
    except ValueError:
        raise ValueError("is neither a number nor an address") from None
    return Number("IPv4" if isinstance(address, IPv4Address) else "IPv6", int(address))


def _decimal(text: str) -> int:
    if text[0] == "0" and len(text) > 1:
        raise ValueError("has a leading zero")
    if len(text) > 20 or int(text) >= 2**64:
        raise ValueError("is too large; allowed: less than 2**64")
    return int(text)


def _hexadecimal(digits: str) -> int:
    if not re.fullmatch("[0-9A-Fa-f]+", digits):
        raise ValueError("is no hexadecimal number")
    if (value := int(digits, 16)) >= 2**128:
        raise ValueError("is too large; allowed: 128 bits")
    return value


def _masked(value: Number, mask: Number) -> Number:
    """A mask is of its value's format; that of an address may be a prefix length."""
    bits = _PREFIXES.get(value.format)
    if value.format == mask.format:
        bitmask = mask.value
    elif bits is not None and mask.format == "decimal" and mask.value <= bits:
        bitmask = (2**bits - 1) & ~(2 ** (bits - mask.value) - 1)
    elif value == Number("decimal", 0) and mask.format == "hexadecimal":
        bitmask = mask.value
    else:
        raise ValueError(f"has a mask that does not fit its {value.format} value")
    return Number(value.format, value.value & bitmask, bitmask)
