"""`pause`, `resume` and `approve`: the operator's three words to the controller, in the fabric's own row."""

from __future__ import annotations

import re
from typing import Any

from weft.ctl.errors import CtlError
from weft.ctl.session import Session, read_fabric
from weft.ovsdb.errors import CommitError

_DIGEST = re.compile(r"weftctl approve ([0-9a-f]+)")


def held_digests(alarms: dict[str, str]) -> dict[str, str]:
    """Digest -> the alarm that names it: deletions that wait for an operator."""
    found: dict[str, str] = {}
    for key, text in alarms.items():
        if key.startswith("held/") and (match := _DIGEST.search(text)):
            found[match.group(1)] = text
    return found


async def set_paused(session: Session, paused: bool, reason: str = "") -> str:
    """Pause or resume; what to tell the user."""
    async with session.weft(("Fabric",)) as weft:
        row = await read_fabric(weft)
        if row["paused"] == paused and (not reason or row["external_ids"].get("pause-reason") == reason):
            return "paused already" if paused else "not paused"
        mutations: list[Any] = [["external_ids", "delete", ["set", ["pause-reason"]]]]
        if paused and reason:
            mutations.append(["external_ids", "insert", ["map", [["pause-reason", reason]]]])
        await _commit(
            weft,
            [
                {"op": "update", "table": "Fabric", "where": [], "row": {"paused": paused}},
                {"op": "mutate", "table": "Fabric", "where": [], "mutations": mutations},
            ],
        )
    return "paused: the controller commits nothing until weftctl resume" if paused else "resumed"


async def approve(session: Session, digest: str) -> str:
    """Let held deletions go. Only those that an alarm names now can be approved."""
    async with session.weft(("Fabric",)) as weft:
        waiting = held_digests((await read_fabric(weft))["alarms"])
        if digest not in waiting:
            known = [f"  {name}: {text}" for name, text in waiting.items()] or ["  none: nothing waits for approval"]
            raise CtlError(f"{digest}: no held deletion has this digest; waiting are:", *known)
        await _commit(weft, [{"op": "update", "table": "Fabric", "where": [], "row": {"approved": digest}}])
    return f"approved: {waiting[digest]}"


async def _commit(weft: Any, operations: list[dict[str, Any]]) -> None:
    try:
        await weft.commit(operations)
    except CommitError as error:
        raise CtlError(str(error)) from None
