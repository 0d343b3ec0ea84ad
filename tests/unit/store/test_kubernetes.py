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
