#!/usr/bin/python
# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: eswitch
short_description: Modes of the switches that NICs have inside (devlink), and what comes with them
version_added: 0.2.0
author: The Weft authors (@weft)
description:
  - Sets the modes of any number of embedded switches in one call, and what hangs on them, offload of flows, names of
    representors, bonds of uplinks (VF LAG), addresses for tunnels. What is not given is left alone.
  - Everything that stands against it is found first, on all devices, and reported together; then nothing is changed.
  - A change of the mode takes functions from their drivers where the driver needs that, chooses flow steering while the
    switch is in legacy mode, sets the mode, and gives the functions back. Virtual functions have to be there before,
    see M(weft.ovn.sriov_vf). Uplinks leave the bonds of O(bonds) before, and enter them last.
  - The mode stays, with an error, while a function is in use (its interface is in another network namespace, has an
    address or belongs to a bridge or bond, or a process has it by VFIO), while a representor belongs to a bridge, or
    the uplink to a bond that is not of O(bonds).
  - It does not outlast a reboot. The role P(weft.ovn.switchdev#role) adds a unit that does the same at each boot.
  - Needs Python, C(devlink) and C(ip) (iproute2), and C(ethtool) for O(devices[].tc_offload), on the host, and root.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: >-
      Finds problems, and shows what would change. Representors that a new mode makes are not seen before it.
  diff_mode:
    support: full
    description: Shows what is and what would be, where they differ.
options:
  devices:
    description: The NICs, each port of one by itself.
    type: list
    elements: dict
    default: []
    suboptions:
      device:
        description:
          - PCI address such as V(0000:01:00.0), name of the NIC's interface, or handle of devlink such as
            V(pci/0000:01:00.0). With some drivers the interface's name changes with the mode, the others do not.
        type: str
        required: true
      mode:
        description: >-
          With V(switchdev) each function has a representor, which is plugged into a switch of the host, and the
          uplink is set up.
        type: str
        choices: [legacy, switchdev]
      inline_mode:
        description: How much of a packet's header a function gives to the NIC beside the packet; old NICs need it.
        type: str
        choices: [none, link, network, transport]
      encap_mode:
        description: Whether the NIC can put packets into tunnels.
        type: str
        choices: [none, basic]
      steering_mode:
        description: >-
          Who manages the NIC's flow tables, V(smfs) the driver, V(dmfs) the firmware, V(hmfs) the hardware: the
          parameter C(flow_steering_mode) of mlx5. Another one takes the switch through legacy mode.
        type: str
        choices: [smfs, dmfs, hmfs]
      unbind:
        description: Whether functions have no driver while the mode changes. By default those of mlx5_core.
        type: bool
      tc_offload:
        description: >-
          Whether flows of tc go into the NIC (C(hw-tc-offload)), for its uplinks, and for representors that can be
          set.
        type: bool
      representors:
        description: >-
          What names of representors begin with, before the name of their port, such as C(pf0vf3); up to seven
          characters.
        type: str
      addresses:
        description: >-
          Addresses with prefix, such as V(192.0.2.1/24), that the uplink has. Only tunnels that end at an uplink, or
          a bond of uplinks, are offloaded.
        type: list
        elements: str
        default: []
  bonds:
    description: Bonds of uplinks, over which the functions of a NIC share its wires.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the bond's interface.
        type: str
        required: true
      mode:
        description: How wires are chosen.
        type: str
        choices: [active-backup, balance-xor, 802.3ad]
        default: active-backup
      members:
        description: The devices, which have to be in V(switchdev) mode, as O(devices[].device) names them.
        type: list
        elements: str
        required: true
      mtu:
        description: MTU of the bond and its members, in bytes.
        type: int
      addresses:
        description: Addresses with prefix that the bond has.
        type: list
        elements: str
        default: []
  state:
    description: >-
      V(absent) takes back what the options name, that is bonds, addresses and offload, and has switches that are
      described as V(switchdev) in V(legacy) mode.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Both ports of a NIC offload what its functions send, over both wires
  weft.ovn.eswitch:
    devices:
      - {device: "0000:3b:00.0", mode: switchdev, steering_mode: smfs, tc_offload: true, representors: a_}
      - {device: "0000:3b:00.1", mode: switchdev, steering_mode: smfs, tc_offload: true, representors: b_}
    bonds:
      - name: bond1
        mode: 802.3ad
        members: ["0000:3b:00.0", "0000:3b:00.1"]
        addresses: [192.0.2.1/24]
"""

RETURN = r"""
devices:
  description: >-
    What each device has now, or in check mode had, by its handle; null for what it cannot have. C(representors) has
    names by port.
  returned: success
  type: dict
  sample:
    pci/0000:3b:00.0:
      mode: switchdev
      inline_mode: none
      encap_mode: basic
      steering_mode: smfs
      uplinks: [ens1f0np0]
      representors: {pf0vf0: a_pf0vf0}
handles:
  description: The handle of each device, by what O(devices[].device) calls it.
  returned: success
  type: dict
  sample: {ens1f0: pci/0000:3b:00.0}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils import switchdev
from ansible_collections.weft.ovn.plugins.module_utils.diff import sides
from ansible_collections.weft.ovn.plugins.module_utils.switchdev import devices, eswitch
from ansible_collections.weft.ovn.plugins.module_utils.switchdev.devices import DeviceError, Kernel

STRINGS = {"type": "list", "elements": "str", "default": []}
DEVICE = {
    "device": {"type": "str", "required": True},
    "mode": {"type": "str", "choices": ["legacy", "switchdev"]},
    "inline_mode": {"type": "str", "choices": ["none", "link", "network", "transport"]},
    "encap_mode": {"type": "str", "choices": ["none", "basic"]},
    "steering_mode": {"type": "str", "choices": ["smfs", "dmfs", "hmfs"]},
    "unbind": {"type": "bool"},
    "tc_offload": {"type": "bool"},
    "representors": {"type": "str"},
    "addresses": STRINGS,
}
BOND = {
    "name": {"type": "str", "required": True},
    "mode": {"type": "str", "choices": ["active-backup", "balance-xor", "802.3ad"], "default": "active-backup"},
    "members": {"type": "list", "elements": "str", "required": True},
    "mtu": {"type": "int"},
    "addresses": STRINGS,
}


def seen(kernel, handle):
    ports = devices.representors(kernel, handle)
    return {
        **eswitch.observe(kernel, handle),
        "uplinks": devices.uplinks(kernel, handle),
        "representors": {port: name for name, port in ports.items()},
    }


def main():
    module = AnsibleModule(
        argument_spec={
            "devices": {"type": "list", "elements": "dict", "default": [], "options": DEVICE},
            "bonds": {"type": "list", "elements": "dict", "default": [], "options": BOND},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    kernel, wish = Kernel(), module.params
    if wish["state"] == "absent":
        wish = switchdev.taken_back(wish)
    try:
        found, problems = switchdev.examine(kernel, wish)
        if problems:
            module.fail_json(msg="; ".join(problems), problems=problems)
        differing = switchdev.difference(kernel, found)
        if differing and not module.check_mode:
            switchdev.apply(kernel, found)
        now = {handle: seen(kernel, handle) for handle, _device in found[0]}
    except DeviceError as error:
        module.fail_json(msg=str(error))
    handles = {device["device"]: handle for handle, device in found[0]}
    module.exit_json(changed=bool(differing), devices=now, handles=handles, diff=sides(differing))


if __name__ == "__main__":
    main()
