#!/usr/bin/python
# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab's cabling: one switch in a network namespace, and the links that join containers to it.

Containers have no network of their own making; the switch and every link are described in one task, so that one run of
the module looks at the namespaces once, says what is missing (check mode prints it) and creates only that. A container
that was restarted has lost its links and gets them back by the same task. A virtual machine's link is a tap device,
which its emulator opens by name.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_switch
short_description: Cable the lab's hosts to a switch in a network namespace
version_added: 0.1.0
description:
  - Keeps a network namespace with Linux bridges, pairs of virtual links between it and the network namespaces of
    containers, and tap devices for virtual machines. Only what is missing is created; the settings of a link that
    exists are left alone.
  - The task's host needs C(ip) and C(nsenter), and root.
author:
  - The Weft authors (@weft)
options:
  namespace:
    description: Name of the switch's network namespace.
    type: str
    required: true
  state:
    description:
      - V(absent) removes the given links. When no other links are left, so that no host is cabled to the switch any
        more, it removes the namespace with its bridges too, and ends the processes inside it, such as the connections
        of SSH that go through it.
    type: str
    choices: [present, absent]
    default: present
  bridges:
    description: The switch's bridges.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the bridge.
        type: str
        required: true
      mtu:
        description: Largest packet, in bytes.
        type: int
        default: 1500
      address:
        description: Address with prefix length that the switch's namespace itself has on the bridge.
        type: str
  links:
    description: The links between the switch and the hosts.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the switch's end; at most 15 characters.
        type: str
        required: true
      bridge:
        description: The bridge that the switch's end belongs to.
        type: str
        required: true
      pid:
        description:
          - A process in the host's network namespace, as a rule the container's first. Without one the link is a tap
            device for a virtual machine.
        type: int
      nic:
        description: Name of the host's end. Required with O(links[].pid).
        type: str
      mtu:
        description: Largest packet, in bytes.
        type: int
        default: 1500
      address:
        description: Address with prefix length of the host's end; none by default. A virtual machine sets its own.
        type: str
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    description: Prints what it would do and does nothing.
    support: full
  diff_mode:
    description: Shows the commands that are missing to the wished state.
    support: full
"""

EXAMPLES = r"""
- name: Join two containers to a bridge
  weft.ovn.lab_switch:
    namespace: weft-lab
    bridges:
      - {name: brm, address: 172.30.0.1/24}
    links:
      - {name: lab1-mgmt0, bridge: brm, pid: 4711, nic: mgmt0, address: 172.30.0.11/24}
      - {name: lab2-mgmt0, bridge: brm, pid: 4712, nic: mgmt0, address: 172.30.0.12/24}

- name: Make the tap device of a virtual machine
  weft.ovn.lab_switch:
    namespace: weft-lab
    links:
      - {name: metal1-mgmt0, bridge: brm}
"""

RETURN = r"""
commands:
  description: What was done, or in check mode would be done, in order.
  returned: always
  type: list
  elements: str
  sample: ["ip netns add weft-lab"]
"""

import json
import os
import signal
import time

from ansible.module_utils.basic import AnsibleModule

NETNS_DIR = "/var/run/netns"


def inside(pid):
    """Command prefix that runs in the network namespace of process PID."""
    return ["nsenter", "--target", str(pid), "--net"]


def plan_namespace(namespace, exists):
    if exists:
        return []
    return [["ip", "netns", "add", namespace], ["ip", "-n", namespace, "link", "set", "lo", "up"]]


def plan_bridge(namespace, bridge, nics):
    """Commands that are missing for one bridge; NICS are the namespace's interfaces by name."""
    switch = ["ip", "-n", namespace]
    commands = []
    if bridge["name"] not in nics:
        # Without snooping, neighbour discovery of IPv6 passes before any querier is heard.
        kind = ["type", "bridge", "mcast_snooping", "0"]
        commands.append([*switch, "link", "add", bridge["name"], "mtu", str(bridge["mtu"]), *kind])
        commands.append([*switch, "link", "set", bridge["name"], "up"])
    if bridge["address"] and bridge["address"] not in nics.get(bridge["name"], ()):
        commands.append([*switch, "address", "add", bridge["address"], "dev", bridge["name"]])
    return commands


def plan_link(namespace, link, switch_nics, host_nics):
    """Commands that are missing for one link. A half of a pair alone cannot be: the kernel removes both."""
    switch, host = ["ip", "-n", namespace], [*inside(link["pid"]), "ip"]
    commands = []
    if link["nic"] not in host_nics:
        if link["name"] in switch_nics:
            commands.append([*switch, "link", "delete", link["name"]])
        mtu = ["mtu", str(link["mtu"])]
        commands += [
            [
                *switch,
                "link",
                "add",
                link["name"],
                *mtu,
                "type",
                "veth",
                "peer",
                "name",
                link["nic"],
                *mtu,
                "netns",
                str(link["pid"]),
            ],
            [*switch, "link", "set", link["name"], "master", link["bridge"], "up"],
            [*host, "link", "set", link["nic"], "up"],
        ]
    if link["address"] and link["address"] not in host_nics.get(link["nic"], ()):
        commands.append([*host, "address", "add", link["address"], "dev", link["nic"]])
    return commands


def plan_removal(namespace, names, cabled):
    """Commands that take links away, of those that are CABLED to a bridge. The switch goes with the last of them."""
    if not cabled - set(names):
        return [["ip", "netns", "delete", namespace]]
    return [["ip", "-n", namespace, "link", "delete", name] for name in names if name in cabled]


def plan_tap(namespace, link, switch_nics):
    """Commands that are missing for a virtual machine's link. `vnet_hdr` lets it leave checksums to this machine."""
    if link["name"] in switch_nics:
        return []
    switch = ["ip", "-n", namespace]
    return [
        [*switch, "tuntap", "add", "dev", link["name"], "mode", "tap", "vnet_hdr"],
        [*switch, "link", "set", link["name"], "mtu", str(link["mtu"]), "master", link["bridge"], "up"],
    ]


class Switch:
    """Reads the present state and carries commands out."""

    def __init__(self, module):
        self.module = module
        self.namespace = module.params["namespace"]

    def exists(self):
        return os.path.exists(os.path.join(NETNS_DIR, self.namespace))

    def run(self, command):
        _code, out, _err = self.module.run_command(command, check_rc=True)
        return out

    def nics(self, command):
        """Addresses with prefix length of each interface, by its name."""
        return {
            nic["ifname"]: ["%s/%s" % (a["local"], a["prefixlen"]) for a in nic["addr_info"] if "local" in a]
            for nic in json.loads(self.run([*command, "-j", "address", "show"]))
            if "ifname" in nic
        }

    def plan(self):
        params = self.module.params
        commands = plan_namespace(self.namespace, self.exists())
        switch_nics = self.nics(["ip", "-n", self.namespace]) if self.exists() else {}
        for bridge in params["bridges"]:
            commands += plan_bridge(self.namespace, bridge, switch_nics)
        pids = {link["pid"] for link in params["links"] if link["pid"]}
        hosts = {pid: self.nics([*inside(pid), "ip"]) for pid in pids}
        for link in params["links"]:
            if link["pid"]:
                commands += plan_link(self.namespace, link, switch_nics, hosts[link["pid"]])
            else:
                commands += plan_tap(self.namespace, link, switch_nics)
        return commands

    def pids(self):
        return [int(pid) for pid in self.run(["ip", "netns", "pids", self.namespace]).split()]

    def end_processes(self):
        """A process that stays would keep the namespace alive without a name."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.pids():
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    continue
            deadline = time.monotonic() + 2
            while self.pids() and time.monotonic() < deadline:
                time.sleep(0.05)

    def removal(self):
        """Commands that remove the given links, and the switch when no others are left."""
        if not self.exists():
            return []
        links = json.loads(self.run(["ip", "-n", self.namespace, "-j", "link", "show"]))
        cabled = {link["ifname"] for link in links if "master" in link}
        return plan_removal(self.namespace, [link["name"] for link in self.module.params["links"]], cabled)


def main():
    module = AnsibleModule(
        argument_spec={
            "namespace": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "bridges": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "mtu": {"type": "int", "default": 1500},
                    "address": {"type": "str"},
                },
            },
            "links": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "bridge": {"type": "str", "required": True},
                    "pid": {"type": "int"},
                    "nic": {"type": "str"},
                    "mtu": {"type": "int", "default": 1500},
                    "address": {"type": "str"},
                },
                "required_by": {"pid": ["nic"]},
            },
        },
        supports_check_mode=True,
    )
    switch = Switch(module)
    commands = switch.removal() if module.params["state"] == "absent" else switch.plan()
    if not module.check_mode:
        for command in commands:
            if command[:3] == ["ip", "netns", "delete"]:
                switch.end_processes()
            switch.run(command)
    lines = [" ".join(command) for command in commands]
    after = "".join(line + "\n" for line in lines)
    module.exit_json(changed=bool(commands), commands=lines, diff={"before": "", "after": after})


if __name__ == "__main__":
    main()
