"""Which way requests go to the Kubernetes API, and what is left of those that fail."""

from __future__ import annotations

import asyncio
import gc
import json
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tls import self_signed
from weft.service import COLLECT_AFTER
from weft.store.kube_api import ApiError, KubeApi, proxy_of


@pytest.mark.parametrize(
    ("environment", "host", "proxy"),
    [
        ({}, "https://192.0.2.1:6443", None),
        ({"https_proxy": "http://proxy:3128"}, "https://192.0.2.1:6443", "http://proxy:3128"),
        ({"https_proxy": "http://proxy:3128"}, "http://192.0.2.1:8080", None),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "192.0.2.1"}, "https://192.0.2.1:6443", None),
        ({"https_proxy": "http://proxy:3128", "no_proxy": ".example.org"}, "https://api.example.org", None),
    ],
)
def test_the_environments_proxy(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], host: str, proxy: str | None
) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_of(host) == proxy


@pytest.fixture
def collected() -> Iterator[None]:
    """Garbage is collected as in our services."""
    before = gc.get_threshold()
    gc.set_threshold(*COLLECT_AFTER)
    yield
    gc.set_threshold(*before)


def written(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


async def test_handshakes_that_fail_leave_no_buffers(collected: None, tmp_path: Path) -> None:
    """Each leaves a cycle with 256 KiB in it, and an API whose authority is unknown means some in each second."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(written(tmp_path / "server.pem", b"".join(self_signed("127.0.0.1"))))
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    other = written(tmp_path / "other.pem", self_signed("127.0.0.1")[0])
    named = {"cluster": "it", "user": "it"}
    kubeconfig = {
        "clusters": [
            {"name": "it", "cluster": {"server": f"https://127.0.0.1:{port}", "certificate-authority": other}}
        ],
        "users": [{"name": "it", "user": {"token": "secret"}}],
        "contexts": [{"name": "it", "context": named}],
        "current-context": "it",
    }
    api = KubeApi(written(tmp_path / "kubeconfig", json.dumps(kubeconfig).encode()))
    await api.open()
    for _ in range(150):
        with pytest.raises(ApiError, match="certificate verify failed"):
            await api.get("/api/v1/pods")
    left = sum(isinstance(item, SSLProtocol) for item in gc.get_objects())
    await api.close()
    server.close()
    assert left < 75, "half of 150 connections, with both of their ends here"
