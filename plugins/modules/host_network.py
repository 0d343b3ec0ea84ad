#!/usr/bin/python
# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_network
short_description: Names, bonds, VLANs, bridges and addresses of a host's network interfaces
version_added: 0.2.0
author: The Weft authors (@weft)
description:
  - Makes a host's network as described, by files of C(systemd-networkd) and bridges of Open vSwitch, or by
    C(nmstatectl) where NetworkManager runs.
  - A change undoes itself after O(rollback_after) seconds, by a timer on the host, unless a further call with
    O(confirm) keeps it. Make that call by a new connection, as the role P(weft.ovn.host_network#role) does.
  - Everything that stands against the description on the host is found first and reported together; then nothing is
    changed.
  - Files of others stay as they are. Those of this module come first (C(05-weft-)), and RV(taken_over) tells which
    others they take the place of.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: Finds problems, and shows what would change.
  diff_mode:
    support: full
    description: Shows the files, and what is and what would be, where they differ.
options:
  interfaces:
    description:
      - All interfaces that are described. Bonds, VLANs and bridges that earlier calls made and that are no longer
        here are removed; other interfaces are left alone.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the interface, of at most 15 characters.
        type: str
        required: true
      type:
        description:
          - V(ethernet) is a NIC, V(bond) several of them, V(vlan) a part of a NIC or bond, V(ovs_bridge) a bridge
            of Open vSwitch with its own interface.
        type: str
        default: ethernet
      mac:
        description: NIC that gets the name, by its permanent MAC; of a bond, its MAC in place of its first NIC's.
        type: str
      pci:
        description: NIC that gets the name, by its PCI address, such as V(0000:3b:00.0).
        type: str
      mtu:
        description: Largest packet, in bytes.
        type: int
      addresses:
        description: Addresses with prefix length, of both families.
        type: list
        elements: str
        default: []
      routes:
        description: Routes by this interface.
        type: list
        elements: dict
        default: []
        suboptions:
          to:
            description: Network, or V(default), which is of the family of O(interfaces[].routes[].via).
            type: str
            required: true
          via:
            description: Address of the router.
            type: str
          metric:
            description: Metric; the lowest is preferred.
            type: int
          table:
            description: Number of the routing table, when it is not the main one.
            type: int
      dns:
        description: Addresses of name servers. C(systemd-resolved) is told of them.
        type: list
        elements: str
        default: []
      domains:
        description: Search domains.
        type: list
        elements: str
        default: []
      dhcp:
        description:
          - Families, V(ipv4) and V(ipv6), whose addresses are asked for. With V(ipv6), routers' advertisements count.
        type: list
        elements: str
        default: []
      nics:
        description:
          - NICs of a bond; ports of a bridge, which are NICs, bonds or VLANs.
          - Those that have no settings of their own need not be described.
        type: list
        elements: str
        default: []
      mode:
        description: Mode of a bond, V(active-backup), V(802.3ad) or V(balance-xor).
        type: str
      miimon:
        description: Milliseconds between looks at a bond's carriers.
        type: int
      lacp_rate:
        description: How often LACP speaks with mode V(802.3ad), V(slow) or V(fast).
        type: str
      hash_policy:
        description:
          - What chooses the NIC for a packet with modes V(802.3ad) and V(balance-xor), V(layer2), V(layer2+3),
            V(layer3+4), V(encap2+3), V(encap3+4) or V(vlan+srcmac).
        type: str
      primary:
        description: NIC that is preferred with mode V(active-backup).
        type: str
      parent:
        description: NIC or bond of a VLAN; it is described, too.
        type: str
      id:
        description: VLAN ID, 1 to 4094.
        type: int
  renderer:
    description:
      - Who makes the network as described, V(networkd) or V(nmstate), which is NetworkManager. V(auto) is V(nmstate)
        where NetworkManager runs.
    type: str
    choices: [auto, networkd, nmstate]
    default: auto
  rollback_after:
    description: Seconds after which the host puts its network back, unless the change is confirmed.
    type: int
    default: 60
  confirm:
    description:
      - Keeps what an earlier call has changed. Fails when the host has put its network back meanwhile.
      - O(interfaces) are not looked at.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Two NICs as one, with the storage's VLAN on them
  weft.ovn.host_network:
    interfaces:
      - {name: bond0, type: bond, nics: [ens1f0, ens1f1], mode: 802.3ad, hash_policy: layer3+4, mtu: 9000}
      - {name: storage, type: vlan, parent: bond0, id: 120, addresses: [198.51.100.11/24, "2001:db8:120::11/64"]}
  register: network

- name: Let what follows use a new connection
  ansible.builtin.meta: reset_connection

- name: Keep it, by that connection
  weft.ovn.host_network:
    confirm: true
  when: network is changed
"""

RETURN = r"""
interfaces:
  description: Names of the interfaces that change.
  returned: success, without O(confirm)
  type: list
  elements: str
  sample: [bond0, storage]
taken_over:
  description: Interfaces that files of others configured so far, and those files.
  returned: success, without O(confirm)
  type: dict
  sample: {ens1f0: /run/systemd/network/10-netplan-ens1f0.network}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils.diff import sides
from ansible_collections.weft.ovn.plugins.module_utils.network import (
    checkpoint,
    description,
    facts,
    nmstate,
    problems,
)
from ansible_collections.weft.ovn.plugins.module_utils.network.plan import Plan
from ansible_collections.weft.ovn.plugins.module_utils.tuning.host import Host, TuningError

# A new connection needs some time to come about.
LEAST = 10
INTERFACES = {"type": "list", "elements": "dict", "default": [], "options": description.ARGUMENTS}


def difference(plan):
    """Files as texts, the rest as pairs."""
    shown = [
        {"before_header": path, "after_header": path, "before": old or "", "after": new or ""}
        for path, (old, new) in plan.files.items()
    ]
    if plan.pairs:
        shown.append(sides(plan.pairs))
    return shown


def renderer(module, host):
    if module.params["renderer"] != "auto":
        return module.params["renderer"]
    return "nmstate" if facts.is_active(host, facts.NETWORK_MANAGER + ".service") else "networkd"


def change(module, host):
    interfaces, by = description.whole(module.params["interfaces"]), renderer(module, host)
    unit = {"networkd": "systemd-networkd", "nmstate": facts.NETWORK_MANAGER}[by] + ".service"
    if not facts.is_active(host, unit):
        module.fail_json(msg="%s does not run on this host: systemctl enable --now %s" % (unit, unit))
    seen = facts.observe(host, by)
    found = problems.find(seen, interfaces)
    if module.params["rollback_after"] < LEAST:
        found.append("rollback_after is %d, allowed are at least %d seconds" % (module.params["rollback_after"], LEAST))
    if found:
        module.fail_json(msg="; ".join(found), problems=found)
    plan = Plan(seen, interfaces) if by == "networkd" else nmstate.Plan(host, interfaces)
    for name, path in plan.taken_over.items():
        if plan.files:
            module.warn("%s: %s no longer configures it" % (name, path))
    if plan and not module.check_mode:
        carry_out(host, plan, module.params["rollback_after"])
    module.exit_json(changed=bool(plan), diff=difference(plan), interfaces=plan.touched, taken_over=plan.taken_over)


def carry_out(host, plan, seconds):
    if isinstance(plan, nmstate.Plan):
        plan.carry_out(host, seconds)
    else:
        checkpoint.carry_out(host, plan, seconds, lambda: Plan(facts.observe(host), plan.interfaces).pairs)


def confirm(module, host):
    if renderer(module, host) == "nmstate":
        nmstate.confirm(host)
    else:
        checkpoint.confirm(host)


def main():
    module = AnsibleModule(
        argument_spec={
            "interfaces": INTERFACES,
            "renderer": {"type": "str", "choices": ["auto", "networkd", "nmstate"], "default": "auto"},
            "rollback_after": {"type": "int", "default": 60},
            "confirm": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    host = Host()
    try:
        if not module.params["confirm"]:
            change(module, host)
        if not module.check_mode:
            confirm(module, host)
        module.exit_json(changed=True, diff=[])
    except (TuningError, checkpoint.ChangeError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
