#!/usr/bin/python
# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: devlink_param
short_description: Parameters of devices (devlink), such as a NIC's flow steering
version_added: 0.2.0
author: The Weft authors (@weft)
description:
  - Sets any number of parameters of any number of devices in one call. What is not given is left alone.
  - Everything that stands against it is found first, on all devices, and reported together; then nothing is changed.
  - A value of O(params[].cmode=driverinit) is in effect when the driver has started again, which O(reload) does and
    otherwise RV(reload_required) says; one of O(params[].cmode=permanent) when the device has, which takes a reboot
    or more.
  - Values of O(params[].cmode=permanent) outlast a reboot, others do not.
  - Needs Python and C(devlink) (iproute2) on the host, and root.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: Finds problems, and shows what would change.
  diff_mode:
    support: full
    description: Shows the values that differ, by device and parameter.
options:
  params:
    description: The parameters.
    type: list
    elements: dict
    required: true
    suboptions:
      device:
        description:
          - PCI address such as V(0000:01:00.0), name of the NIC's interface, or handle of devlink such as
            V(pci/0000:01:00.0).
        type: str
        required: true
      name:
        description: Name of the parameter, as C(devlink dev param show) has it.
        type: str
        required: true
      value:
        description: Its value, of the type that the driver shows (a number, true or false, text).
        type: raw
        required: true
      cmode:
        description: Configuration mode.
        type: str
        choices: [runtime, driverinit, permanent]
        default: runtime
  reload:
    description:
      - Whether drivers whose V(driverinit) parameters changed are started again (C(devlink dev reload)). Their
        interfaces go for a moment; refused while one of their functions is in use.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Flow steering in software, and more virtual functions in the firmware
  weft.ovn.devlink_param:
    params:
      - {device: ens1f0, name: flow_steering_mode, value: smfs}
      - {device: "0000:3b:00.1", name: enable_sriov, value: true, cmode: permanent}
  register: params

- name: Start the host again where that is needed
  ansible.builtin.reboot:
  when: params.reboot_required
"""

RETURN = r"""
reload_required:
  description: Devices whose drivers have to start again before values that this call set are in effect.
  returned: success
  type: list
  elements: str
  sample: [pci/0000:3b:00.0]
reboot_required:
  description: Devices that have to be started again, by a reboot, before values that this call set are in effect.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils.diff import sides
from ansible_collections.weft.ovn.plugins.module_utils.switchdev import params
from ansible_collections.weft.ovn.plugins.module_utils.switchdev.devices import DeviceError, Kernel

PARAM = {
    "device": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "value": {"type": "raw", "required": True},
    "cmode": {"type": "str", "choices": ["runtime", "driverinit", "permanent"], "default": "runtime"},
}


def waiting(changes, cmode):
    return sorted({handle for handle, _name, mode, _now, _value in changes if mode == cmode})


def shown(changes):
    """What is and what is wished, as a diff has it."""
    return sides({"%s %s (%s)" % (handle, name, cmode): pair for handle, name, cmode, *pair in changes})


def main():
    module = AnsibleModule(
        argument_spec={
            "params": {"type": "list", "elements": "dict", "required": True, "options": PARAM},
            "reload": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    kernel = Kernel()
    try:
        triples, problems = params.examine(kernel, module.params["params"])
        changes = [] if problems else params.differing(triples)
        reloaded = waiting(changes, "driverinit") if module.params["reload"] else []
        problems += params.reload_problems(kernel, reloaded)
        if problems:
            module.fail_json(msg="; ".join(problems), problems=problems)
        if not module.check_mode:
            params.apply(kernel, changes)
            params.reload(kernel, reloaded)
    except DeviceError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(changes),
        diff=shown(changes),
        reload_required=[handle for handle in waiting(changes, "driverinit") if handle not in reloaded],
        reboot_required=waiting(changes, "permanent"),
    )


if __name__ == "__main__":
    main()
