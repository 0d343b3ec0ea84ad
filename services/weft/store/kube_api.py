"""Requests to a Kubernetes API, as raw JSON.

The client's generated models cost 0.6 s and 78 MB per 1,000 pods, so its connection, authentication and configuration
are used and its models are not. Paths follow from the kinds.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from kubernetes.aio import client, config

from weft import log
from weft.api.base import KindInfo
from weft.store import metrics

_log = log.get_logger(__name__)
Json = dict[str, Any]
MERGE_PATCH = "application/merge-patch+json"
"""RFC 7386."""
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
"""Kubernetes' own, for its own kinds: lists are merged by their keys."""
CONNECTIONS = 64
TIMEOUT = aiohttp.ClientTimeout(total=30)


class ApiError(Exception):
    """The API refused a request, or did not answer: `status` is 0 then."""

    def __init__(self, status: int, request: str, message: str) -> None:
        super().__init__(f"{request}: {status or 'no answer'}: {message}")
        self.status = status


def list_path(info: KindInfo) -> str:
    """Where all objects of a kind are."""
    root = "/api/v1" if info.api_version == "v1" else f"/apis/{info.api_version}"
    return f"{root}/{info.plural}"


def collection_path(info: KindInfo, namespace: str) -> str:
    """Where objects of a kind are created."""
    root, _, plural = list_path(info).rpartition("/")
    return f"{root}/namespaces/{namespace}/{plural}" if info.namespaced else f"{root}/{plural}"


def object_path(info: KindInfo, namespace: str, name: str) -> str:
    """Where one object is."""
    return f"{collection_path(info, namespace)}/{name}"


def proxy_of(host: str) -> str | None:
    """The proxy that the environment names for a URL: HTTPS_PROXY and the like, but for NO_PROXY."""
    url = urlsplit(host)
    return None if proxy_bypass(url.hostname or "") else getproxies().get(url.scheme)


class KubeApi:
    """A connection. Raises ApiError."""

    def __init__(self, kubeconfig: str, agent: str = "weft-controller") -> None:
        self._kubeconfig = kubeconfig
        self._agent = agent
        self._reachable = True
        self.client: client.ApiClient

    async def open(self) -> None:
        """Read the kubeconfig; connections are made as they are needed."""
        configuration = client.Configuration()
        configuration.connection_pool_maxsize = CONNECTIONS
        await config.load_kube_config(  # type: ignore[no-untyped-call]
            self._kubeconfig, client_configuration=configuration
        )
        # Asking the environment and ~/.netrc at each request takes as long as the request: it is asked once.
        configuration.proxy = configuration.proxy or proxy_of(configuration.host)
        configuration.client_session_kwargs = {"trust_env": False}
        self.client = client.ApiClient(configuration)

    async def close(self) -> None:
        await self.client.close()  # type: ignore[no-untyped-call]

    async def get(self, path: str, **query: str | int) -> Json:
        return await self._call("GET", path, query)

    async def create(self, path: str, body: Json) -> Json:
        return await self._call("POST", path, body=body)

    async def patch(self, path: str, body: Json, content: str = MERGE_PATCH) -> Json:
        """`content` says which sort of patch it is."""
        return await self._call("PATCH", path, body=body, content=content)

    async def delete(self, path: str) -> Json:
        return await self._call("DELETE", path)

    async def watch(self, path: str, **query: str | int) -> AsyncIterator[Json]:
        """Events as they come, until the server ends the watch."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=float(query["timeoutSeconds"]) + 15)
        response = await self._request("GET", path, {**query, "watch": "true"}, timeout=timeout)
        try:
            async for line in response.content:
                yield json.loads(line)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreachable(f"watch {path}", error) from None
        finally:
            response.close()

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None = None,
        *,
        body: Json | None = None,
        content: str = "application/json",
    ) -> Json:
        with metrics.LATENCY.labels(method, metrics.collection(path)).time():
            response = await self._request(method, path, query or {}, body=body, content=content)
            try:
                return dict(json.loads(await response.read()))
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise self._unreachable(f"{method} {path}", error) from None

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int],
        *,
        body: Json | None = None,
        content: str = "application/json",
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": "application/json", "Content-Type": content, "User-Agent": self._agent}
        url = f"{self.client.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            await self.client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
            answer = await self.client.rest_client.request(  # type: ignore[no-untyped-call]
                method, url, headers=headers, body=body, _request_timeout=timeout
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreachable(f"{method} {path}", error) from None
        response: aiohttp.ClientResponse = answer.response
        if not self._reachable:
            self._reachable = True
            _log.info("the Kubernetes API answers again", host=self.client.configuration.host)
        if response.status >= 400:
            raise ApiError(response.status, f"{method} {path}", _message(await response.read()))
        return response

    def _unreachable(self, request: str, error: BaseException) -> ApiError:
        """Said once for all requests of an outage."""
        reason = str(error) or type(error).__name__
        if self._reachable:
            self._reachable = False
            _log.warning("the Kubernetes API does not answer", host=self.client.configuration.host, reason=reason)
        return ApiError(0, request, reason)


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace")
