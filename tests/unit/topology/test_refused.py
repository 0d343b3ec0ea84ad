"""What only somebody who knows the other objects can judge: the table, through the rules."""

from __future__ import annotations

import pytest

from tests.support.refused import REFUSED, ROWS, WORLD, Refused
from weft.api.base import Resource
from weft.api.documents import parse_document
from weft.ctl.offline import JUDGED
from weft.topology.rules import check_delete, check_put
from weft.topology.view import View


@pytest.fixture(scope="module")
def view() -> View:
    world = View()
    for document in WORLD:
        world.put(_typed(document))
    return world


def _typed(document: dict[str, object]) -> Resource:
    return parse_document(document, "", JUDGED)


def test_there_are_enough_and_each_has_a_name() -> None:
    assert len(REFUSED) >= 80
    assert len({case.name for case in REFUSED}) == len(REFUSED)


@pytest.mark.parametrize("case", ROWS)
def test_it_is_refused_with_its_words(view: View, case: Refused) -> None:
    judge = check_delete if case.deletes else check_put
    assert tuple(map(str, judge(view, _typed(case.document)))) == case.says


def test_the_world_itself_is_as_the_rules_want_it(view: View) -> None:
    assert [str(problem) for item in view.resources() for problem in check_put(view, item)] == []
