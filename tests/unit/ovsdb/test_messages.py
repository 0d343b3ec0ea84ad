"""Messages are found in a stream wherever it is cut, as python-ovs' own parser finds them."""

from __future__ import annotations

import functools
import importlib.util
import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.ovsdb.messages import Parser

TEXTS = st.text(st.sampled_from('a"\\{}[]:, \n\t/ü€\U0001f600'), max_size=12)
VALUES = st.recursive(
    TEXTS | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=4)


def _read(stream: str, cuts: list[int], parser: Any = Parser) -> list[Any]:
    """The messages of a stream that comes in pieces, as `ovs.jsonrpc` reads it."""
    found, reader = [], parser()
    places = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    for start, end in itertools.pairwise(places):
        piece = stream[start:end]
        while piece:
            piece = piece[reader.feed(piece) :]
            if reader.is_done():
                found.append(reader.finish())
                reader = parser()
    return found


@functools.cache
def _python_ovs() -> Any:
    """python-ovs' parser, whether or not ours is in its place."""
    spec = importlib.util.find_spec("ovs.json")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Parser


@given(st.lists(OBJECTS, max_size=4), st.lists(st.integers(0, 300), max_size=20), st.booleans())
def test_a_stream_cut_anywhere(messages: list[Any], cuts: list[int], escaped: bool) -> None:
    stream = "".join(json.dumps(message, ensure_ascii=escaped) for message in messages)
    assert _read(stream, cuts) == messages
    assert _read(stream, list(range(len(stream)))) == messages


@given(st.lists(OBJECTS, min_size=1, max_size=3), st.lists(st.integers(0, 200), max_size=5))
def test_the_same_as_python_ovs(messages: list[Any], cuts: list[int]) -> None:
    stream = "\n".join(json.dumps(message) for message in messages) + "\n"
    assert _read(stream, cuts) == _read(stream, cuts, _python_ovs())


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        ("[1]", "expected an object"),
        ('x{"id": 1}', "expected an object"),
        ("}", "expected an object"),
        ('{"id": tru}', "not JSON"),
        ('{"id"}', "not JSON"),
        ('{"a": [}', "not JSON"),
    ],
)
def test_what_is_no_message(stream: str, words: str) -> None:
    (error,) = _read(stream, [])
    assert words in error


def test_half_a_message_is_none() -> None:
    parser = Parser()
    assert parser.feed('{"a": "}') == 8
    assert not parser.is_done()
    assert parser.finish() == "unexpected end of input"
