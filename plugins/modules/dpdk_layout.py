#!/usr/bin/python
# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: dpdk_layout
short_description: Compute cores, memory and devices for Open vSwitch with DPDK, and find all that stands against it
version_added: 0.3.0
author: The Weft authors (@weft)
description:
  - Reads the host's NUMA nodes, cores, huge pages and NICs, and returns what Open vSwitch is to be told so that the
    ports of O(ports) pass packets in user space. Nothing is changed.
  - What is not given is computed. The cores that poll are whole cores of the NUMA nodes that have the NICs, isolated
    ones first, never the system's first core, nor one of O(guest_cpus). The memory of a node is that of its ports'
    buffers by their MTU.
  - Fails with all problems of the host at once, with NIC, CPU, NUMA node and limit.
  - Needs Python and C(ip) on the host, and root.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: It only reads.
  diff_mode:
    support: none
    description: It only reads.
options:
  ports:
    description: Ports of bridges with NICs that DPDK drives.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the port.
        type: str
        required: true
      bridge:
        description: Name of its bridge.
        type: str
        default: br-phy
      nics:
        description: One NIC, or several that are a bond.
        type: list
        elements: dict
        required: true
        suboptions:
          name:
            description: Name of its interface while a kernel's driver has it.
            type: str
          address:
            description: PCI address, such as V(0000:02:00.0).
            type: str
          devargs:
            description: A virtual device of DPDK in place of a NIC, such as V(net_af_packet0,iface=eth1).
            type: str
          interface:
            description: Name of the switch's interface; that of the port by default, with a number in a bond.
            type: str
          driver:
            description:
              - Driver by which a process has the NIC. V(kernel) leaves it to its own, as NICs of Mellanox need.
            type: str
            choices: [vfio-pci, uio_pci_generic, kernel]
            default: vfio-pci
      mtu:
        description: MTU in bytes.
        type: int
      queues:
        description: Queues that receive.
        type: int
        default: 1
      rx_descriptors:
        description: Descriptors of each of them; the switch's default when not given.
        type: int
      tx_descriptors:
        description: Descriptors of each queue that sends; the switch's default when not given.
        type: int
      bond_mode:
        description: How a bond spreads what it sends; the switch's default when not given.
        type: str
        choices: [active-backup, balance-slb, balance-tcp]
      lacp:
        description: Whether a bond speaks LACP; the switch's default when not given.
        type: str
        choices: [active, passive, "off"]
  vhosts:
    description: Ports that connect to sockets which hypervisors make.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the port.
        type: str
        required: true
      bridge:
        description: Name of its bridge.
        type: str
        default: br-int
      socket:
        description: Path of the socket.
        type: path
        required: true
      iface_id:
        description: Logical switch port that it is.
        type: str
      mtu:
        description: MTU in bytes.
        type: int
  pmd_cpus:
    description: CPUs that poll, such as V(2-3,18-19).
    type: str
  pmd_cores_per_node:
    description: Cores, with all their threads, that poll on each NUMA node with NICs, where O(pmd_cpus) is not given.
    type: int
    default: 1
  pmd_sleep:
    description: Microseconds for which a thread with nothing to do may sleep, which allows all CPUs to poll.
    type: int
    default: 0
  guest_cpus:
    description: CPUs that guests have to themselves.
    type: str
  memory:
    description: MiB of huge pages of each NUMA node, from node 0 on.
    type: list
    elements: int
  per_port_memory:
    description: Whether each port has a pool of buffers of its own, and a smaller one.
    type: bool
    default: false
  hugepages:
    description: Whether memory is of huge pages; without them it is slower, and only of use in labs.
    type: bool
    default: true
  pci:
    description: Whether DPDK looks for NICs; where none is used it need not.
    type: bool
    default: true
  extra:
    description: Further arguments of DPDK.
    type: list
    elements: str
    default: []
  known:
    description:
      - Path of a file of this host in which an earlier run put its RV(devices), whose interfaces have no names since.
    type: path
"""

EXAMPLES = r"""
- name: What would this host give?
  weft.ovn.dpdk_layout:
    ports:
      - name: dpdk-bond
        bridge: br-phy
        nics: [{name: ens1f0}, {name: ens1f1}]
        mtu: 9000
        queues: 2
        bond_mode: balance-tcp
        lacp: active
    guest_cpus: 8-15
  register: layout
"""

RETURN = r"""
pmd_cpus:
  description: The CPUs that poll.
  returned: success
  type: str
  sample: 2-3
pmd_cpu_mask:
  description: The same as the switch takes it.
  returned: success
  type: str
  sample: "0xc"
memory:
  description: MiB of huge pages of each NUMA node, from node 0 on.
  returned: success
  type: list
  elements: int
start_config:
  description: Keys of C(Open_vSwitch.other_config) that the switch reads when it starts.
  returned: success
  type: dict
devices:
  description: The devices that need a driver, for M(weft.ovn.driver_binding), with the names of their interfaces.
  returned: success
  type: list
  elements: dict
rows:
  description: The ports, as M(weft.ovn.ovsdb_rows) takes them.
  returned: success
  type: list
  elements: dict
interfaces:
  description: The names of the switch's interfaces.
  returned: success
  type: list
  elements: str
problems:
  description: All that stands against it.
  returned: failure
  type: list
  elements: str
"""

import json
import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils import sriov
from ansible_collections.weft.ovn.plugins.module_utils.dpdk import layout, rows
from ansible_collections.weft.ovn.plugins.module_utils.dpdk.machine import Machine, environments, ssh_address
from ansible_collections.weft.ovn.plugins.module_utils.dpdk.problems import lonely, problems
from ansible_collections.weft.ovn.plugins.module_utils.tuning.cpus import parse_cpus

NIC = {
    "name": {"type": "str"},
    "address": {"type": "str"},
    "devargs": {"type": "str"},
    "interface": {"type": "str"},
    "driver": {"type": "str", "choices": ["vfio-pci", "uio_pci_generic", "kernel"], "default": "vfio-pci"},
}
PORT = {
    "name": {"type": "str", "required": True},
    "bridge": {"type": "str", "default": "br-phy"},
    "nics": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": NIC,
    },
    "mtu": {"type": "int"},
    "queues": {"type": "int", "default": 1},
    "rx_descriptors": {"type": "int"},
    "tx_descriptors": {"type": "int"},
    "bond_mode": {"type": "str", "choices": ["active-backup", "balance-slb", "balance-tcp"]},
    "lacp": {"type": "str", "choices": ["active", "passive", "off"]},
}
VHOST = {
    "name": {"type": "str", "required": True},
    "bridge": {"type": "str", "default": "br-int"},
    "socket": {"type": "path", "required": True},
    "iface_id": {"type": "str"},
    "mtu": {"type": "int"},
}
ARGUMENTS = {
    "ports": {"type": "list", "elements": "dict", "default": [], "options": PORT},
    "vhosts": {"type": "list", "elements": "dict", "default": [], "options": VHOST},
    "pmd_cpus": {"type": "str"},
    "pmd_cores_per_node": {"type": "int", "default": 1},
    "pmd_sleep": {"type": "int", "default": 0},
    "guest_cpus": {"type": "str"},
    "memory": {"type": "list", "elements": "int"},
    "per_port_memory": {"type": "bool", "default": False},
    "hugepages": {"type": "bool", "default": True},
    "pci": {"type": "bool", "default": True},
    "extra": {"type": "list", "elements": "str", "default": []},
    "known": {"type": "path"},
}


def known_devices(path):
    """The devices that an earlier run wrote down, or none."""
    try:
        with open(path or "") as file:
            return json.load(file)
    except (OSError, ValueError):
        return []


def is_running(module):
    """Whether the switch runs with DPDK, and so has its huge pages already."""
    words = ["ovs-vsctl", "--timeout=5", "get", "Open_vSwitch", ".", "dpdk_initialized"]
    try:
        return module.run_command(words, handle_exceptions=False)[1].strip() == "true"
    except OSError:
        return False


def main():
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    kernel, wish = sriov.Kernel(), module.params
    try:
        machine = Machine(kernel, known_devices(wish["known"]))
        ssh = ssh_address(environments(kernel.proc, os.getpid()))
        found = problems(machine, wish, ssh, is_running(module))
        if found:
            module.fail_json(msg="; ".join(found), problems=found)
        made = layout.plan(machine, wish)
        for warning in lonely(machine, wish, parse_cpus(made["pmd_cpus"])):
            module.warn(warning)
    except sriov.SriovError as error:
        module.fail_json(msg=str(error))
    interfaces = made.pop("interfaces")
    module.exit_json(
        changed=False,
        rows=rows.all_rows(wish["ports"], wish["vhosts"], interfaces),
        interfaces=[item["name"] for items in interfaces.values() for item in items],
        **made,
    )


if __name__ == "__main__":
    main()
