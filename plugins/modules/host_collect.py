#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_collect
short_description: Logs and state of a host of the fabric, in one archive without secrets
version_added: 0.3.0
author: The Weft authors (@weft)
description:
  - Asks everything of the fabric that runs on the host, reads its logs and its configuration, and packs what was said.
  - Private keys and kubeconfigs are not read, and passwords, tokens and keys in what is read are hidden.
  - What does not answer is named in RV(unanswered), and the rest is collected all the same.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: Nothing is asked and no archive is written.
  diff_mode:
    support: none
    description: It only reads.
  platform:
    support: full
    platforms: posix
    description: The host runs Linux.
options:
  path:
    description: Path of the archive, a compressed tar file that only its owner reads.
    type: path
    required: true
  since:
    description: From when on journals are read, as journalctl(1) takes it.
    type: str
    default: 24 hours ago
  limit:
    description: Most bytes of one file or answer. Of logs and journals the end is kept, of all others the beginning.
    type: int
    default: 20000000
  timeout:
    description: Seconds that one command may take.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Logs and state of the host are packed
  weft.ovn.host_collect:
    path: /var/tmp/weft-collected.tar.gz
    since: 2 hours ago
"""

RETURN = r"""
files:
  description:
    - What is in the archive, by path. Each has C(source), C(at), C(size), C(sha256), the number of C(hidden) secrets,
      the number of bytes that were C(cut), and of a command the C(code) with which it ended.
  type: dict
  returned: always
unanswered:
  description: What could not be had, and why, by source.
  type: dict
  returned: always
"""

import datetime as dt
import glob
import hashlib
import io
import os
import tarfile

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.weft.ovn.plugins.module_utils.collect.items import FILES, METRICS, SWITCH, commands
from ansible_collections.weft.ovn.plugins.module_utils.collect.secrets import scrub

ENDS = ("logs", "journal")
"""Folders of which the end is worth more than the beginning."""


class Collection:
    """The archive that is written, and what is in it."""

    def __init__(self, module, archive):
        self._module = module
        self._archive = archive
        self._limit = module.params["limit"]
        self.files = {}
        self.unanswered = {}

    def add(self, path, source, content, **more):
        """Take content in, without secrets and no more than the limit."""
        text, hidden = scrub(content.decode("utf-8", "replace"))
        content = text.encode()
        cut = max(len(content) - self._limit, 0)
        if cut:
            content = content[-self._limit :] if path.split("/")[0] in ENDS else content[: self._limit]
        moment = dt.datetime.now(dt.timezone.utc)
        entry = tarfile.TarInfo(path)
        entry.size, entry.mtime, entry.mode = len(content), int(moment.timestamp()), 0o600
        self._archive.addfile(entry, io.BytesIO(content))
        about = {"source": source, "at": moment.isoformat(timespec="seconds"), "size": len(content)}
        self.files[path] = {
            **about,
            "sha256": hashlib.sha256(content).hexdigest(),
            "hidden": hidden,
            "cut": cut,
            **more,
        }

    def command(self, path, argv):
        limited = ["timeout", "--kill-after=5", str(self._module.params["timeout"]), *argv]
        code, output, error = self._module.run_command(limited, encoding=None)
        if code != 0 and not output:
            self.unanswered[" ".join(argv)] = error.decode("utf-8", "replace").strip()[:500] or "ended with %d" % code
            return
        self.add(path, " ".join(argv), output + error, code=code)

    def file(self, path, source):
        try:
            with open(source, "rb") as stream:
                # Twice the limit, since the end of a log is looked for, and no more than that in memory.
                size = os.fstat(stream.fileno()).st_size
                stream.seek(max(size - 2 * self._limit, 0) if path.startswith(ENDS) else 0)
                content = stream.read(2 * self._limit)
        except OSError as error:
            self.unanswered[source] = error.strerror or str(error)
            return
        self.add(path, source, content)

    def metrics(self, name, port):
        url = "http://127.0.0.1:%d/metrics" % port
        try:
            self.add("metrics/%s.txt" % name, url, open_url(url, timeout=10, use_proxy=False).read())
        except OSError as error:
            self.unanswered[url] = str(error)


def listed(module, *argv):
    """Return the first word of each line that a command prints; nothing when it fails."""
    code, output, _error = module.run_command(["timeout", "10", *argv])
    return [line.split()[0] for line in output.splitlines() if line.strip()] if code == 0 else []


def collect(module, collection):
    bridges = listed(module, "ovs-vsctl", "--timeout=5", "--db=" + SWITCH, "list-br")
    namespaces = listed(module, "ip", "netns", "list")
    wanted = commands(os.path.exists, bridges, namespaces, module.params["since"])
    for path, argv in sorted(wanted.items()):
        collection.command(path, argv)
    for folder, patterns in FILES.items():
        for source in sorted(name for pattern in patterns for name in glob.glob(pattern)):
            collection.file("%s/%s" % (folder, os.path.basename(source)), source)
    for name, port in METRICS.items():
        unit = "/etc/systemd/system/weft-%s.service" % name
        if os.path.exists(unit):
            collection.metrics(name, port)


def main():
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "since": {"type": "str", "default": "24 hours ago"},
            "limit": {"type": "int", "default": 20_000_000},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False, files={}, unanswered={})
    descriptor = os.open(module.params["path"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream, tarfile.open(fileobj=stream, mode="w:gz") as archive:
        collection = Collection(module, archive)
        collect(module, collection)
    module.exit_json(changed=False, files=collection.files, unanswered=collection.unanswered)


if __name__ == "__main__":
    main()
