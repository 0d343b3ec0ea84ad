#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: services_bundle
short_description: Build the fabric's programs and all they need into one archive
version_added: 0.1.0
author: The Weft authors (@weft)
description:
  - Builds the wheel of the services, downloads the pinned wheels that they need for the hosts' Python, and packs them
    into one archive in a cache directory. The archive's name is a hash of all that went into it, so an unchanged source
    builds nothing.
  - Runs on the control node, which reaches a package index; hosts do not need one.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: A missing archive is reported and not built.
  diff_mode:
    support: none
    description: The archive is not text.
  platform:
    support: full
    platforms: posix
    description: The host runs Linux.
options:
  source:
    description: Directory of the services' package, with its C(pyproject.toml) and C(requirements.lock).
    type: path
    required: true
  cache:
    description: Directory of the archives.
    type: path
    required: true
  python:
    description: Version of the hosts' Python.
    type: str
    required: true
  platforms:
    description: Tags of the hosts' platform, as pip knows them.
    type: list
    elements: str
    default: [manylinux_2_28_x86_64, manylinux2014_x86_64]
"""

EXAMPLES = r"""
- name: The programs are built for Debian 13
  weft.ovn.services_bundle:
    source: "{{ playbook_dir }}/../services"
    cache: ~/.cache/weft/services
    python: "3.13"
  delegate_to: localhost
"""

RETURN = r"""
path:
  description: The archive.
  type: str
  returned: always
digest:
  description: Hash of all that went into it.
  type: str
  returned: always
"""

import hashlib
import os
import shutil
import sys
import tarfile
import tempfile

from ansible.module_utils.basic import AnsibleModule

# Raise it when the way of building changes.
FORMAT = "1"
IGNORED = ("__pycache__", "build", ".mypy_cache", ".ruff_cache", ".pytest_cache")


def sources(root):
    """Return the files that make up the package, relative to its directory, in a fixed order."""
    found = []
    for directory, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in IGNORED and not name.endswith(".egg-info"))
        found += [
            os.path.relpath(os.path.join(directory, name), root) for name in sorted(files) if not name.endswith(".pyc")
        ]
    return found


def digest(params, files):
    result = hashlib.sha256("\0".join([FORMAT, params["python"], *params["platforms"]]).encode())
    for name in files:
        with open(os.path.join(params["source"], name), "rb") as stream:
            content = hashlib.sha256(stream.read()).hexdigest()
        result.update(("%s\0%s\0" % (name, content)).encode())
    return result.hexdigest()[:16]


def pip(module, *arguments):
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    status, output, error = module.run_command(command)
    if status != 0:
        module.fail_json(msg="pip %s failed: %s" % (arguments[0], (error or output).strip()))


def build(module, files, archive, work):
    params = module.params
    source, wheels = os.path.join(work, "source"), os.path.join(work, "wheels")
    for name in files:
        target = os.path.join(source, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(os.path.join(params["source"], name), target)
    pip(module, "wheel", "--no-deps", "--wheel-dir", wheels, source)
    target = ["--implementation", "cp", "--python-version", params["python"]]
    for platform in params["platforms"]:
        target += ["--platform", platform]
    lock = os.path.join(source, "requirements.lock")
    pip(
        module,
        "download",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        *target,
        "--dest",
        wheels,
        "-r",
        lock,
    )
    os.makedirs(os.path.dirname(archive), exist_ok=True)
    packed = os.path.join(work, "archive")
    with tarfile.open(packed, "w") as tar:
        tar.add(wheels, arcname="wheels")
    shutil.move(packed, archive + ".new")
    os.replace(archive + ".new", archive)


def main():
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "path", "required": True},
            "cache": {"type": "path", "required": True},
            "python": {"type": "str", "required": True},
            "platforms": {
                "type": "list",
                "elements": "str",
                "default": ["manylinux_2_28_x86_64", "manylinux2014_x86_64"],
            },
        },
        supports_check_mode=True,
    )
    params = module.params
    files = sources(params["source"])
    if "pyproject.toml" not in files:
        module.fail_json(msg="source: %s has no pyproject.toml" % params["source"])
    name = digest(params, files)
    archive = os.path.join(params["cache"], "services-%s.tar" % name)
    missing = not os.path.exists(archive)
    if missing and not module.check_mode:
        work = tempfile.mkdtemp(prefix="weft-services-")
        try:
            build(module, files, archive, work)
        finally:
            shutil.rmtree(work)
    module.exit_json(changed=missing, path=archive, digest=name)


if __name__ == "__main__":
    main()
