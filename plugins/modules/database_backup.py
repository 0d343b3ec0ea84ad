#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database_backup
short_description: Write databases into one archive that is known to be restorable
version_added: 0.3.0
author: The Weft authors (@weft)
description:
  - Takes a consistent snapshot of each database from its running server, restores it into a server of its own, and
    compares the rows of each table with the running server's, before and after.
  - The archive has the snapshots and a manifest with their digests, schemas and row counts. Only its owner may read it.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: The servers are asked, nothing is written.
  diff_mode:
    support: full
    description: Shows the row counts that the archive would have.
  platform:
    support: full
    platforms: posix
    description: The host runs a member of the databases.
options:
  path:
    description: Path of the archive, a compressed tar file. One that exists is replaced.
    type: path
    required: true
  databases:
    description: The databases.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the database.
        type: str
        required: true
      socket:
        description: Path of its server's unix socket.
        type: path
        required: true
      optional:
        description: Whether it is left out when the socket is not there.
        type: bool
        default: false
"""

EXAMPLES = r"""
- name: The Northbound is saved
  weft.ovn.database_backup:
    path: /var/backups/weft/today.tar.gz
    databases:
      - {name: OVN_Northbound, socket: /run/ovn/ovnnb_db.sock}
"""

RETURN = r"""
manifest:
  description:
    - What the archive has. Of each of the C(databases), its C(file), C(sha256), C(size), C(schema) version and C(rows)
      by table; when it was C(created) and on which C(host); and the C(fabric)'s identity when Weft is among them.
  type: dict
  returned: always
"""

import json
import os
import shutil
import tarfile
import tempfile
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils import snapshot
from ansible_collections.weft.ovn.plugins.module_utils.ovsdb import Client, OvsdbError

ATTEMPTS = 5
"""How often a snapshot is taken anew because rows came or went while it was taken."""


def live_rows(database):
    with Client(database["socket"], 60.0) as client:
        return snapshot.count_rows(client, database["name"])


def fabric(database):
    if database["name"] != "Weft":
        return ""
    operation = {"op": "select", "table": "Fabric", "where": [], "columns": ["uid"]}
    with Client(database["socket"], 60.0) as client:
        rows = client.transact("Weft", [operation])[0]["rows"]
    return rows[0]["uid"] if rows else ""


def take(module, database, path):
    """Write the snapshot and return its row counts, which the running server had before and after."""
    for _attempt in range(ATTEMPTS):
        before = live_rows(database)
        command = ["ovsdb-client", "--timeout=300", "backup", "unix:" + database["socket"], database["name"]]
        status, output, error = module.run_command(command, encoding=None)
        if status != 0:
            raise snapshot.SnapshotError("%s: ovsdb-client backup: %s" % (database["name"], error.decode().strip()))
        with open(path, "wb") as stream:
            stream.write(output)
        found = snapshot.rows_of(path, database["name"])
        if before == live_rows(database):
            break
    if wrong := snapshot.differences(before, found):
        raise snapshot.SnapshotError("%s: restored for a trial, %s" % (database["name"], "; ".join(wrong)))
    return found


def entry(module, database, directory):
    file = database["name"] + ".db"
    path = os.path.join(directory, file)
    rows = take(module, database, path)
    with Client(database["socket"], 60.0) as client:
        schema = client.schema(database["name"])["version"]
    return {
        "file": file,
        "sha256": snapshot.digest(path),
        "size": os.path.getsize(path),
        "schema": schema,
        "rows": rows,
    }


def write(path, directory, manifest):
    with open(os.path.join(directory, snapshot.MANIFEST), "w", encoding="utf-8") as stream:
        json.dump(manifest, stream, indent=2, sort_keys=True)
    temporary = path + ".new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream, tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name in sorted(os.listdir(directory)):
            archive.add(os.path.join(directory, name), arcname=name)
    os.replace(temporary, path)


def back_up(module, databases):
    path = module.params["path"]
    directory = tempfile.mkdtemp(prefix="weft-backup-")
    try:
        manifest = {
            "format": snapshot.FORMAT,
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "host": os.uname().nodename,
            "fabric": "".join(fabric(item) for item in databases),
            "databases": {item["name"]: entry(module, item, directory) for item in databases},
        }
        if not module.check_mode:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            write(path, directory, manifest)
        return manifest
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def main():
    database = {
        "name": {"type": "str", "required": True},
        "socket": {"type": "path", "required": True},
        "optional": {"type": "bool", "default": False},
    }
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "databases": {"type": "list", "elements": "dict", "required": True, "options": database},
        },
        supports_check_mode=True,
    )
    wanted = [item for item in module.params["databases"] if not item["optional"] or os.path.exists(item["socket"])]
    try:
        manifest = back_up(module, wanted)
    except (OvsdbError, snapshot.SnapshotError, OSError) as error:
        module.fail_json(msg=str(error))
    rows = {name: item["rows"] for name, item in manifest["databases"].items()}
    module.exit_json(changed=True, manifest=manifest, diff={"before": {}, "after": rows})


if __name__ == "__main__":
    main()
