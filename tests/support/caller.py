"""Whoever has a certificate, at a listener of a database."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable
from typing import Any

from weft.agent import netlink


class RefusedError(Exception):
    """What a database says no with."""


class Caller:
    """A connection from a network namespace to a listener, with a certificate: RFC 7047, a request at a time."""

    def __init__(self, namespace: str, place: tuple[str, int], context: ssl.SSLContext) -> None:
        connect: Callable[..., socket.socket] = socket.create_connection
        plain = netlink.in_namespace(f"/run/netns/{namespace}", connect, place, 5)
        self._channel = context.wrap_socket(plain)
        self._channel.settimeout(10)
        self._decoder = json.JSONDecoder()
        self._text = ""
        self.notices: list[str] = []
        """Methods of what the server said of its own accord."""

    def close(self) -> None:
        self._channel.close()

    def call(self, method: str, *parameters: Any) -> Any:
        self._send({"id": 1, "method": method, "params": list(parameters)})
        while True:
            message = self._receive()
            if message.get("method") == "echo":
                self._send({"id": message["id"], "result": message["params"], "error": None})
            elif "method" in message:
                self.notices.append(message["method"])
            elif message.get("error"):
                raise RefusedError(message["error"])
            else:
                return message["result"]

    def transact(self, database: str, *operations: dict[str, Any]) -> Any:
        """The results. Raises RefusedError when one is an error."""
        results = self.call("transact", database, *operations)
        for result in results:
            if result and "error" in result:
                raise RefusedError(f"{result['error']}: {result.get('details')}")
        return results

    def _send(self, message: dict[str, Any]) -> None:
        self._channel.sendall(json.dumps(message).encode())

    def _receive(self) -> dict[str, Any]:
        while True:
            try:
                message, end = self._decoder.raw_decode(self._text)
            except ValueError:
                data = self._channel.recv(65536)
                if not data:
                    raise RefusedError("the connection was closed") from None
                self._text += data.decode()
            else:
                self._text = self._text[end:].lstrip()
                return dict(message)
