"""`weft-webhook`: watches a Kubernetes API, and judges for its servers what is to be written there.

Several may run; none leads, and they know nothing of each other. The databases are not needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from weft import log, service
from weft.health import Health, listen
from weft.service import sd_notify
from weft.store.kube_api import KubeApi
from weft.store.kubernetes import KubernetesStore
from weft.topology.view import View
from weft.webhook import metrics
from weft.webhook.certificate import ServerCertificate
from weft.webhook.config import Config
from weft.webhook.server import PATIENCE, Server
from weft.webhook.world import World

_log = log.get_logger(__name__)


class Webhook:
    """One process."""

    def __init__(self, config: Config, patience: float = PATIENCE) -> None:
        self._config = config
        self._api = KubeApi(config.kubernetes.kubeconfig, "weft-webhook")
        self._store = KubernetesStore(self._api)
        self._certificate = ServerCertificate(config.tls)
        self.world = World(self._store, View(services=config.services, settings=config.network))
        self._server = Server(self.world, patience)
        self.health = Health(ready=self._unready)

    async def serve(self) -> None:
        """Run until cancelled."""
        metrics.watch_objects(self.world.view)
        try:
            await self._api.open()
            await self._server.start(self._config.address, self._certificate.context)
            sd_notify("READY=1", "STATUS=judging")
            _log.info("listening", address=self._config.listen)
            async with asyncio.TaskGroup() as group:
                group.create_task(self.health.beat())
                group.create_task(self.world.follow())
                group.create_task(self._certificate.follow())
        finally:
            await self._server.close()
            await self._store.close()
            await self._api.close()

    def _unready(self) -> Iterator[str]:
        if kinds := self.world.unsynced():
            yield f"store: not listed yet: {', '.join(kinds)}"
        elif not self.world.whole:
            yield "store: nothing was asked for yet"


async def serve(config: Config) -> None:
    """A webhook with its listener, until it is stopped."""
    webhook = Webhook(config)
    listen(config.metrics.listen, webhook.health)
    await webhook.serve()


def main(arguments: list[str] | None = None) -> None:
    """The program `weft-webhook`."""
    service.main("webhook", "Judges what is written to a Kubernetes API.", Config, serve, arguments)


if __name__ == "__main__":
    main()
