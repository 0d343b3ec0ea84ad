"""Events on objects with which something is wrong: `kubectl describe` shows them where their user looks.

One event per object and reason is kept; the same again counts it up, and an unchanged one is not written at all.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from weft.api.base import KindInfo
from weft.store.base import Status
from weft.store.conditions import timestamp
from weft.store.kube_api import ApiError, Json, KubeApi

Request = Callable[[], Awaitable[None]]
QUIET = frozenset({"PortDown", "NotYetInEffect"})
"""Reasons that are a state on the way, and no event."""
REMEMBERED = 10_000


class EventWriter:
    """Remembers what it has said lately."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self._said: OrderedDict[tuple[str, str], str] = OrderedDict()

    def about(
        self, info: KindInfo, namespace: str, name: str, uid: str, status: Status
    ) -> Iterable[Callable[[], Awaitable[None]]]:
        """The requests that tell what is wrong according to a status."""
        for condition in status.get("conditions", ()):
            reason, message = condition["reason"], condition["message"]
            if condition["status"] == "True":
                self._said.pop((uid, condition["type"]), None)
            elif reason not in QUIET and self._said.get((uid, condition["type"])) != message:
                self._said[uid, condition["type"]] = message
                if len(self._said) > REMEMBERED:
                    self._said.popitem(last=False)
                yield partial(self._write, info, namespace, name, uid, reason, message)

    async def _write(self, info: KindInfo, namespace: str, name: str, uid: str, reason: str, message: str) -> None:
        where = namespace or "default"
        digest = hashlib.sha256(f"{uid}{reason}{message}".encode()).hexdigest()[:16]
        path, now = f"/api/v1/namespaces/{where}/events", timestamp()
        body: Json = {
            "metadata": {"name": f"{name[:200]}.{digest}", "namespace": where},
            "involvedObject": {
                "apiVersion": info.api_version,
                "kind": info.kind,
                "name": name,
                "namespace": namespace,
                "uid": uid,
            },
            "reason": reason,
            "message": message[:1024],
            "type": "Warning",
            "source": {"component": "weft-controller"},
            "reportingComponent": "weft-controller",
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            await self._api.create(path, body)
        except ApiError as error:
            if error.status == 409:
                await self._count(f"{path}/{body['metadata']['name']}", now)
            elif error.status not in (403, 404):  # an event is no reason to fail: a namespace may be going away
                raise

    async def _count(self, path: str, now: str) -> None:
        known = await self._api.get(path)
        await self._api.patch(path, {"count": int(known.get("count") or 1) + 1, "lastTimestamp": now})
