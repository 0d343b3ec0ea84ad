"""Is this process alive, is it ready, what has it counted: `/healthz`, `/readyz` and `/metrics` on one listener.

The listener has threads of its own, so it answers while the event loop hangs: that is what it is asked about. A beat on
the loop tells it that the loop goes round; everything else it reads are plain attributes.

    /healthz   200 `ok`, or 503 with a line for each thing that only a restart will mend
    /readyz    200 or 503: `not ready: …` for each thing that is missing, then what the process is doing
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from weft.service import ConfigError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

BEAT = 1.0
HANGS_AFTER = 10.0
"""Seconds without a beat after which the event loop hangs: no step of our own takes as long."""
Check = Callable[[], Iterable[str]]


class Health:
    """What a process says of itself. The checks are called on threads of the listener: they read, and wait for nothing.

    `alive` names what only a restart will mend, `ready` what is missing, `doing` what else one would like to know.
    """

    def __init__(self, alive: Check = tuple, ready: Check = tuple, doing: Check = tuple) -> None:
        self._alive = alive
        self._ready = ready
        self._doing = doing
        self._beaten = time.monotonic()

    async def beat(self) -> None:
        """Runs for ever on the event loop that is watched."""
        while True:
            self._beaten = time.monotonic()
            await asyncio.sleep(BEAT)

    def problems(self) -> list[str]:
        """Why the process should be started again; nothing while all is well."""
        silent = time.monotonic() - self._beaten
        hangs = [f"the event loop has not gone round for {silent:.0f} s"] if silent > HANGS_AFTER else []
        return [*hangs, *self._alive()]

    def missing(self) -> list[str]:
        """Why the process is not ready."""
        return [f"not ready: {line}" for line in (*self.problems(), *self._ready())]

    def answer(self, path: str) -> tuple[int, str] | None:
        """Status and text of a page; None for one that is not ours."""
        match path:
            case "/healthz":
                bad = self.problems()
                lines = bad or ["ok"]
            case "/readyz":
                bad = self.missing()
                lines = [*(bad or ["ok"]), *self._doing()]
            case _:
                return None
        return (503 if bad else 200), "".join(f"{line}\n" for line in lines)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """A scrape every few seconds is no news."""


def application(health: Health) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    """The three pages."""
    metrics = make_wsgi_app()

    def serve(environment: WSGIEnvironment, start: StartResponse) -> Iterator[bytes]:
        found = health.answer(environment["PATH_INFO"])
        if found is None:
            yield from metrics(environment, start)
            return
        status, text = found
        start(f"{status} {'OK' if status == 200 else 'Service Unavailable'}", [("Content-Type", "text/plain")])
        yield text.encode()

    return serve


def listen(where: str, health: Health) -> WSGIServer | None:
    """Answer at `where` ("127.0.0.1:10660"; "" for nowhere) until `shutdown()`. Raises ConfigError."""
    if not where:
        return None
    address, separator, port = where.rpartition(":")
    if not separator or not port.isdigit():
        raise ConfigError(f"metrics: got {where!r}, expected ADDRESS:PORT")
    host = address.strip("[]") or "127.0.0.1"
    try:
        server = make_server(host, int(port), application(health), _Server6 if ":" in host else _Server, _Silent)
    except OSError as error:
        raise ConfigError(f"metrics: cannot listen on {where}: {error.strerror}") from error
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
