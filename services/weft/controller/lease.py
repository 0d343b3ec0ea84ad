"""Election by a Lease of the Kubernetes API: who holds it leads.

Short times, since a lost leader costs its successor at most the lease's duration and one retry. An API that does not
answer within the deadline costs the leadership: running workloads do not need a leader, two leaders would need luck.
Elected is not fenced: see `weft.ovsdb.fence`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import aiohttp
from kubernetes.aio.client import ApiException, V1Lease, V1ObjectMeta
from kubernetes.aio.leaderelection.electionconfig import Config as ElectionConfig
from kubernetes.aio.leaderelection.leaderelection import LeaderElection
from kubernetes.aio.leaderelection.resourcelock.leaselock import LeaseLock

from weft import log

_log = log.get_logger(__name__)
LEASE = "weft-controller"
DURATION, RENEW, RETRY = 4, 3, 0.5
"""Seconds: a lease lasts, a leader tries to renew it, between two tries."""
REQUEST = 2.0
ABSENT = 404
# The library says in each try that it failed, and not why; `_Lock` says it once.
logging.getLogger("kubernetes.aio.leaderelection").setLevel(logging.CRITICAL)


class _Lock(LeaseLock):
    """A lease whose requests end in time; no answer is a failed try. Who is not `able` to lead does not ask for it."""

    def __init__(self, namespace: str, identity: str, client: Any, able: Callable[[], bool]) -> None:
        super().__init__(LEASE, namespace, identity, client)
        self._able = able

    _trouble = ""

    async def get(self, name: str, namespace: str) -> tuple[bool, Any]:
        if not self._able():
            return False, ApiException(status=0, reason="not able to lead")
        try:
            async with asyncio.timeout(REQUEST):
                found: tuple[bool, Any] = await super().get(name, namespace)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            found = False, ApiException(status=0, reason=f"no answer: {error or type(error).__name__}")
        self._tell("" if found[0] or found[1].status == ABSENT else _reason(found[1]))
        return found

    def _tell(self, trouble: str) -> None:
        """What is the same as before was said."""
        if trouble and trouble != self._trouble:
            _log.warning("cannot run for the lease", lease=self.name, namespace=self.namespace, reason=trouble)
        self._trouble = trouble

    async def create(self, name: str, namespace: str, election_record: Any) -> bool:
        """The client's own sends `pretty=True`, which its own validation refuses (37.0)."""
        body = V1Lease(metadata=V1ObjectMeta(name=name), spec=self.update_lease(election_record))
        try:
            async with asyncio.timeout(REQUEST):
                await self.api_instance.create_namespaced_lease(namespace, body)
        except (ApiException, aiohttp.ClientError, OSError, TimeoutError) as error:
            _log.warning("lease not made", lease=name, namespace=namespace, reason=error)
            return False
        return True

    async def update(self, name: str, namespace: str, updated_record: Any) -> bool:
        try:
            async with asyncio.timeout(REQUEST):
                return bool(await super().update(name, namespace, updated_record))
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False


def _reason(error: ApiException) -> str:
    """The API server's own words, when it has any."""
    try:
        return f"{error.status}: {json.loads(error.body or '')['message']}"
    except (ValueError, TypeError, KeyError):
        return str(error.reason)


class LeaseElection:
    """Runs for the lease for ever; says when it is won and when it is lost."""

    def __init__(
        self, identity: str, namespace: str, client: Any, heard: Callable[[bool], None], able: Callable[[], bool]
    ) -> None:
        self._lock = _Lock(namespace, identity, client, able)
        self._heard = heard

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            config = ElectionConfig(self._lock, DURATION, RENEW, 1, self._won, self._lost)
            config.retry_period = RETRY  # the constructor takes no less than 1 s, which a successor would wait
            try:
                await LeaderElection(config).run()
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                _log.warning("election failed", lease=LEASE, reason=error)
                self._heard(False)
                await asyncio.sleep(RETRY)

    async def _won(self) -> None:
        self._heard(True)

    async def _lost(self) -> None:
        self._heard(False)
