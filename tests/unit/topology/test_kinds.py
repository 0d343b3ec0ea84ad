"""Kinds without behaviour yet: known to the view and the engine, without rows, and they say so."""

from __future__ import annotations

import pytest

from tests.support.examples import OURS, changed, example
from tests.unit.topology.build import base, settle
from weft.api.base import EVERYTHING
from weft.api.documents import parse_document
from weft.api.kinds import KINDS
from weft.topology import rules
from weft.topology import status as statuses
from weft.topology.rows import NOTHING
from weft.topology.view import View

LATER = [kind for kind in OURS if KINDS[kind].PENDING == EVERYTHING]


@pytest.mark.parametrize("kind", LATER)
def test_it_says_that_it_has_no_effect_yet(kind: str) -> None:
    engine, item = base(), parse_document(example(kind))
    engine.put(item)
    assert engine.take_dirty() == [item.ref]
    assert engine.compile(item.ref) == NOTHING
    assert engine.status(item.ref) == {
        "conditions": [
            {
                "type": "Supported",
                "status": "False",
                "reason": "NotYetInEffect",
                "message": "accepted, without effect in this version: the whole object",
            }
        ]
    }
    assert item.ref in engine.owners(), "after a restart its status is due again"


@pytest.mark.parametrize("kind", LATER)
def test_it_goes_as_it_came(kind: str) -> None:
    engine, item = base(), parse_document(example(kind))
    engine.put(item)
    assert engine.view.find(item.ref) is item
    assert list(engine.view.resources()).count(item) == 1
    engine.remove_ref(item.ref)
    assert engine.view.find(item.ref) is None
    assert engine.status(item.ref) is None


def test_objects_come_in_the_order_of_their_kinds() -> None:
    view = View()
    for kind in reversed(OURS):
        view.put(parse_document(example(kind)))
    assert [item.INFO.kind for item in view.resources()] == OURS


def test_the_same_name_in_two_namespaces() -> None:
    view = View()
    one, other = (parse_document(changed("VpcEgressGateway", "metadata.namespace", name)) for name in ("ns1", "ns2"))
    view.put(one)
    view.put(other)
    assert (view.find("VpcEgressGateway/ns1/gateway2"), view.find("VpcEgressGateway/ns2/gateway2")) == (one, other)


def test_what_cannot_be_changed_stays_as_it_was() -> None:
    engine = base()
    old, new = parse_document(example("Vip")), parse_document(changed("Vip", "spec.subnet", "other"))
    engine.put(old)
    settle(engine)
    status = engine.status(old.ref)
    assert [str(problem) for problem in rules.check_put(engine.view, new)] == [
        "Vip/static-vip01: spec.subnet: 'other': cannot be changed from 'ovn-default'"
    ]
    engine.put(new)
    assert engine.view.find(new.ref) == old
    assert engine.status(new.ref) == statuses.rejected(rules.check_put(engine.view, new))
    engine.put(old)
    assert engine.status(old.ref) == status


def test_a_field_without_effect_is_named() -> None:
    document = example("Subnet")
    item = parse_document({**document, "spec": {**document["spec"], "vlan": "vlan1", "vips": ["a"]}})
    (condition,) = statuses.pending_fields(item)
    assert condition["message"] == "accepted, without effect in this version: spec.vips, spec.vlan"


@pytest.mark.parametrize("kind", ["Vpc", "Subnet"])
def test_a_status_has_only_what_the_definition_allows(kind: str) -> None:
    engine = base()
    status = engine.status({"Vpc": "Vpc/ovn-cluster", "Subnet": "Subnet/ovn-default"}[kind])
    assert status is not None
    model = KINDS[kind].STATUS
    assert model is not None
    model.model_validate(status, by_alias=True, by_name=False)
