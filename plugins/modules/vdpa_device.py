#!/usr/bin/python
# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: vdpa_device
short_description: Keep vDPA devices with their MAC, MTU, queues and drivers
version_added: 0.2.0
author: The Weft authors (@weft)
description:
  - Makes any number of vDPA devices in one call. What is not given is left alone.
  - Everything that stands against it is found first, for all devices, and reported together; then nothing is changed.
  - A device has its MAC, MTU and queues for life, so that others mean that it is made anew. That, another driver, and
    its end, are refused while it is in use, that is while a process has its character device open, or its interface is
    in another network namespace, has an address or belongs to a bridge or bond.
  - It does not outlast a reboot. The role P(weft.ovn.vdpa#role) adds a unit that does the same at each boot.
  - Needs Python, C(vdpa) and C(ip) (iproute2) on the host, and root.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: >-
      Finds problems, and shows what would change. What management devices can is not known before their modules and
      drivers are there.
  diff_mode:
    support: full
    description: Shows what differs, by device and setting.
options:
  devices:
    description: The devices.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the device on the bus of vDPA.
        type: str
        required: true
      management_device:
        description: >-
          What makes it, as C(vdpa mgmtdev show) names it, such as V(pci/0000:3b:00.2) for a virtual function of mlx5,
          V(vdpasim_net), or V(vduse) for a program that has made C(/dev/vduse/NAME).
        type: str
        required: true
      mac:
        description: MAC address.
        type: str
      mtu:
        description: MTU in bytes.
        type: int
      queue_pairs:
        description: Number of pairs of queues; more than one needs a management device that can.
        type: int
      driver:
        description: >-
          V(vhost_vdpa) gives a virtual machine or a program the character device C(/dev/vhost-vdpa-N), V(virtio_vdpa)
          gives the host, or a pod, an interface.
        type: str
        choices: [vhost_vdpa, virtio_vdpa]
      pci_driver:
        description: Driver that makes a PCI device a management device, such as V(vp_vdpa) for a virtio NIC.
        type: str
      state:
        description: Whether the device exists.
        type: str
        choices: [present, absent]
        default: present
  modules:
    description: Modules of the kernel that management devices need, such as V(mlx5_vdpa) or V(vduse).
    type: list
    elements: str
    default: []
  group:
    description: Group that may open the character devices of O(devices[].driver=vhost_vdpa), such as V(kvm).
    type: str
"""

EXAMPLES = r"""
- name: A device for a virtual machine and one for a pod, of two virtual functions
  weft.ovn.vdpa_device:
    modules: [mlx5_vdpa]
    group: kvm
    devices:
      - {name: vdpa0, management_device: "pci/0000:3b:00.2", mac: "02:00:00:00:10:00", driver: vhost_vdpa}
      - {name: vdpa1, management_device: "pci/0000:3b:00.3", queue_pairs: 4, driver: virtio_vdpa}
"""

RETURN = r"""
devices:
  description: What each device has now, or in check mode had, by its name; null where there is none.
  returned: success
  type: dict
  sample:
    vdpa0:
      management_device: pci/0000:3b:00.2
      mac: "02:00:00:00:10:00"
      mtu: 1500
      queue_pairs: 4
      driver: vhost_vdpa
      path: /dev/vhost-vdpa-0
      interface: null
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils import vdpa
from ansible_collections.weft.ovn.plugins.module_utils.diff import sides

DEVICE = {
    "name": {"type": "str", "required": True},
    "management_device": {"type": "str", "required": True},
    "mac": {"type": "str"},
    "mtu": {"type": "int"},
    "queue_pairs": {"type": "int"},
    "driver": {"type": "str", "choices": ["vhost_vdpa", "virtio_vdpa"]},
    "pci_driver": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main():
    module = AnsibleModule(
        argument_spec={
            "devices": {"type": "list", "elements": "dict", "required": True, "options": DEVICE},
            "modules": {"type": "list", "elements": "str", "default": []},
            "group": {"type": "str"},
        },
        supports_check_mode=True,
    )
    kernel, wish = vdpa.Kernel(), module.params
    try:
        if problems := vdpa.problems(kernel, wish):
            module.fail_json(msg="; ".join(problems), problems=problems)
        differing = vdpa.difference(kernel, wish)
        if differing and not module.check_mode:
            vdpa.apply(kernel, wish)
        now = {device["name"]: vdpa.observe(kernel, device["name"]) for device in wish["devices"]}
    except vdpa.VdpaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(differing), devices=now, diff=sides(differing))


if __name__ == "__main__":
    main()
