"""JSON-RPC messages out of a stream, by the interpreter's own JSON decoder.

python-ovs looks at each character in Python, unless its C extension was built, which needs Open vSwitch's sources: half
of the time that reading a large database takes. Here only the end of a message is looked for, by its braces outside
of strings, and the whole is decoded at once.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import ovs.json

_END: Final = "\0"
"""Put after each piece: no JSON text holds it, so whether it is within a string tells whether the piece ends in one."""
_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BRACE: Final = re.compile(r"[{}]")
_decode: Final = json.JSONDecoder(strict=False).raw_decode


class Parser:
    """In the place of `ovs.json.Parser`: fed until done; then `finish` has the message, or a str: the error."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._depth = 0
        self._open = ""
        """What opens the next piece, when it begins within a string: a quote, or a quote and a backslash."""
        self._result: Any = "unexpected end of input"
        self._done = False

    def feed(self, text: str) -> int:
        """Take text, at most to the end of the message. How many characters were taken."""
        if self._depth == 0 and text[:1] != "{":
            return self._before(text)
        self._text.append(text)
        if not self._holds_the_end(text):
            return len(text)
        whole = "".join(self._text)
        try:
            message, end = _decode(whole)
        except ValueError as error:
            return self._end(f"not JSON: {error}", len(text))
        return self._end(message, len(text) - (len(whole) - end))

    def is_done(self) -> bool:
        return self._done

    def finish(self) -> Any:
        return self._result

    def _end(self, result: Any, taken: int) -> int:
        self._result, self._done = result, True
        return taken

    def _before(self, text: str) -> int:
        """Between messages there is white space at most."""
        rest = text.lstrip()
        if rest and rest[0] != "{":
            return self._end(f"a message begins with {rest[:20]!r}, expected an object", len(text))
        return len(text) - len(rest)

    def _holds_the_end(self, text: str) -> bool:
        """Whether the object is closed within this piece."""
        opened = self._open + text
        bare = _STRING.sub("", opened + _END)
        self._open = ""
        if not bare.endswith(_END):
            self._open = '"\\' if (len(opened) - len(opened.rstrip("\\"))) % 2 else '"'
        if bare.count("}") < self._depth:
            self._depth += bare.count("{") - bare.count("}")
            return False
        for brace in _BRACE.findall(bare):
            self._depth += 1 if brace == "{" else -1
            if self._depth == 0:
                return True
        return False


def install() -> None:
    """Have python-ovs read by it, unless it has its C extension."""
    if ovs.json.PARSER == ovs.json.PARSER_PY:
        ovs.json.Parser = Parser
