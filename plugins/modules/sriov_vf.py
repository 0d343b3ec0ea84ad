#!/usr/bin/python
# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: sriov_vf
short_description: Keep virtual functions of NICs (SR-IOV) with their settings and drivers
version_added: 0.1.0
author: The Weft authors (@weft)
description:
  - Makes virtual functions of any number of NICs in one call, and keeps their settings. What is not given is left
    alone.
  - Everything that stands against the wish is found first, on all NICs, and reported together; then nothing is changed.
  - Another number of functions means that all of a NIC are made anew. That is refused while one of them is in use, that
    is while its interface is in another network namespace, has an address or belongs to a bridge or bond, or a process
    has it by VFIO.
  - It does not outlast a reboot. The role P(weft.ovn.sriov#role) adds a unit that does the same at each boot.
  - Needs Python and C(ip) on the host, and root.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: Finds problems, and shows what would change.
  diff_mode:
    support: full
    description: Shows what differs, per NIC and function.
options:
  nics:
    description:
      - The NICs, each chosen by any of O(nics[].name), O(nics[].address), O(nics[].vendor) and O(nics[].device).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the NIC's interface.
        type: str
      address:
        description: PCI address, such as V(0000:01:00.0).
        type: str
      vendor:
        description: PCI vendor, four hexadecimal digits. With O(nics[].device) it may choose several NICs.
        type: str
      device:
        description: PCI device, four hexadecimal digits.
        type: str
      count:
        description: Number of virtual functions; V(0) removes them.
        type: int
        required: true
      mtu:
        description: MTU of the NIC itself, in bytes.
        type: int
      all_functions:
        description: Settings of every function of the NIC.
        type: dict
        suboptions: &settings
          vlan:
            description: VLAN that the NIC puts the function's packets into; V(0) for none.
            type: int
          qos:
            description: Priority of those packets, 0 to 7.
            type: int
          spoof_check:
            description: Whether packets with another source than the function's MAC are dropped.
            type: bool
          trust:
            description: Whether the function may be set to receive everything, or change its MAC.
            type: bool
          min_tx_rate:
            description: Guaranteed bandwidth of what it sends, in Mbit/s; few drivers can.
            type: int
          max_tx_rate:
            description: Limit of what it sends, in Mbit/s; V(0) for none.
            type: int
          link_state:
            description:
              - Whether the function's link follows the NIC's, or is up or down regardless; not all drivers can.
            type: str
            choices: [auto, up, down]
          driver:
            description:
              - Driver of the function, such as V(vfio-pci). The kernel's own choice where none is given and it is new.
            type: str
          mtu:
            description: MTU of the function's interface, in bytes.
            type: int
      functions:
        description: Settings of single functions, which come before O(nics[].all_functions).
        type: list
        elements: dict
        default: []
        suboptions:
          index:
            description: Number of the function, from 0.
            type: int
            required: true
          mac:
            description: MAC address.
            type: str
          <<: *settings
"""

EXAMPLES = r"""
- name: Four functions, one of them for a virtual machine
  weft.ovn.sriov_vf:
    nics:
      - name: ens1f0
        count: 4
        all_functions: {trust: false, spoof_check: true}
        functions:
          - {index: 0, mac: "02:00:00:00:10:00", vlan: 100, qos: 3, driver: vfio-pci}
"""

RETURN = r"""
nics:
  description: What each NIC that was chosen has now, or in check mode had, by its name.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils import sriov

SETTINGS = {
    "vlan": {"type": "int"},
    "qos": {"type": "int"},
    "spoof_check": {"type": "bool"},
    "trust": {"type": "bool"},
    "min_tx_rate": {"type": "int"},
    "max_tx_rate": {"type": "int"},
    "link_state": {"type": "str", "choices": ["auto", "up", "down"]},
    "driver": {"type": "str"},
    "mtu": {"type": "int"},
}
NIC = {
    "name": {"type": "str"},
    "address": {"type": "str"},
    "vendor": {"type": "str"},
    "device": {"type": "str"},
    "count": {"type": "int", "required": True},
    "mtu": {"type": "int"},
    "all_functions": {"type": "dict", "options": SETTINGS},
    "functions": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"index": {"type": "int", "required": True}, "mac": {"type": "str"}, **SETTINGS},
    },
}


def main():
    nics = {"type": "list", "elements": "dict", "required": True, "options": NIC}
    module = AnsibleModule(argument_spec={"nics": nics}, supports_check_mode=True)
    kernel = sriov.Kernel()
    pairs, problems = sriov.examine(kernel, module.params["nics"])
    if problems:
        module.fail_json(msg="; ".join(problems), problems=problems)
    before, after = {}, {}
    try:
        for nic, wish in pairs:
            was, will = sriov.difference(sriov.observe(kernel, nic), wish)
            if will:
                before[nic["name"]], after[nic["name"]] = was, will
                if not module.check_mode:
                    sriov.apply_nic(kernel, nic, wish)
        now = sriov.find_nics(kernel)
        seen = {nic["name"]: sriov.observe(kernel, now[nic["address"]]) for nic, _wish in pairs}
    except sriov.SriovError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(after), nics=seen, diff={"before": before, "after": after})


if __name__ == "__main__":
    main()
