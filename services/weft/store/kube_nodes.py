"""A node's condition `NetworkUnavailable` and the taint that goes with it, as Kubernetes' node controller has them.

The condition is what Kube-OVN sets too. The taint follows it also where no kube-controller-manager taints by
conditions; where one does, both want the same. Other conditions and taints are left alone: a condition is merged by its
type (strategic merge patch), and the list of taints, which an API server only replaces as a whole, is written on
condition that the node has not changed since it was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft.store.base import NetworkHealth
from weft.store.conditions import TRANSITION
from weft.store.kube_api import Json

CONDITION = "NetworkUnavailable"
TAINT = {"key": "node.kubernetes.io/network-unavailable", "effect": "NoSchedule"}


def kept(node: Json) -> Json:
    """What of a node's document is looked at."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    condition: Json = next((item for item in conditions if item.get("type") == CONDITION), {})
    return {"condition": dict(condition), "taints": (node.get("spec") or {}).get("taints") or []}


def condition_patch(state: Mapping[str, Any], health: NetworkHealth, now: str) -> Json | None:
    """A strategic merge patch of the node's status; None when it says so already."""
    before = state["condition"]
    word = {"type": CONDITION, "status": str(not health.available), "reason": health.reason, "message": health.message}
    if all(before.get(key) == value for key, value in word.items()):
        return None
    changed = before[TRANSITION] if before.get("status") == word["status"] and TRANSITION in before else now
    return {"status": {"conditions": [{**word, TRANSITION: changed, "lastHeartbeatTime": now}]}}


def taints_patch(state: Mapping[str, Any], health: NetworkHealth) -> Json | None:
    """A merge patch of the node; None when its taints are right."""
    others = [taint for taint in state["taints"] if not _is_ours(taint)]
    tainted = len(others) < len(state["taints"])
    if tainted != health.available:
        return None
    return {"spec": {"taints": others if health.available else [*others, TAINT]}}


def _is_ours(taint: Mapping[str, Any]) -> bool:
    return all(taint.get(key) == value for key, value in TAINT.items())
