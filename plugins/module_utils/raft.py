# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A member of OVSDB clusters as its running server and its file tell it.

The server is asked by its control socket (ovsdb(7), "Clustered Database Service Model"). The file is read here only for
how far it goes: whose log is the longest decides which member a fabric is rebuilt from when the majority is lost.
"""

from __future__ import annotations

import json
import os
import re

FIELD = re.compile(r"^(Status|Role|Leader|Server ID|Cluster ID|Term): (.*)$", re.MULTILINE)
SERVER = re.compile(r"^\s+(\S+) \(\S+ at (\S+?)\)(.*)$", re.MULTILINE)
IDENTITY = re.compile(r"\(([0-9a-f-]{36})\)")


def parse_status(text):
    """Return what C(cluster/status) says; empty values where the server did not say it."""
    fields = {name: value.strip() for name, value in FIELD.findall(text)}
    identity = IDENTITY.search(fields.get("Server ID", ""))
    return {
        "status": fields.get("Status", ""),
        "role": fields.get("Role", ""),
        "server": identity.group(1) if identity else "",
        "servers": [
            {"id": short, "address": address, "self": "(self)" in rest} for short, address, rest in SERVER.findall(text)
        ],
    }


def cluster_status(module, control, database):
    """Ask a running server; all values are empty when there is none."""
    if not os.path.exists(control):
        return parse_status("")
    command = ["ovs-appctl", "--timeout=5", "-t", control, "cluster/status", database]
    status, output, _error = module.run_command(command)
    return parse_status(output if status == 0 else "")


def log_end(path):
    """Return [term, index] of the last entry of a clustered database's file, [0, 0] of one that cannot be read.

    Of entries with the same index the one with the later term holds, so a log is further than another by this pair.
    """
    term, index = 0, 0
    try:
        for record in _records(path):
            if "prev_index" in record:
                term, index = record.get("prev_term", term), record["prev_index"]
            if "index" in record:
                term, index = record.get("term", term), record["index"]
    except (OSError, ValueError):
        pass
    return [term, index]


def _records(path):
    """Yield the records of an OVSDB log file (ovsdb(5)): a line with length and SHA-1, and so much JSON."""
    with open(path, "rb") as stream:
        while True:
            line = stream.readline().split()
            if len(line) != 4:
                return
            body = stream.read(int(line[2]))
            if len(body) < int(line[2]):
                return
            yield json.loads(body.decode())
