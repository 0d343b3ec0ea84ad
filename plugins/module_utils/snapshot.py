# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of OVSDB databases, and what a server makes of them.

A backup is worth what can be restored from it, so a snapshot is loaded into a server of its own, which nobody else
reaches, and its rows are counted there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time

from ansible_collections.weft.ovn.plugins.module_utils.ovsdb import Client, TemporaryError

MANIFEST = "manifest.json"
FORMAT = 1


class SnapshotError(Exception):
    """A snapshot that cannot be made or used; the text names the database."""


def digest(path):
    found = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()


def count_rows(client, database):
    """Return the number of rows by table, of those tables that have any."""
    tables = sorted(client.schema(database)["tables"])
    operations = [{"op": "select", "table": table, "where": [], "columns": ["_uuid"]} for table in tables]
    answers = client.transact(database, operations)
    return {table: len(answer["rows"]) for table, answer in zip(tables, answers) if answer["rows"]}


def served(path, database, action, patience=30.0):
    """Return what `action(client)` says of a server that holds a copy of the file; nobody else reaches it."""
    directory = tempfile.mkdtemp(prefix="weft-scratch-")
    server = None
    try:
        copy = os.path.join(directory, "db")
        shutil.copyfile(path, copy)
        with open(os.path.join(directory, "log"), "w+", encoding="utf-8", errors="replace") as log:
            server = _start(directory, copy, log)
            with _connection(server, os.path.join(directory, "sock"), log, database, patience) as client:
                return action(client)
    finally:
        if server is not None:
            server.terminate()
            server.wait()
        shutil.rmtree(directory, ignore_errors=True)


def _start(directory, path, log):
    command = ["ovsdb-server", "--no-chdir", "-vconsole:warn", "-vfile:off", "-vsyslog:off"]
    command += ["--remote=punix:%s/sock" % directory, "--unixctl=%s/ctl" % directory, path]
    return subprocess.Popen(command, stdout=log, stderr=log)


def _connection(server, path, log, database, patience):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and server.poll() is None:
        try:
            return Client(path, patience)
        except TemporaryError:
            time.sleep(0.05)
    log.seek(0)
    raise SnapshotError("%s: ovsdb-server does not take the snapshot: %s" % (database, log.read().strip()[-1000:]))


def rows_of(path, database):
    """Return the number of rows by table that a server finds in the file."""
    return served(path, database, lambda client: count_rows(client, database))


def differences(expected, found):
    """Return what of the row counts differs, in words."""
    return [
        "%s has %d rows, %d were expected" % (table, found.get(table, 0), expected.get(table, 0))
        for table in sorted({*expected, *found})
        if expected.get(table, 0) != found.get(table, 0)
    ]
