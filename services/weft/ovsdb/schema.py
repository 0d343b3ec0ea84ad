"""Asks a server for its schema, and does not wait for ever.

ovsdbapp's own function has no deadline: a member that is down without a word, or that hangs, would keep a service from
the members that answer.
"""

from __future__ import annotations

import errno
import os
from typing import Any

import ovs.jsonrpc
import ovs.poller
import ovs.stream
import ovs.timeval
from ovsdbapp.backend.ovs_idl import idlutils

TIMEOUT_MS = 2000


def ask_schema(remote: str, name: str, timeout_ms: int = TIMEOUT_MS) -> Any:
    """A python-ovs SchemaHelper for the database `name` at one remote. Raises OSError or ValueError, in time."""
    deadline = ovs.timeval.msec() + timeout_ms
    error, stream = ovs.stream.Stream.open_block(ovs.stream.Stream.open(remote), timeout_ms)
    if error:
        raise OSError(error, os.strerror(error))
    connection = ovs.jsonrpc.Connection(stream)
    try:
        request = ovs.jsonrpc.Message.create_request("get_schema", [name])
        connection.send(request)
        reply = _receive(connection, request.id, deadline)
    finally:
        connection.close()
    if reply.error is not None:
        raise ValueError(f"{remote}: {reply.error}")
    return idlutils.create_schema_helper(reply.result)


def _receive(connection: Any, number: Any, deadline: int) -> Any:
    while ovs.timeval.msec() < deadline:
        connection.run()
        error, message = connection.recv()
        if message is not None and message.id == number:
            return message
        if error not in (0, errno.EAGAIN):
            raise ConnectionError("the server closed the connection")
        poller = ovs.poller.Poller()
        connection.wait(poller)
        if error:
            connection.recv_wait(poller)
        else:
            poller.immediate_wake()
        poller.timer_wait_until(deadline)
        poller.block()
    raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
