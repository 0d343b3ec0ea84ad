#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_files
short_description: Keep a service's files as described, and tell which units they concern
version_added: 0.1.0
author: The Weft authors (@weft)
description:
  - Writes several small text files in one call, each replaced atomically, and makes the directories that they need.
  - Returns the systemd units that read a file which changed, so that a handler restarts these and nothing else.
  - Tells systemd to read its units again when a unit file changed.
notes:
  - A role of this collection has up to ten such files. One call for all of them takes a fraction of the time of one
    task for each, which is what an unchanged run consists of.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: Nothing is written; what would change is reported.
  diff_mode:
    support: full
    description: What would change or changed is shown.
  platform:
    support: full
    platforms: posix
    description: The host runs Linux.
options:
  files:
    description: The files.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Absolute path of the file.
        type: path
        required: true
      content:
        description: The whole text of the file. Required unless O(files[].source) is given or the file is absent.
        type: str
      source:
        description:
          - Path of a file on the host whose content is copied. When it does not exist yet in check mode, the file
            counts as changed.
        type: path
      mode:
        description: Permissions, in octal digits.
        type: str
        default: "0644"
      owner:
        description: Owning user.
        type: str
        default: root
      group:
        description: Owning group.
        type: str
        default: root
      units:
        description: Systemd units that read the file when they start.
        type: list
        elements: str
        default: []
      state:
        description: Whether the file exists.
        type: str
        choices: [present, absent]
        default: present
"""

EXAMPLES = r"""
- name: The agent's files are in place
  weft.ovn.host_files:
    files:
      - path: /etc/weft/agent.toml
        content: "{{ lookup('ansible.builtin.template', 'agent.toml.j2') }}"
        mode: "0640"
        units: [weft-agent.service]
"""

RETURN = r"""
paths:
  description: The files that changed.
  type: list
  elements: str
  returned: always
units:
  description: The units that read a changed file.
  type: list
  elements: str
  returned: always
  sample: [weft-agent.service]
"""

import grp
import os
import pwd
import stat
import tempfile

from ansible.module_utils.basic import AnsibleModule

UNIT_DIRECTORIES = ("/etc/systemd/", "/usr/lib/systemd/", "/run/systemd/")


class FileError(Exception):
    """A file that cannot be kept as described."""


def read(path):
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def facts(path):
    """Return mode, owner and group of an existing file, as the options write them."""
    status = os.stat(path)
    try:
        owner = pwd.getpwuid(status.st_uid).pw_name
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        owner, group = str(status.st_uid), str(status.st_gid)
    return {"mode": "%04o" % stat.S_IMODE(status.st_mode), "owner": owner, "group": group}


def wanted_content(item, check_mode):
    if item["content"] is not None:
        return item["content"]
    if item["source"] is None:
        raise FileError("%s: content or source is required" % item["path"])
    content = read(item["source"])
    if content is None and not check_mode:
        raise FileError("%s: its source %s does not exist" % (item["path"], item["source"]))
    return "" if content is None else content


def compare(item, check_mode):
    """Return (before, after) as dictionaries of text and attributes, None where the file does not exist."""
    current = read(item["path"])
    before = None if current is None else {"content": current, **facts(item["path"])}
    if item["state"] == "absent":
        return before, None
    attributes = {name: item[name] for name in ("owner", "group")}
    mode = "%04o" % int(item["mode"], 8)
    return before, {"content": wanted_content(item, check_mode), "mode": mode, **attributes}


def write(item, after):
    directory = os.path.dirname(item["path"])
    os.makedirs(directory, mode=0o755, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=directory, prefix=".weft-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(after["content"])
            stream.flush()
            os.fsync(stream.fileno())
        os.chown(temporary, pwd.getpwnam(after["owner"]).pw_uid, grp.getgrnam(after["group"]).gr_gid)
        os.chmod(temporary, int(after["mode"], 8))
        os.replace(temporary, item["path"])
    except (OSError, KeyError) as error:
        os.unlink(temporary)
        raise FileError("%s: %s" % (item["path"], error)) from error


def shown(path, state):
    """Return the text of a diff: attributes first, then the content."""
    if state is None:
        return ""
    return "# %s %s:%s %s\n%s" % (path, state["owner"], state["group"], state["mode"], state["content"])


def main():
    item = {
        "path": {"type": "path", "required": True},
        "content": {"type": "str"},
        "source": {"type": "path"},
        "mode": {"type": "str", "default": "0644"},
        "owner": {"type": "str", "default": "root"},
        "group": {"type": "str", "default": "root"},
        "units": {"type": "list", "elements": "str", "default": []},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    module = AnsibleModule(
        argument_spec={"files": {"type": "list", "elements": "dict", "required": True, "options": item}},
        supports_check_mode=True,
    )
    paths, units, differences = [], set(), []
    try:
        for entry in module.params["files"]:
            before, after = compare(entry, module.check_mode)
            if before == after:
                continue
            paths.append(entry["path"])
            units.update(entry["units"])
            differences.append(
                {
                    "before_header": entry["path"],
                    "after_header": entry["path"],
                    "before": shown(entry["path"], before),
                    "after": shown(entry["path"], after),
                }
            )
            if module.check_mode:
                continue
            if after is None:
                os.unlink(entry["path"])
            else:
                write(entry, after)
    except FileError as error:
        module.fail_json(msg=str(error), paths=paths)
    if not module.check_mode and any(path.startswith(UNIT_DIRECTORIES) for path in paths):
        module.run_command(["systemctl", "daemon-reload"], check_rc=True)
    module.exit_json(changed=bool(paths), paths=paths, units=sorted(units), diff=differences)


if __name__ == "__main__":
    main()
