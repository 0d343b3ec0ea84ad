"""Messages cut into pieces anywhere come out whole, one after the other."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import ovs.json
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import weft.ovsdb.database  # noqa: F401 - has python-ovs use it
from weft.ovsdb.json_stream import Parser

_LEAVES = st.none() | st.booleans() | st.integers() | st.text(alphabet='a"\\{}[]é\n', max_size=8)
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip
_MESSAGES = st.lists(st.dictionaries(st.text(alphabet='k"\\', max_size=4), _VALUES, max_size=3), max_size=4)


def parse(pieces: list[str]) -> list[Any]:
    """As python-ovs' connection does."""
    found, parser = [], Parser()
    for piece in pieces:
        rest = piece
        while rest:
            rest = rest[parser.feed(rest) :]
            if parser.is_done():
                found.append(parser.finish())
                parser = Parser()
    return found


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(messages=_MESSAGES, cuts=st.lists(st.integers(0, 400), max_size=12), space=st.sampled_from(["", "\n", " \n"]))
def test_pieces_give_the_messages(messages: list[Any], cuts: list[int], space: str) -> None:
    text = space.join(json.dumps(message, ensure_ascii=False) for message in messages)
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    assert parse([text[begin:end] for begin, end in pairwise(places)]) == messages


@pytest.mark.parametrize("text", ["]", "nonsense", '"text"', '{"a": }', '{"a": 1,}'])
def test_what_is_no_message_is_told_at_once(text: str) -> None:
    found = parse([text])
    assert len(found) == 1
    assert not isinstance(found[0], dict)


@pytest.mark.parametrize(("text", "value"), [("[1, 2]", [1, 2]), ('"{"', "{"), (' {"a": null}\n', {"a": None})])
def test_a_whole_text_is_any_value(text: str, value: Any) -> None:
    assert ovs.json.from_string(text) == value


def test_python_ovs_uses_it() -> None:
    assert ovs.json.Parser is Parser
