# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls weftctl, which has the connections, the rules and the words: a module adds check mode and diff.

One call for a whole list, since what costs is the connection and not the object.
"""

from __future__ import annotations

import json

CONNECTION_SPEC = {
    "weftctl": {"type": "path", "default": "/opt/weft/bin/weftctl"},
    "weftctl_config": {"type": "path", "default": "/etc/weft/weftctl.toml"},
}
"""Options of every module that uses it; documented in the fragment C(weft.ovn.weftctl)."""


class WeftctlError(Exception):
    """weftctl could not do it at all; the text is what it said."""


def call(module, arguments, data=None):
    """Run C(weftctl ARGUMENTS --output json) with `data` as its input; its answer, also when part of it was refused."""
    command = [module.params["weftctl"], "--config", module.params["weftctl_config"]]
    command += [*arguments, "--output", "json"]
    try:
        status, output, error = module.run_command(command, data=data, handle_exceptions=False)
    except OSError as failure:
        raise WeftctlError(
            "%s: cannot be run: %s. Run this task on a member of ovn_central, where the role controller installs it"
            % (command[0], failure.strerror)
        ) from failure
    try:
        answer = json.loads(output)
    except ValueError:
        answer = None
    if answer is None or status not in (0, 1):
        raise WeftctlError("%s: exit code %d: %s" % (" ".join(command), status, (error or output).strip()))
    return answer
