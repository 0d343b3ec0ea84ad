"""What the engine is told when several things happened to one object between two looks."""

from __future__ import annotations

import pytest

from tests.unit.topology.build import base, pod, settle, subnet
from weft.controller.leader import _feed
from weft.store.base import ObjectChange, Removed, Stored

WEB = pod("web")


def _stored() -> Stored:
    return Stored(WEB.ref, WEB)


@pytest.mark.parametrize(
    ("changes", "present"),
    [
        ([_stored()], True),
        ([_stored(), Removed(WEB.ref)], False),
        ([_stored(), Removed(WEB.ref), _stored()], True),
        ([Removed(WEB.ref), _stored()], True),
    ],
)
def test_the_last_word_counts(changes: list[ObjectChange], present: bool) -> None:
    engine = base()
    _feed(engine, changes)
    assert (WEB.ref in engine.view.pods) is present


def test_kinds_come_in_the_order_in_which_they_depend_on_each_other() -> None:
    engine = base()
    blue = subnet("blue", "10.66.0.0/16", namespaces=["ns1"])
    _feed(engine, [_stored(), Stored(blue.ref, blue)])
    settle(engine)
    assert engine.view.ips["web.ns1"].spec.subnet == "blue"
