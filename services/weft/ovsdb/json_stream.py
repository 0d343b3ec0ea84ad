"""JSON messages from a stream, parsed by the standard library's C scanner.

python-ovs looks at each character in Python, about a microsecond each: most of the time between a transaction and its
answer, and of reading a database. It has a parser in C that distributions build and PyPI's package mostly lacks. Here
the end of a message is found by its braces, token by token, and the message handed to `json`: as fast as that parser,
everywhere.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import ovs.json

_TOKEN: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}]|"', re.DOTALL)
"""A whole string, a brace, or the beginning of a string that ends in a later piece."""

_REST: Final = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
"""From inside a string to its end."""

_BACKSLASHES: Final = re.compile(r"\\*\Z")


class Parser:
    """Takes the place of `ovs.json.Parser`: pieces of text are fed until an object is whole.

    With `check_trailer` the text is one value, whatever it is, and `finish` tells its end.
    """

    def __init__(self, check_trailer: bool = False) -> None:
        self._whole = check_trailer
        self._pieces: list[str] = []
        self._depth = 0
        self._quoted = self._escaped = False
        self._done = False

    def feed(self, text: str) -> int:
        """Take a piece; gives how much of it was of this message."""
        end = len(text) if self._whole else self._scan(text)
        self._pieces.append(text[:end])
        return end

    def is_done(self) -> bool:
        return self._done

    def finish(self) -> Any:
        """The value; for a text that is no JSON, what is wrong with it."""
        try:
            return json.loads("".join(self._pieces))
        except ValueError as error:
            return str(error)

    def _scan(self, text: str) -> int:
        position = self._leave_string(text) if self._quoted else 0
        if not self._depth and not self._begins(text):
            return len(text)
        for match in _TOKEN.finditer(text, position):
            found = match[0]
            if found == "{":
                self._depth += 1
            elif found == "}":
                self._depth -= 1
                if not self._depth:
                    self._done = True
                    return match.end()
            elif found == '"':
                self._quoted = True
                self._escaped = _ends_escaped(text)
                break
        return len(text)

    def _begins(self, text: str) -> bool:
        """Whether an object begins here; anything else but space ends the message at once, as an error."""
        begin = text.lstrip()
        self._done = bool(begin) and begin[0] != "{"
        return bool(begin) and not self._done

    def _leave_string(self, text: str) -> int:
        """The position after the string that an earlier piece began; the end when it goes on."""
        match = _REST.match(text, 1 if self._escaped and text else 0)
        self._quoted = match is None
        if match is not None:
            return match.end()
        self._escaped = _ends_escaped(text[1:] if self._escaped else text)
        return len(text)


def _ends_escaped(text: str) -> bool:
    """Whether the next character is escaped: an odd number of backslashes is last."""
    found = _BACKSLASHES.search(text)
    return found is not None and len(found[0]) % 2 == 1


def install() -> None:
    """Have python-ovs use it."""
    ovs.json.PARSER = ovs.json.PARSER_PY
    ovs.json.Parser = Parser
