#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ovn_release
short_description: Refuse a host whose OVN is too old, before anything is installed
version_added: 0.1.0
author: The Weft authors (@weft)
description:
  - Asks the package manager which release of OVN the host has or would get, and fails when it is older than O(minimum).
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: A host without package lists is passed, with a warning.
  diff_mode:
    support: none
    description: Nothing is changed.
  platform:
    support: full
    platforms: posix
    description: The host runs Linux.
options:
  package:
    description: Package that brings OVN.
    type: str
    required: true
  minimum:
    description: Oldest release that works.
    type: str
    default: "24.03"
  update:
    description: Command that fetches the package lists, run when the package manager does not know the package.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: The host's OVN is recent enough
  weft.ovn.ovn_release:
    package: ovn-common
"""

RETURN = r"""
release:
  description: The release, empty when the package manager does not know it (check mode only).
  type: str
  returned: always
  sample: 25.03.0
"""

import re

from ansible.module_utils.basic import AnsibleModule

REASON = (
    "Older releases recompute the whole network for each change of one port, and lack ACL tiers, NAT match and "
    "policy BFD, which this fabric uses"
)
# What each package manager calls the version that is installed or would be.
QUESTIONS = (
    ("apt-cache", ["policy"], r"Candidate:\s*(?:\d+:)?(\d[^\s]*)"),
    ("dnf", ["--quiet", "info"], r"Version\s*:\s*(\d[^\s]*)"),
)


def release(module, package):
    for program, arguments, pattern in QUESTIONS:
        path = module.get_bin_path(program)
        if path:
            output = module.run_command([path, *arguments, package], environ_update={"LC_ALL": "C"})[1]
            found = re.search(pattern, output)
            return found.group(1) if found else ""
    return module.fail_json(msg="neither apt-cache nor dnf is on the host: its distribution is not supported")


def numbers(text):
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def main():
    module = AnsibleModule(
        argument_spec={
            "package": {"type": "str", "required": True},
            "minimum": {"type": "str", "default": "24.03"},
            "update": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    params = module.params
    found = release(module, params["package"])
    if not found and params["update"] and not module.check_mode:
        module.run_command(params["update"], check_rc=True)
        found = release(module, params["package"])
    if not found and module.check_mode:
        module.warn("the package manager does not know %s yet" % params["package"])
        module.exit_json(changed=False, release="")
    if not found:
        module.fail_json(msg="the package manager does not know %s: add the repository that has it" % params["package"])
    if numbers(found) < numbers(params["minimum"]):
        module.fail_json(
            msg="%s: got %s, %s or later is allowed. %s." % (params["package"], found, params["minimum"], REASON)
        )
    module.exit_json(changed=False, release=found)


if __name__ == "__main__":
    main()
