"""What waits to be taken from a store never grows beyond the objects that changed."""

from __future__ import annotations

from weft.api.documents import parse_document
from weft.store.base import Changes, Removed, Stored


def _pod(name: str, uid: str = "1") -> Stored:
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "ns1"}, "spec": {}}
    pod = parse_document(document, uid=uid, generation=1)
    return Stored(pod.ref, pod)


def _following() -> Changes:
    changes = Changes()
    changes.follow()
    return changes


def test_a_controller_that_stands_by_gathers_nothing() -> None:
    changes = Changes()
    for number in range(1000):
        changes.add(_pod(f"p{number}"))
    assert len(changes) == 0


def test_a_thousand_changes_of_one_object_are_its_last() -> None:
    changes = _following()
    for number in range(1000):
        changes.add(_pod("a", str(number)))
    (change,) = changes.take()
    assert isinstance(change, Stored)
    assert change.resource is not None
    assert change.resource.uid == "999"
    assert changes.take() == []


def test_what_came_and_went_is_gone() -> None:
    """The order of kinds in which changes are taken up must not bring it back."""
    changes = _following()
    changes.add(_pod("a"))
    changes.add(Removed("Pod/ns1/a"))
    assert changes.take() == [Removed("Pod/ns1/a")]


def test_what_was_replaced_went_and_came() -> None:
    changes = _following()
    changes.add(Removed("Pod/ns1/a", seen=False))
    changes.add(_pod("a", "2"))
    assert changes.take() == [Removed("Pod/ns1/a"), _pod("a", "2")], "it is back, so nobody has to approve that it went"
