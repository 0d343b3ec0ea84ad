#!/usr/bin/python
# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: driver_binding
short_description: Bind PCI devices to drivers
version_added: 0.1.0
author: The Weft authors (@weft)
description:
  - Gives each PCI device the driver that is named for it, by the kernel's C(driver_override), so that no other driver
    takes it.
  - Everything that stands against it is found first, for all devices, and reported together; then nothing is changed.
  - A device that is in use is left to its driver with an error. It does not outlast a reboot.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: Finds problems, and shows what would change.
  diff_mode:
    support: full
    description: Shows the drivers that would change.
options:
  devices:
    description: The devices.
    type: list
    elements: dict
    required: true
    suboptions:
      address:
        description: PCI address, such as V(0000:01:00.0).
        type: str
        required: true
      driver:
        description: Name of the driver, such as V(vfio-pci). Without one the kernel chooses.
        type: str
"""

EXAMPLES = r"""
- name: A NIC for a datapath in user space
  weft.ovn.driver_binding:
    devices:
      - {address: "0000:02:00.0", driver: vfio-pci}
"""

RETURN = r"""
drivers:
  description: The driver of each device after the call, by its address.
  returned: success
  type: dict
  sample: {"0000:02:00.0": vfio-pci}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils import sriov


def wrong(kernel, device):
    """What stands against one device's driver."""
    address, driver = device["address"], device["driver"]
    known = kernel.names("bus/pci/devices")
    if address not in known:
        return ["%s: no such PCI device; this host has %s" % (address, ", ".join(known))]
    found = []
    if driver == "vfio-pci" and not kernel.names("kernel/iommu_groups"):
        found.append("%s: vfio-pci needs an IOMMU, and the kernel has none on" % address)
    if not sriov.settled(kernel, device):
        found += ["%s: it is in use: %s" % (address, reason) for reason in sriov.users(kernel, address)]
    return found


def main():
    options = {"address": {"type": "str", "required": True}, "driver": {"type": "str"}}
    devices = {"type": "list", "elements": "dict", "required": True, "options": options}
    module = AnsibleModule(argument_spec={"devices": devices}, supports_check_mode=True)
    kernel = sriov.Kernel()
    problems = [problem for device in module.params["devices"] for problem in wrong(kernel, device)]
    if problems:
        module.fail_json(msg="; ".join(problems), problems=problems)
    changing = [device for device in module.params["devices"] if not sriov.settled(kernel, device)]
    before = {device["address"]: kernel.link(device["address"], "driver") for device in changing}
    try:
        if not module.check_mode:
            sriov.bind_all(kernel, changing)
    except sriov.SriovError as error:
        module.fail_json(msg=str(error))
    drivers = {device["address"]: kernel.link(device["address"], "driver") for device in module.params["devices"]}
    after = {device["address"]: device["driver"] or "the kernel's choice" for device in changing}
    module.exit_json(changed=bool(changing), drivers=drivers, diff={"before": before, "after": after})


if __name__ == "__main__":
    main()
