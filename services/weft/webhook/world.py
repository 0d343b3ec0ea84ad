"""The objects of a Kubernetes API as the rules want them: a view that follows the store's watches."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from weft import log
from weft.store.base import ObjectChange, Removed, Store
from weft.topology.view import View

_log = log.get_logger(__name__)


class World:
    """`view` may be asked once it is `whole`: half a view would refuse what it only has not heard of."""

    def __init__(self, store: Store, view: View | None = None) -> None:
        self._store = store
        self._poked = asyncio.Event()
        self._news = asyncio.Condition()
        self.view = view or View()
        self.whole = False

    async def follow(self) -> None:
        """Never ends by itself."""
        await self._store.start(self._poked.set)
        while True:
            await self._poked.wait()
            self._poked.clear()
            if self.whole:
                self._take(self._store.take_changes())
            elif not self._store.unsynced():
                self._take(await self._store.load())
                self.whole = True
                _log.info("all objects are known", count=len(self._store.refs()))
            async with self._news:
                self._news.notify_all()

    async def changed(self) -> None:
        """Returns when the view has changed."""
        async with self._news:
            await self._news.wait()

    def unsynced(self) -> Iterable[str]:
        """Kinds that are not known yet."""
        return self._store.unsynced()

    def _take(self, changes: Iterable[ObjectChange]) -> None:
        """A stored object that cannot be read leaves its last version in the view, as it does in the controller."""
        for change in changes:
            if isinstance(change, Removed):
                if (item := self.view.find(change.ref)) is not None:
                    self.view.remove(item)
            elif change.resource is not None:
                self.view.put(change.resource)
