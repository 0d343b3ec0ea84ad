"""The server over real TLS: what it answers when, and that a renewed certificate is taken up while it runs."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.tls import self_signed
from tests.unit.topology.build import namespace, subnet, vpc
from weft.api.base import Resource
from weft.ovsdb.fence import Fence
from weft.service import ConfigError
from weft.store.base import ObjectChange, Removed, Stored, Writes
from weft.webhook import certificate as certificates
from weft.webhook.certificate import ServerCertificate
from weft.webhook.config import Certificate
from weft.webhook.server import Server
from weft.webhook.world import World

SUBNET = {"metadata": {"name": "x"}, "spec": {"cidrBlock": "10.80.0.0/24", "vpc": "green"}}
ASKED = {
    "uid": "1",
    "kind": {"group": "kubeovn.io", "version": "v1", "kind": "Subnet"},
    "operation": "CREATE",
    "object": SUBNET,
    "userInfo": {"username": "alice"},
}
REVIEW = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": ASKED}


class Told:
    """A store that says what a test tells it."""

    name = "told"

    def __init__(self) -> None:
        self.known: list[ObjectChange] = []
        self.news: list[ObjectChange] = []
        self.missing: list[str] = ["Subnet"]
        self.poke: Callable[[], None]

    async def start(self, poke: Callable[[], None]) -> None:
        self.poke = poke

    async def load(self) -> Sequence[ObjectChange]:
        return self.known

    def take_changes(self) -> list[ObjectChange]:
        news, self.news = self.news, []
        return news

    def unsynced(self) -> Collection[str]:
        return self.missing

    def refs(self) -> Collection[str]:
        return [change.ref for change in self.known]

    def __contains__(self, ref: object) -> bool:
        return ref in self.refs()

    async def write(self, writes: Writes, fence: Fence) -> None: ...

    async def close(self) -> None: ...

    def rest(self) -> None: ...

    def tell(self, *changes: ObjectChange) -> None:
        self.news.extend(changes)
        self.poke()


def stored(*items: Resource) -> list[ObjectChange]:
    return [Stored(item.ref, item) for item in items]


class Client:
    """Asks as an API server does."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self.session = session
        self.port = port

    async def __call__(self, body: Any = REVIEW) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.post(f"https://127.0.0.1:{self.port}/admit", data=data, ssl=False) as answer:
            text = await answer.text()
            return answer.status, json.loads(text)["response"] if answer.status == 200 else text


def files(folder: Path) -> Certificate:
    certificate, key = self_signed("127.0.0.1")
    (folder / "tls.crt").write_bytes(certificate)
    (folder / "tls.key").write_bytes(key)
    return Certificate(folder / "tls.crt", folder / "tls.key")


@asynccontextmanager
async def serving(world: World, context: ssl.SSLContext, patience: float = 5.0) -> AsyncIterator[Client]:
    server = Server(world, patience)
    await server.start(("127.0.0.1", 0), context)
    (where,) = server.addresses
    following = asyncio.ensure_future(world.follow())
    await asyncio.sleep(0)
    try:
        async with aiohttp.ClientSession() as session:
            yield Client(session, where[1])
    finally:
        following.cancel()
        await server.close()


@pytest.fixture
def told() -> Told:
    store = Told()
    store.known = stored(vpc("ovn-cluster"), namespace("ns1"), subnet("ovn-default", "10.16.0.0/16", default=True))
    return store


async def test_half_a_view_judges_nothing(told: Told, tmp_path: Path) -> None:
    async with serving(World(told), ServerCertificate(files(tmp_path)).context, 0.01) as ask:
        told.poke()
        await asyncio.sleep(0.01)
        assert await ask() == (503, "not all objects are known yet")
        told.missing.clear()
        told.poke()
        await asyncio.sleep(0.01)
        assert await ask() == (
            200,
            {"uid": "1", "allowed": False, "status": {"message": "Subnet/x: spec.vpc: Vpc/green does not exist"}},
        )


async def test_a_refusal_waits_for_what_is_on_its_way(told: Told, tmp_path: Path) -> None:
    told.missing.clear()
    async with serving(World(told), ServerCertificate(files(tmp_path)).context) as ask:
        told.poke()
        await asyncio.sleep(0.01)
        asked = asyncio.ensure_future(ask())
        await asyncio.sleep(0.05)
        told.tell(*stored(vpc("red")))
        await asyncio.sleep(0.05)
        assert not asked.done(), "that was news, and not those that it waits for"
        told.tell(*stored(vpc("green")))
        assert await asked == (200, {"uid": "1", "allowed": True})
        told.tell(Removed("Vpc/green"), Stored("Vpc/ovn-cluster", None))
        await asyncio.sleep(0.01)
        local = {**REVIEW, "request": {**ASKED, "object": {**SUBNET, "spec": {"cidrBlock": "10.80.0.0/24"}}}}
        assert (await ask(local))[1]["allowed"], "what cannot be read any more is what it was"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"request": 1}', b'{"request": {}}'])
async def test_what_is_no_review(told: Told, tmp_path: Path, body: bytes) -> None:
    told.missing.clear()
    async with serving(World(told), ServerCertificate(files(tmp_path)).context) as ask:
        told.poke()
        await asyncio.sleep(0.01)
        assert await ask(body) == (400, "this is no AdmissionReview of admission.k8s.io/v1")


async def test_a_renewed_certificate_is_taken_up(told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "PERIOD", 0.01)
    pair = files(tmp_path)
    certificate = ServerCertificate(pair)
    first = pair.certificate.read_text()
    following = asyncio.ensure_future(certificate.follow())
    async with serving(World(told), certificate.context) as ask:

        async def shown() -> str:
            return await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", ask.port))

        assert await shown() == first
        pair.private_key.write_bytes(self_signed("127.0.0.1")[1])
        await asyncio.sleep(0.1)
        assert await shown() == first, "a key that does not fit is not taken"
        files(tmp_path)
        await asyncio.sleep(0.1)
        assert await shown() == pair.certificate.read_text() != first
    following.cancel()


def test_without_a_certificate_it_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tls: .*nothing.crt.*: cannot be used"):
        ServerCertificate(Certificate(tmp_path / "nothing.crt", tmp_path / "nothing.key"))
