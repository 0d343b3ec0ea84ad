"""Half a view deletes nothing: how many may go unseen, and what an approval approves."""

from __future__ import annotations

import pytest

from weft.controller.guard import Hold, kind_of, sort_out


def _owners(kind: str, count: int) -> list[str]:
    return [f"{kind}/{number}" for number in range(count)]


@pytest.mark.parametrize(
    ("absent", "known", "held"),
    [
        pytest.param(0, 1000, False, id="none"),
        pytest.param(50, 50, False, id="fifty are few, even when they are all"),
        pytest.param(51, 51, True, id="one more is all that there was"),
        pytest.param(51, 1000, True, id="5 % of a thousand are fifty"),
        pytest.param(51, 1019, True, id="just under 5 % of them"),
        pytest.param(51, 1020, False, id="just 5 %"),
        pytest.param(500, 10_000, False, id="5 % of many"),
        pytest.param(501, 10_000, True, id="more than 5 % of many"),
    ],
)
def test_thresholds(absent: int, known: int, held: bool) -> None:
    owners = _owners("Pod", known)
    free, holds = sort_out(owners[:absent], owners)
    if held:
        assert free == []
        assert holds["Pod"].owners == frozenset(owners[:absent])
        assert holds["Pod"].known == known
    else:
        assert free == owners[:absent]
        assert holds == {}


def test_each_kind_is_judged_by_itself() -> None:
    pods, subnets = _owners("Pod", 100), _owners("Subnet", 10)
    free, holds = sort_out([*pods[:60], *subnets[:3]], [*pods, *subnets])
    assert free == subnets[:3]
    assert set(holds) == {"Pod"}


def test_of_a_kind_that_is_held_nothing_goes() -> None:
    pods = _owners("Pod", 1000)
    assert sort_out(pods, pods)[0] == []


@pytest.mark.parametrize(
    ("owner", "kind"), [("Pod/ns1/web", "Pod"), ("Subnet/blue", "Subnet"), ("Host/lab1", "Host"), ("odd", "odd")]
)
def test_kind_of_an_owner(owner: str, kind: str) -> None:
    assert kind_of(owner) == kind


def _hold(*owners: str) -> Hold:
    return Hold("Pod", frozenset(owners), 10)


def test_a_digest_names_just_this_set() -> None:
    assert _hold("Pod/a", "Pod/b").digest == _hold("Pod/b", "Pod/a").digest == "0bd4e4bd63c2"
    others = [_hold("Pod/a"), _hold("Pod/a", "Pod/b", "Pod/c"), _hold("Pod/a", "Pod/c"), _hold("Pod/aPod/b")]
    assert len({hold.digest for hold in (*others, _hold("Pod/a", "Pod/b"))}) == 5


def test_an_alarm_says_what_to_do() -> None:
    hold = _hold(*_owners("Pod", 5))
    assert str(hold) == (
        "5 of 10 Pod objects that have rows are missing from the store (Pod/0, Pod/1, Pod/2 …); "
        f"nothing of them is deleted until: weftctl approve {hold.digest}"
    )
