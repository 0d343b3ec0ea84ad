#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database_backup_info
short_description: Whether an archive of databases can be restored
version_added: 0.3.0
author: The Weft authors (@weft)
description:
  - Reads an archive that M(weft.ovn.database_backup) wrote, restores each snapshot into a server of its own, and
    compares digests and row counts with the manifest. Everything that is wrong is told, nothing is changed.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: It only reads.
  diff_mode:
    support: none
    description: It only reads.
  platform:
    support: full
    platforms: posix
    description: The host has the programs of Open vSwitch.
options:
  path:
    description: Path of the archive.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Is the archive good?
  weft.ovn.database_backup_info:
    path: /var/backups/weft/today.tar.gz
  register: archive
"""

RETURN = r"""
manifest:
  description: As M(weft.ovn.database_backup) returns it; empty when it cannot be read.
  type: dict
  returned: always
ports:
  description: Names of the workloads' ports that the archive has, when Weft is in it.
  type: list
  elements: str
  returned: always
problems:
  description: Why it cannot be restored. Empty when it can.
  type: list
  elements: str
  returned: always
"""

import json
import os
import shutil
import tarfile
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils import snapshot
from ansible_collections.weft.ovn.plugins.module_utils.ovsdb import OvsdbError


def unpack(path, directory):
    """Write the regular files of the archive's top level; return what is wrong with it."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                if not member.isfile() or os.path.basename(member.name) != member.name:
                    return ["%s: has %s, which is no file of a backup" % (path, member.name)]
                with open(os.path.join(directory, member.name), "wb") as stream:
                    shutil.copyfileobj(archive.extractfile(member), stream)
    except (OSError, EOFError, tarfile.TarError) as error:
        return ["%s: cannot be read: %s" % (path, error)]
    return []


def read_manifest(path, directory):
    try:
        with open(os.path.join(directory, snapshot.MANIFEST), encoding="utf-8") as stream:
            manifest = json.load(stream)
        if manifest["format"] != snapshot.FORMAT:
            return {}, ["%s: its format is %s, %d is known" % (path, manifest["format"], snapshot.FORMAT)]
    except (OSError, ValueError, KeyError) as error:
        return {}, ["%s: %s cannot be read: %s" % (path, snapshot.MANIFEST, error)]
    return manifest, []


def check(name, expected, directory):
    """Return what is wrong with one snapshot."""
    path = os.path.join(directory, expected["file"])
    if not os.path.exists(path):
        return ["%s: %s is missing in the archive" % (name, expected["file"])]
    if snapshot.digest(path) != expected["sha256"]:
        return ["%s: %s is not what was saved: its digest differs" % (name, expected["file"])]
    try:
        wrong = snapshot.differences(expected["rows"], snapshot.rows_of(path, name))
    except (OvsdbError, snapshot.SnapshotError) as error:
        return [str(error)]
    return ["%s: %s" % (name, text) for text in wrong]


def ports(manifest, directory):
    if "Weft" not in manifest["databases"]:
        return []
    operation = {"op": "select", "table": "Port", "where": [], "columns": ["name"]}
    path = os.path.join(directory, manifest["databases"]["Weft"]["file"])
    rows = snapshot.served(path, "Weft", lambda client: client.transact("Weft", [operation])[0]["rows"])
    return sorted(row["name"] for row in rows)


def examine(path, directory):
    """Return (manifest, ports, problems)."""
    problems = unpack(path, directory)
    if problems:
        return {}, [], problems
    manifest, problems = read_manifest(path, directory)
    for name, expected in sorted(manifest.get("databases", {}).items()):
        problems += check(name, expected, directory)
    return manifest, [] if problems else ports(manifest, directory), problems


def main():
    module = AnsibleModule(argument_spec={"path": {"type": "path", "required": True}}, supports_check_mode=True)
    directory = tempfile.mkdtemp(prefix="weft-backup-")
    try:
        manifest, names, problems = examine(module.params["path"], directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    module.exit_json(changed=False, manifest=manifest, ports=names, problems=problems)


if __name__ == "__main__":
    main()
