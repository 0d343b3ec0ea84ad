"""Answers reviews (`AdmissionReview`, admission.k8s.io/v1) at `/admit`, over TLS.

What the rules allow is answered at once. What they refuse may only not have been heard of yet: a subnet that was made a
moment ago, an address that was just given back. So a refusal waits for news, for a short time, and is judged again.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from weft import log
from weft.api.problem import Problem
from weft.service import ConfigError
from weft.webhook import metrics
from weft.webhook.review import judge, kind_of
from weft.webhook.world import World

_log = log.get_logger(__name__)
PATH = "/admit"
LARGEST = 8 << 20
"""Bytes of a review: etcd takes objects of 1.5 MB, and a review may have two, written more widely."""
PATIENCE = 0.5
"""Seconds in which a view comes to know what was written before."""
LINGER = 0.01
"""Seconds to wait after a change for others that come with it, so that a busy API does not mean busy judging."""


class Server:
    """See the module's text."""

    def __init__(self, world: World, patience: float = PATIENCE) -> None:
        self._world = world
        self._patience = patience
        application = web.Application(client_max_size=LARGEST)
        application.router.add_post(PATH, self._admit)
        self._runner = web.AppRunner(application, access_log=None)

    async def start(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        """Begin to listen. Raises ConfigError."""
        await self._runner.setup()
        host, port = address
        try:
            await web.TCPSite(self._runner, host or None, port, ssl_context=context, reuse_address=True).start()
        except OSError as error:
            raise ConfigError(f"listen: cannot listen on {host}:{port}: {error.strerror}") from error

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens."""
        return [(address[0], address[1]) for address in self._runner.addresses]

    async def close(self) -> None:
        await self._runner.cleanup()

    async def _admit(self, request: web.Request) -> web.Response:
        if not self._world.whole:
            return web.Response(status=503, text="not all objects are known yet")
        try:
            review = json.loads(await request.read())
            asked = review["request"]
            uid = asked["uid"]
        except (ValueError, KeyError, TypeError):
            return web.Response(status=400, text="this is no AdmissionReview of admission.k8s.io/v1")
        response = {"uid": uid, **await self._review(asked)}
        return web.json_response({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})

    async def _review(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        started = time.monotonic()
        cls = kind_of(asked)
        verdict = "failed"
        try:
            problems = await self._judge(asked, started + self._patience)
            verdict = "refused" if problems else "allowed"
        finally:
            kind = cls.INFO.kind if cls else "other"
            metrics.REVIEWS.labels(kind, asked["operation"], verdict).inc()
            metrics.SECONDS.labels(verdict).observe(time.monotonic() - started)
        if not problems:
            return {"allowed": True}
        message = "; ".join(map(str, problems))
        _log.info("refused", user=asked["userInfo"].get("username", ""), reason=message)
        return {"allowed": False, "status": {"message": message}}

    async def _judge(self, asked: Mapping[str, Any], until: float) -> Sequence[Problem]:
        while True:
            problems = judge(self._world.view, asked)
            left = until - time.monotonic()
            if not problems or left <= 0:
                return problems
            try:
                async with asyncio.timeout(left):
                    await self._world.changed()
                    await asyncio.sleep(LINGER)
            except TimeoutError:
                return problems
