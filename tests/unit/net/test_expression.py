"""OVN's language of matches: right ones pass, wrong ones are told where they are wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.matches import RIGHT, TOLD, WRONG
from weft.net.expression import check


@pytest.mark.parametrize("text", RIGHT)
def test_right(text: str) -> None:
    check(text)


@pytest.mark.parametrize("text", WRONG)
def test_wrong(text: str) -> None:
    with pytest.raises(ValueError, match=r" at \d+ "):
        check(text)


@pytest.mark.parametrize(("text", "message"), TOLD)
def test_what_is_wrong_is_told(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        check(text)
    assert str(caught.value) == message


def test_one_that_northd_would_make_another_of() -> None:
    """northd puts parentheses around the match of an ACL."""
    with pytest.raises(ValueError, match="at 4 is more than an expression"):
        check("ip4) || (ip6")


@given(st.text(alphabet='ip4.srcdt=&|!(){}[]<>"0123456789:/ $@,', max_size=60))
def test_no_text_crashes_it(text: str) -> None:
    try:
        check(text)
    except ValueError:
        return
