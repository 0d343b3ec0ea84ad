# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVSDB (RFC 7047) for modules: a small client, and the translation between YAML values and wire values.

Modules run on hosts that have no library of ours, so this speaks JSON-RPC itself: one connection per module call, no
process per row. It is enough for tens of rows; services use their own replica.
"""

from __future__ import annotations

import json
import re
import socket
import time

from ansible_collections.weft.ovn.plugins.module_utils.ovsdb_remote import RemoteError, open_socket, split

UUID_PATTERN = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


class OvsdbError(Exception):
    """What the server refused, or could not be asked."""


class TemporaryError(OvsdbError):
    """The same request may succeed later: the server is starting, or its cluster has no leader now."""


class Client:
    """One connection to a database server: to its unix socket, or to any remote of ovsdb_remote."""

    def __init__(self, path, timeout=10.0, tls=None):
        self.path = path
        self._timeout = timeout
        self._buffer = ""
        self._decoder = json.JSONDecoder()
        self._number = 0
        try:
            self._socket = open_socket(path, timeout, tls)
        except RemoteError as error:
            raise OvsdbError(str(error)) from error
        except OSError as error:
            raise TemporaryError("cannot connect to %s: %s" % (path, error)) from error

    def __enter__(self):
        return self

    def __exit__(self, *_details):
        self.close()

    def close(self):
        self._socket.close()

    def request(self, method, params):
        """Send one request and return its result; echo requests of the server are answered meanwhile."""
        self._number += 1
        self._send({"method": method, "params": params, "id": self._number})
        while True:
            message = self._receive()
            if message.get("method") == "echo":
                self._send({"result": message["params"], "error": None, "id": message["id"]})
            elif message.get("id") == self._number and "method" not in message:
                if message.get("error"):
                    raise OvsdbError("%s: %s" % (method, message["error"]))
                return message["result"]

    def schema(self, database):
        """Return the database's schema; TemporaryError while the server does not hold the database yet."""
        if database not in self.request("list_dbs", []):
            raise TemporaryError("%s holds no database %s" % (self.path, database))
        return self.request("get_schema", [database])

    def transact(self, database, operations):
        """Return one result per operation, or raise the first error of the transaction."""
        results = self.request("transact", [database, *operations])
        for index, result in enumerate(results):
            if result and result.get("error"):
                self._refuse(database, operations[index : index + 1], result)
        return results

    @staticmethod
    def _refuse(database, operation, result):
        word = result["error"]
        text = "%s: %s: %s%s" % (database, word, result.get("details", ""), " in %s" % operation if operation else "")
        if word in ("timed out", "not leader", "not connected", "cluster error", "disconnected"):
            raise TemporaryError(text)
        raise OvsdbError(text)

    def _send(self, message):
        try:
            self._socket.sendall(json.dumps(message).encode())
        except OSError as error:
            raise TemporaryError("%s: %s" % (self.path, error)) from error

    def _receive(self):
        message = self._decoded()
        while message is None:
            self._read()
            message = self._decoded()
        return message

    def _decoded(self):
        """Take one whole message off the buffer; None while there is none."""
        self._buffer = self._buffer.lstrip()
        try:
            message, end = self._decoder.raw_decode(self._buffer)
        except ValueError:
            return None
        self._buffer = self._buffer[end:]
        return message

    def _read(self):
        try:
            data = self._socket.recv(1 << 20)
        except socket.timeout as error:
            raise TemporaryError("%s did not answer within %s seconds" % (self.path, self._timeout)) from error
        except OSError as error:
            raise TemporaryError("%s: %s" % (self.path, error)) from error
        if not data:
            raise TemporaryError("%s closed the connection" % self.path)
        self._buffer += data.decode()


def connect(remotes, database, timeout=10.0, tls=None):
    """Return a connection to the first of several remotes that has its cluster's majority behind it."""
    reasons = []
    for remote in split(remotes):
        try:
            return _majority(remote, database, timeout, tls)
        except TemporaryError as error:
            reasons.append(str(error))
    raise TemporaryError("%s: %s" % (database, "; ".join(reasons) or "no remote is given"))


def _majority(remote, database, timeout, tls):
    client = Client(remote, timeout, tls)
    try:
        if connected(client, database):
            return client
        raise TemporaryError("%s holds no database %s, or has no majority of its cluster" % (remote, database))
    except OvsdbError:
        client.close()
        raise


def connected(client, database):
    """Tell whether the member that serves the database has its cluster's majority behind it."""
    return bool(_told(client, database, "connected"))


def clustered(client, database):
    """Tell whether the database is one of a cluster's."""
    return _told(client, database, "model") == "clustered"


def _told(client, database, column):
    """Return what the server says of one of its databases."""
    operation = {
        "op": "select",
        "table": "Database",
        "where": [["name", "==", database]],
        "columns": [column],
    }
    rows = client.request("transact", ["_Server", operation])[0].get("rows", [])
    return rows[0][column] if rows else None


def until(deadline, action):
    """Repeat an action that fails for a time until it succeeds or the deadline (monotonic seconds) is past."""
    while time.monotonic() < deadline:
        done, result = _tried(action)
        if done:
            return result
        time.sleep(0.2)
    return action()


def _tried(action):
    try:
        return True, action()
    except TemporaryError:
        return False, None


class Column:
    """The type of a column: how its values look in YAML, in comparison and on the wire.

    In YAML and in comparison a map is a dictionary, a set is a sorted list, everything else is a bare value.
    """

    def __init__(self, table, name, definition):
        self.name = "%s.%s" % (table, name)
        kind = definition["type"]
        kind = kind if isinstance(kind, dict) else {"key": kind}
        self._key = self._atom(kind["key"])
        self._value = self._atom(kind["value"]) if "value" in kind else None
        self.is_map = self._value is not None
        self.is_set = not self.is_map and (kind.get("max", 1) != 1 or kind.get("min", 1) != 1)

    @staticmethod
    def _atom(kind):
        return kind if isinstance(kind, str) else kind["type"]

    def canonical(self, value, resolve=None):
        """Return the YAML value in the form that is compared; `resolve` turns a reference into a UUID."""
        if self.is_map:
            if not isinstance(value, dict):
                raise OvsdbError("%s: got %r, a dictionary is allowed" % (self.name, value))
            return {self._cast(self._key, key): self._cast(self._value, item, resolve) for key, item in value.items()}
        if self.is_set:
            items = value if isinstance(value, list) else [value]
            return sorted({self._cast(self._key, item, resolve) for item in items if item is not None})
        return self._cast(self._key, value, resolve)

    def _cast(self, kind, value, resolve=None):
        if kind == "uuid" and resolve is not None:
            return resolve(value)
        if kind == "boolean":
            if isinstance(value, bool):
                return value
            raise OvsdbError("%s: got %r, true or false is allowed" % (self.name, value))
        if kind in ("integer", "real"):
            try:
                return int(value) if kind == "integer" else float(value)
            except (TypeError, ValueError) as error:
                raise OvsdbError("%s: got %r, a number (%s) is allowed" % (self.name, value, kind)) from error
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value)

    def encode(self, value):
        """Return the wire form of a canonical value."""
        if self.is_map:
            return ["map", [[self._wire(self._key, k), self._wire(self._value, v)] for k, v in sorted(value.items())]]
        if self.is_set:
            return ["set", [self._wire(self._key, item) for item in value]]
        return self._wire(self._key, value)

    @staticmethod
    def _wire(kind, value):
        if kind != "uuid":
            return value
        return ["uuid" if UUID_PATTERN.match(value) else "named-uuid", value]

    def decode(self, value):
        """Return the canonical value of a wire form."""
        if self.is_map:
            return {self._plain(key): self._plain(item) for key, item in value[1]}
        if self.is_set:
            many = isinstance(value, list) and value[0] == "set"
            return sorted(self._plain(item) for item in (value[1] if many else [value]))
        return self._plain(value)

    @staticmethod
    def _plain(value):
        return value[1] if isinstance(value, list) else value


class Tables:
    """The columns of a schema by table and name, with errors that say what is allowed."""

    def __init__(self, schema):
        self._database = schema["name"]
        self._tables = {
            table: {name: Column(table, name, column) for name, column in definition["columns"].items()}
            for table, definition in schema["tables"].items()
        }

    def check_table(self, table):
        if table not in self._tables:
            raise OvsdbError("%s has no table %s; it has %s" % (self._database, table, ", ".join(sorted(self._tables))))

    def column(self, table, name):
        self.check_table(table)
        columns = self._tables[table]
        if name not in columns:
            raise OvsdbError(
                "%s.%s has no column %s; it has %s" % (self._database, table, name, ", ".join(sorted(columns)))
            )
        return columns[name]
