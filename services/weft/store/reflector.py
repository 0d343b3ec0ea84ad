"""Keeps up with all objects of one kind: list in pages, then watch from there.

A watch is resumed from the last version that was seen (bookmarks move it along where nothing happens). When the server
has forgotten that version (410), or the kind itself is missing, everything is listed again; failures are tried again
with a growing pause. Of an optional kind that is missing there are no objects, and now and then it is asked for again.
What a list does not have any more was not seen to go: the caller hears of it as a whole.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from weft import log
from weft.api.base import KindInfo
from weft.store.kube_api import ApiError, Json, KubeApi, list_path

_log = log.get_logger(__name__)
PAGE = 500
WATCH_SECONDS = 300
PAUSE = (0.2, 5.0)
ABSENT_PAUSE = 30.0
"""Seconds between two looks for an optional kind that the API does not have."""
GONE = 410
NOT_FOUND = 404


class Sink(Protocol):
    """Who is told."""

    def listed(self, info: KindInfo, items: list[Json]) -> None:
        """These are all objects of the kind."""

    def put(self, info: KindInfo, item: Json) -> None:
        """An object is new or changed."""

    def gone(self, info: KindInfo, item: Json) -> None:
        """An object was deleted."""


@dataclass
class Reflector:
    """See the module's text. `synced` is set after the first list."""

    api: KubeApi
    info: KindInfo
    sink: Sink
    poke: Callable[[], None]

    def __post_init__(self) -> None:
        self.synced = asyncio.Event()
        self._version = ""
        self._pause = PAUSE[0]

    async def run(self) -> None:
        """Never ends by itself."""
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._watch()
                self._pause = PAUSE[0]
            except ApiError as error:
                if error.status == GONE:
                    _log.info("watch expired, listing anew", kind=self.info.kind)
                    self._version = ""
                    continue
                if error.status == NOT_FOUND and self.info.optional:
                    self._absent()
                    await asyncio.sleep(ABSENT_PAUSE)
                    continue
                if error.status:
                    _log.warning("cannot follow", kind=self.info.kind, seconds=self._pause, reason=error)
                await asyncio.sleep(self._pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads clients, no secret
                self._pause = min(self._pause * 2, PAUSE[1])

    def _absent(self) -> None:
        """The API lacks the kind."""
        self._version = ""
        self.sink.listed(self.info, [])
        self.synced.set()
        self.poke()

    async def _list(self) -> None:
        items: list[Json] = []
        query: dict[str, str | int] = {"limit": PAGE}
        while True:
            page = await self.api.get(list_path(self.info), **query)
            items.extend(page["items"])
            token = page["metadata"].get("continue")
            if not token:
                break
            query["continue"] = token
        self.sink.listed(self.info, items)
        self._version = page["metadata"]["resourceVersion"]
        self._pause = PAUSE[0]
        self.synced.set()
        self.poke()

    async def _watch(self) -> None:
        seconds = random.randint(WATCH_SECONDS // 2, WATCH_SECONDS)  # noqa: S311
        query: dict[str, str | int] = {
            "resourceVersion": self._version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": seconds,
        }
        async for event in self.api.watch(list_path(self.info), **query):
            self._hear(event["type"], event["object"])

    def _hear(self, kind: str, item: Json) -> None:
        if kind == "ERROR":
            raise ApiError(int(item.get("code", 0)), f"watch {self.info.plural}", str(item.get("message", "")))
        self._version = item["metadata"]["resourceVersion"]
        if kind == "BOOKMARK":
            return
        (self.sink.gone if kind == "DELETED" else self.sink.put)(self.info, item)
        self.poke()
