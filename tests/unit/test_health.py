"""The pages that say whether a process is alive and ready, over HTTP as a probe asks for them."""

from __future__ import annotations

import asyncio
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from weft import health
from weft.health import Health, listen
from weft.service import ConfigError


@contextmanager
def _served(what: Health, host: str = "127.0.0.1") -> Iterator[str]:
    server = listen(f"{host}:0", what)
    assert server is not None
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_all_is_well(host: str) -> None:
    with _served(Health(doing=lambda: ["standing by"]), host) as url:
        assert _get(f"{url}/healthz") == (200, "ok\n")
        assert _get(f"{url}/readyz") == (200, "ok\nstanding by\n")
        assert _get(f"{url}/metrics")[0] == 200


def test_what_is_missing_is_said_in_lines() -> None:
    what = Health(alive=list, ready=lambda: ["database Weft: away", "store: not listed yet: Pod"], doing=lambda: ["x"])
    with _served(what) as url:
        assert _get(f"{url}/healthz") == (200, "ok\n")
        assert _get(f"{url}/readyz") == (
            503,
            "not ready: database Weft: away\nnot ready: store: not listed yet: Pod\nx\n",
        )


def test_what_is_dead_is_neither_healthy_nor_ready() -> None:
    with _served(Health(alive=lambda: ["database Weft: its thread died: OSError()"])) as url:
        assert _get(f"{url}/healthz") == (503, "database Weft: its thread died: OSError()\n")
        assert _get(f"{url}/readyz")[0] == 503


def test_a_loop_that_hangs_is_found_out_while_it_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "HANGS_AFTER", 0.3)
    monkeypatch.setattr(health, "BEAT", 0.05)
    what = Health()
    said: list[int] = []

    async def main() -> None:
        beating = asyncio.ensure_future(what.beat())
        await asyncio.sleep(0.5)
        with _served(what) as url:
            said.append((await asyncio.to_thread(_get, f"{url}/healthz"))[0])
            asking = threading.Timer(0.6, lambda: said.append(_get(f"{url}/healthz")[0]))
            asking.start()
            time.sleep(0.8)  # noqa: ASYNC251 - it is to hang
            asking.join()
        beating.cancel()

    asyncio.run(main())
    assert said == [200, 503]


@pytest.mark.parametrize("where", ["127.0.0.1", "127.0.0.1:http", ":"])
def test_a_wrong_address_is_named(where: str) -> None:
    with pytest.raises(ConfigError, match="expected ADDRESS:PORT"):
        listen(where, Health())


def test_an_address_in_use_is_named() -> None:
    with _served(Health()) as url, pytest.raises(ConfigError, match="Address already in use"):
        listen(url.removeprefix("http://"), Health())


def test_nowhere() -> None:
    assert listen("", Health()) is None
