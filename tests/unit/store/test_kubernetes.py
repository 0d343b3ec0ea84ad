"""What the Kubernetes store says of objects, without an API."""

from __future__ import annotations

import asyncio
from typing import Any

from weft.api.subnet import Subnet
from weft.store.base import Stored
from weft.store.kubernetes import KubernetesStore


def _subnet(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "blue", "uid": "1", "generation": 1}
    return {"metadata": metadata, "spec": {"cidrBlock": "10.66.0.0/16", **spec}}


def test_a_new_leader_is_told_why_an_object_is_invalid() -> None:
    store = KubernetesStore(None)  # type: ignore[arg-type]
    store.put(Subnet.INFO, _subnet(gateway="10.99.0.1"))
    (change,) = asyncio.run(store.load())
    assert isinstance(change, Stored)
    assert change.resource is None
    assert [problem.field for problem in change.problems] == ["spec.gateway"]


def test_what_says_nothing_new_is_no_news() -> None:
    store = KubernetesStore(None)  # type: ignore[arg-type]
    asyncio.run(store.load())
    for spec, news in (
        ({}, 1),
        ({}, 0),
        ({"mtu": 1400}, 1),
        ({"gateway": "10.99.0.1"}, 1),
        ({"gateway": "10.99.0.1"}, 0),
    ):
        store.put(Subnet.INFO, _subnet(**spec))
        assert len(store.take_changes()) == news


def test_a_version_that_is_known_is_not_looked_at_again() -> None:
    """The answer to a request of our own and the watch bring the same; so does a new list."""
    store = KubernetesStore(None)  # type: ignore[arg-type]
    asyncio.run(store.load())
    for version, uid, mtu, news in (("7", "1", 1400, 1), ("7", "1", 1300, 0), ("8", "1", 1300, 1), ("9", "2", 1300, 2)):
        document = _subnet(mtu=mtu)
        document["metadata"] |= {"resourceVersion": version, "uid": uid}
        store.put(Subnet.INFO, document)
        assert len(store.take_changes()) == news
