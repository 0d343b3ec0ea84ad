#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_units
short_description: Keep systemd units enabled and running, and restart those whose files changed
version_added: 0.1.0
author: The Weft authors (@weft)
description:
  - Enables and starts several units in one call, and restarts the ones named in O(restart).
  - When a unit does not come up, the error carries the last lines of its journal.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: A unit that an earlier task would have made counts as changed.
  diff_mode:
    support: full
    description: What would change or changed is shown.
  platform:
    support: full
    platforms: posix
    description: The host runs systemd.
options:
  units:
    description: Units that are enabled (when they can be) and running.
    type: list
    elements: str
    default: []
  restart:
    description: Units that are restarted now, in this order.
    type: list
    elements: str
    default: []
  stop:
    description: Units that are stopped and no longer enabled. One that does not exist is left alone.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: The agent runs
  weft.ovn.host_units:
    units: [weft-agent.service]
"""

RETURN = r"""
started:
  description: The units that were started or restarted.
  type: list
  elements: str
  returned: always
enabled:
  description: The units that were enabled.
  type: list
  elements: str
  returned: always
stopped:
  description: The units that were stopped or disabled.
  type: list
  elements: str
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule

ENABLED = ("enabled", "enabled-runtime", "static", "alias", "indirect", "generated")


def states(module, units):
    """Return the properties of each unit by the name that was asked for."""
    if not units:
        return {}
    names = "Id,LoadState,ActiveState,UnitFileState"
    _status, output, _error = module.run_command(["systemctl", "show", "--property", names, *units])
    blocks = [
        dict(line.split("=", 1) for line in block.splitlines()) for block in output.strip().split("\n\n") if block
    ]
    return dict(zip(units, blocks))


def control(module, verb, units):
    if not units or module.check_mode:
        return
    status, _output, error = module.run_command(["systemctl", verb, *units])
    if status != 0:
        module.fail_json(msg="systemctl %s %s: %s\n%s" % (verb, " ".join(units), error.strip(), journal(module, units)))


def journal(module, units):
    failed = [unit for unit, state in states(module, units).items() if state.get("ActiveState") != "active"]
    command = ["journalctl", "--no-pager", "--lines", "20", "--output", "cat"]
    for unit in failed:
        command += ["--unit", unit]
    return module.run_command(command)[1] if failed else ""


def is_there(state):
    """Tell whether a unit runs or would run after the next boot."""
    return state.get("ActiveState") in ("active", "activating") or state.get("UnitFileState") == "enabled"


def main():
    units = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(argument_spec={"units": units, "restart": units, "stop": units}, supports_check_mode=True)
    wanted, restart = module.params["units"], module.params["restart"]
    unwanted = module.params["stop"]
    found = states(module, wanted + unwanted)
    enable = [unit for unit in wanted if found.get(unit, {}).get("UnitFileState", "") not in ENABLED]
    start = [unit for unit in wanted if found.get(unit, {}).get("ActiveState") != "active" and unit not in restart]
    stop = [unit for unit in unwanted if is_there(found.get(unit, {}))]
    control(module, "disable", [unit for unit in stop if found[unit].get("UnitFileState") == "enabled"])
    control(module, "stop", stop)
    control(module, "enable", enable)
    control(module, "restart", restart)
    control(module, "start", start)
    before = {
        unit: "%s, %s" % (found[unit].get("UnitFileState"), found[unit].get("ActiveState"))
        for unit in found
        if unit in enable + start + stop
    }
    after = dict.fromkeys(enable + start, "enabled, active")
    after.update(dict.fromkeys(restart, "restarted"))
    after.update(dict.fromkeys(stop, "disabled, inactive"))
    module.exit_json(
        changed=bool(enable or start or restart or stop),
        started=restart + start,
        enabled=enable,
        stopped=stop,
        diff={"before": before, "after": after},
    )


if __name__ == "__main__":
    main()
