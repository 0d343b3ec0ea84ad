"""Tests against a real Kubernetes API, started once; each test has objects of its own names in it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.support.kubernetes import KubeSandbox, find_programs


@pytest.fixture(scope="session")
def kube() -> Iterator[KubeSandbox]:
    if find_programs() is None:
        pytest.skip("no kube-apiserver, kubectl or etcd: run `make kube-tools`, or set KUBEBUILDER_ASSETS")
    with KubeSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def namespace(kube: KubeSandbox) -> str:
    """A namespace that no other test uses. It stays: nothing would finish its deletion."""
    name = f"test-{secrets.token_hex(4)}"
    kube.kubectl("create", "namespace", name)
    return name
