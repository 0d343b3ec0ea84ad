#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Generated from services/weft/api by: make generate. Do not edit.

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_eips
short_description: Manage a list of IptablesEIP objects
version_added: 0.2.0
author: The Weft authors (@weft)
description:
  - 'Objects of the kind C(IptablesEIP) of C(kubeovn.io/v1): an external address on a VPC NAT gateway.'
  - The whole list is one task. It is read, compared and written with few requests, many of them at a time.
  - This version keeps and checks these objects, and has no effect for them yet.
extends_documentation_fragment:
  - weft.ovn.resources
  - weft.ovn.resources.common
  - weft.ovn.weftctl
options:
  config:
    description: The objects. A field that is not given is left alone, or with O(state=replaced) and O(state=overridden)
      absent.
    type: list
    elements: dict
    suboptions:
      name:
        type: str
        required: true
        description: Name of the object.
      labels:
        type: dict
        description: Labels. What others set stays.
      annotations:
        type: dict
        description: Annotations. What others set stays.
      nat_gw_dp:
        description: VpcNatGateway that has the address.
        type: str
      external_subnet:
        description: Subnet that the address is of; the gateway's first when empty.
        type: str
      v4ip:
        description: IPv4 address; chosen when empty.
        type: str
      v6ip:
        description: IPv6 address; chosen when empty.
        type: str
      mac_address:
        description: MAC address of it; that of the gateway when empty.
        type: str
      qos_policy:
        description: QoSPolicy of its traffic.
        type: str
      namespace:
        description: Namespace of the gateway.
        type: str
"""

EXAMPLES = r"""
- name: As these, whatever else there is
  weft.ovn.gateway_eips:
    config:
      - name: eip-static
        nat_gw_dp: gw1
        external_subnet: ovn-vpc-external-network
        v4ip: 192.168.0.100
- name: These and no others
  weft.ovn.gateway_eips:
    config:
      - name: eip-static
        nat_gw_dp: gw1
        external_subnet: ovn-vpc-external-network
        v4ip: 192.168.0.100
    state: overridden
- name: Without them
  weft.ovn.gateway_eips:
    config:
      - name: eip-static
    state: deleted
- name: What there is
  weft.ovn.gateway_eips:
    state: gathered
  register: found
"""

RETURN = r"""
before:
  description: The listed objects as they were, with O(state=overridden) all of the kind, as O(config).
  type: list
  elements: dict
  returned: when O(state) is not V(gathered) or V(rendered)
after:
  description: The same objects as they are now; in check mode, as they would be.
  type: list
  elements: dict
  returned: when O(state) is not V(gathered) or V(rendered)
changes:
  description: The objects that were changed, and how.
  type: list
  elements: dict
  returned: when O(state) is not V(gathered) or V(rendered)
  sample:
    - name: blue
      action: created
planned:
  description: What the controller would write for all changes of the task together, as C(weftctl plan --output
    json) says it.
  type: dict
  returned: when O(planned=true) and O(state) is not V(gathered) or V(rendered)
  contains:
    changes:
      description: Rows of the Northbound and Weft databases. C(op) is V(insert), V(update) or V(delete); each column
        has its value before and after.
      type: list
      elements: dict
      returned: always
      sample:
        - database: OVN_Northbound
          table: Logical_Switch
          op: insert
          owner: Subnet/blue
          name: blue
          uuid: b70058d8-3d04-5d69-9cf6-180c67c6d75f
          columns:
            name:
              before: null
              after: blue
    count:
      description: How many rows of each C(op).
      type: dict
      returned: always
      sample:
        insert: 1
        update: 0
        delete: 0
    objects:
      description: The objects, and what would become of them.
      type: list
      elements: dict
      returned: always
    reservations:
      description: Addresses that would be reserved, unless others come first.
      type: list
      elements: dict
      returned: always
    releases:
      description: Addresses that would be released.
      type: list
      elements: dict
      returned: always
    waiting:
      description: Whose rows would wait, and for what.
      type: dict
      returned: always
    problems:
      description: What the fabric's rules forbid.
      type: list
      elements: str
      returned: always
refused:
  description: The objects that were refused, by name or C(namespace/name), and why.
  type: dict
  returned: when some were
  sample:
    blue: 'spec.cidrBlock: 10.1.0.0/24 overlaps 10.1.0.0/16 of Subnet/red in Vpc/ovn-cluster'
gathered:
  description: All objects of the kind, as O(config); without secrets.
  type: list
  elements: dict
  returned: when O(state=gathered)
rendered:
  description: The documents that O(config) stands for.
  type: list
  elements: dict
  returned: when O(state=rendered)
"""

from ansible_collections.weft.ovn.plugins.module_utils.resources.runner import run


def main():
    run("gateway_eips")


if __name__ == "__main__":
    main()
