"""Which way requests go to the Kubernetes API."""

from __future__ import annotations

import pytest

from weft.store.kube_api import proxy_of


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
