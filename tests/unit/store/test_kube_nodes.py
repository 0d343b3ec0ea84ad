"""A node's condition and taint: what differs is patched, what is others' stays."""

from __future__ import annotations

from typing import Any

import pytest

from weft.store.base import NetworkHealth
from weft.store.kube_nodes import TAINT, condition_patch, kept, taints_patch

UP, DOWN = NetworkHealth(True, "NetworkReady", "it is"), NetworkHealth(False, "HostSilent", "no word")
OTHERS = [{"key": "dedicated", "value": "db", "effect": "NoSchedule"}, {**TAINT, "effect": "NoExecute"}]
PRESSURE = {"type": "MemoryPressure", "status": "False"}


def node(*taints: dict[str, Any], **condition: str) -> dict[str, Any]:
    conditions = [PRESSURE, {"type": "NetworkUnavailable", **condition}] if condition else [PRESSURE]
    return kept({"spec": {"taints": list(taints)} if taints else {}, "status": {"conditions": conditions}})


@pytest.mark.parametrize(
    ("taints", "health", "wanted"),
    [
        ((), UP, None),
        ((), DOWN, [TAINT]),
        ((TAINT,), DOWN, None),
        ((TAINT,), UP, []),
        ((OTHERS[0], {**TAINT, "timeAdded": "2026-01-01T00:00:00Z"}, OTHERS[1]), UP, OTHERS),
        (tuple(OTHERS), DOWN, [*OTHERS, TAINT]),
    ],
)
def test_taints(taints: tuple[dict[str, Any], ...], health: NetworkHealth, wanted: list[dict[str, Any]] | None) -> None:
    patch = taints_patch(node(*taints), health)
    assert patch == (None if wanted is None else {"spec": {"taints": wanted}})


@pytest.mark.parametrize(
    ("before", "health", "since"),
    [
        ({}, UP, "now"),
        ({"status": "False", "reason": "NetworkReady", "message": "it is", "lastTransitionTime": "then"}, UP, None),
        ({"status": "True", "reason": "HostSilent", "message": "no word", "lastTransitionTime": "then"}, UP, "now"),
        ({"status": "True", "reason": "NoRouteCreated", "message": "", "lastTransitionTime": "then"}, DOWN, "then"),
        ({"status": "Unknown", "reason": "", "message": ""}, UP, "now"),
    ],
)
def test_the_condition_keeps_its_time_while_its_word_stays(
    before: dict[str, str], health: NetworkHealth, since: str | None
) -> None:
    patch = condition_patch(node(**before), health, "now")
    if since is None:
        assert patch is None
        return
    assert patch is not None
    (condition,) = patch["status"]["conditions"]
    assert (condition["status"], condition["lastTransitionTime"]) == (str(not health.available), since)
