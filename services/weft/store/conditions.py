"""Statuses as they are stored: conditions carry the time of their last transition, and equal ones are not written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from weft.store.base import Status

TRANSITION = "lastTransitionTime"
EXACT = 2**53


def timestamp(ahead: float = 0) -> str:
    """Now, or so many seconds ahead, as Kubernetes writes times."""
    return (datetime.now(UTC) + timedelta(seconds=ahead)).strftime("%Y-%m-%dT%H:%M:%SZ")


def merge_status(old: Status, new: Status, now: str) -> dict[str, Any] | None:
    """`new` with times: a condition keeps its time while its `status` word stays. None when nothing differs."""
    before = {str(condition.get("type")): condition for condition in old.get("conditions", ())}
    conditions = [_timed(before.get(str(condition["type"])), condition, now) for condition in new.get("conditions", ())]
    merged = {**new, "conditions": conditions} if conditions else dict(new)
    return None if merged == old else merged


def rounded(status: Status) -> dict[str, Any]:
    """As an API server keeps it: counts of IPv6 addresses have more bits than a number of JSON has (RFC 8259, 6)."""
    return {name: float(value) if isinstance(value, int) and value > EXACT else value for name, value in status.items()}


def _timed(before: Mapping[str, Any] | None, condition: Mapping[str, Any], now: str) -> dict[str, Any]:
    if before is not None and before.get("status") == condition["status"] and TRANSITION in before:
        return {**condition, TRANSITION: before[TRANSITION]}
    return {**condition, TRANSITION: now}
