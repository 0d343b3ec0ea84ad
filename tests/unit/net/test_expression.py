"""OVN's language of matches: right ones pass, wrong ones are told where they are wrong."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.matches import RIGHT, WRONG
from weft.net.expression import check


@pytest.mark.parametrize("text", RIGHT)
def test_right(text: str) -> None:
    check(text)


@pytest.mark.parametrize("text", WRONG)
def test_wrong(text: str) -> None:
    with pytest.raises(ValueError, match=r" at \d+: "):
        check(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ip4.scr == 10.0.0.1", "'ip4.scr' at 1: no field of OVN"),
        ("ip4 && tcp || udp", "'||' at 12: && and || need parentheses when used together"),
        ("ip4.src", "the end at 8: a relation is expected after ip4.src, as in ip4.src == …"),
        ("tcp.dst == 65536", "'65536' at 12: does not fit into tcp.dst, which has 16 bits"),
        ("inport == web", "'web' at 11: inport is compared with a text in quotes"),
        ("ip4 tcp", "'tcp' at 5: nothing more is expected; between comparisons stands && or ||"),
        ("", "the end at 1: a field, '(' or '!' is expected"),
    ],
)
def test_messages(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        check(text)


@given(st.text(alphabet='ip4.srcdt=&|!(){}[]<>"0123456789:/ $@,', max_size=60))
def test_no_text_crashes_it(text: str) -> None:
    try:
        check(text)
    except ValueError:
        return
