#!/usr/bin/python
# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_tuning
short_description: Hugepages, processors, kernel arguments, interrupts and NICs for a fast datapath
version_added: 0.2.0
author: The Weft authors (@weft)
description:
  - Makes a host's kernel and NICs as described, as far as that is possible while it runs, and says why it has to be
    started again for the rest.
  - Everything that stands against it on the host is found first and reported together; then nothing is changed.
  - What an option does not name is left alone. Only kernel arguments outlast a reboot; the role
    P(weft.ovn.host_tuning#role) has a unit that makes the rest again at each boot.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: Finds problems, and shows what would change.
  diff_mode:
    support: full
    description: Shows what is and what would be, where they differ.
options:
  hugepages:
    description: Hugepages that the host has.
    type: list
    elements: dict
    default: []
    suboptions:
      size:
        description: Size of a page. Those of V(1G) are asked for in the kernel's arguments too.
        type: str
        choices: [2M, 1G]
        required: true
      count:
        description: Number of pages. Fewer than are in use is refused.
        type: int
        required: true
      node:
        description: NUMA node. Without it the kernel spreads them.
        type: int
  isolated_cpus:
    description:
      - Processors that the kernel's scheduler, its ticks and its callbacks leave alone, such as V(2-7,10).
      - Becomes the kernel arguments C(isolcpus), C(nohz_full) and C(rcu_nocbs).
    type: str
  interrupt_cpus:
    description: Processors that serve interrupts. Those that the kernel spreads by itself stay as they are.
    type: str
  kernel_arguments:
    description:
      - Arguments for the kernel, by GRUB, in this order. Their names are then given here alone, whatever other files of
        GRUB say.
    type: list
    elements: str
    default: []
  removed_kernel_arguments:
    description: Names of arguments that the kernel is not given.
    type: list
    elements: str
    default: []
  profile:
    description:
      - Profile of C(tuned), such as V(throughput-performance); several names, with spaces between them, are merged.
        V(recommended) leaves the choice to C(tuned).
      - C(tuned) has to be installed, and to run. Kernel arguments that the profile gives are taken into account; those
        that other options ask for too are refused.
    type: str
  sysctls:
    description: Kernel parameters (sysctl) by name.
    type: dict
    default: {}
  nics:
    description: NICs and their settings, as C(ethtool) names them.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the interface.
        type: str
        required: true
      rings:
        description: Sizes of rings by name, such as C(rx) and C(tx).
        type: dict
      channels:
        description: Numbers of queues by name, such as C(combined).
        type: dict
      offloads:
        description: Offloads by name, such as C(generic-receive-offload), and whether they are on.
        type: dict
"""

EXAMPLES = r"""
- name: Memory and processors for a datapath in user space
  weft.ovn.host_tuning:
    hugepages:
      - {size: 1G, count: 4, node: 0}
    isolated_cpus: "2-7"
    interrupt_cpus: "0-1"
    kernel_arguments: [intel_iommu=on, iommu=pt]
    nics:
      - {name: ens1f0, rings: {rx: 4096}, offloads: {generic-receive-offload: true}}
  register: tuned

- name: Start the host again where that is needed
  ansible.builtin.reboot:
  when: tuned.reboot_required
"""

RETURN = r"""
reboot_required:
  description: Whether the host has to be started again.
  returned: success
  type: bool
reasons:
  description: Why it has to be.
  returned: success
  type: list
  elements: str
  sample: [its kernel was started with other arguments than GRUB gives]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils import tuning
from ansible_collections.weft.ovn.plugins.module_utils.diff import sides
from ansible_collections.weft.ovn.plugins.module_utils.tuning.host import Host, TuningError

PAGES = {
    "size": {"type": "str", "choices": ["2M", "1G"], "required": True},
    "count": {"type": "int", "required": True},
    "node": {"type": "int"},
}
NIC = {
    "name": {"type": "str", "required": True},
    "rings": {"type": "dict"},
    "channels": {"type": "dict"},
    "offloads": {"type": "dict"},
}
STRINGS = {"type": "list", "elements": "str", "default": []}


def main():
    module = AnsibleModule(
        argument_spec={
            "hugepages": {"type": "list", "elements": "dict", "default": [], "options": PAGES},
            "isolated_cpus": {"type": "str"},
            "interrupt_cpus": {"type": "str"},
            "kernel_arguments": STRINGS,
            "removed_kernel_arguments": STRINGS,
            "profile": {"type": "str"},
            "sysctls": {"type": "dict", "default": {}},
            "nics": {"type": "list", "elements": "dict", "default": [], "options": NIC},
        },
        supports_check_mode=True,
    )
    host, wish = Host(), module.params
    try:
        if problems := tuning.problems(host, wish):
            module.fail_json(msg="; ".join(problems), problems=problems)
        pairs = tuning.difference(host, wish)
        short = tuning.apply(host, wish) if pairs and not module.check_mode else []
        reasons = tuning.reboot_reasons(host, wish, short)
    except TuningError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(pairs), diff=sides(pairs), reboot_required=bool(reasons), reasons=reasons)


if __name__ == "__main__":
    main()
