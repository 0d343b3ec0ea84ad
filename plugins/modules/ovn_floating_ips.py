#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Generated from services/weft/api by: make generate. Do not edit.

from __future__ import annotations

DOCUMENTATION = r"""
module: ovn_floating_ips
short_description: Manage a list of OvnFip objects
version_added: 0.2.0
author: The Weft authors (@weft)
description:
  - 'Objects of the kind C(OvnFip) of C(kubeovn.io/v1): an inner address that is known outside by an address of
    its own, translated by OVN.'
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
      ovn_eip:
        description: OvnEip that the inner address is known by.
        type: str
      ip_type:
        description: Whether C(ipName) is an IP or a Vip; an IP when empty.
        type: str
        choices:
          - ''
          - ip
          - vip
      ip_name:
        description: IP (C(<pod>.<namespace>)) or Vip that has the inner address.
        type: str
      vpc:
        description: VPC of an inner address that is given as such.
        type: str
      v4_ip:
        description: Inner IPv4 address, instead of C(ipName).
        type: str
      v6_ip:
        description: Inner IPv6 address, instead of C(ipName).
        type: str
      type:
        description: Whether it is translated on the gateway's host or on the pod's; centralized when empty.
        type: str
        choices:
          - ''
          - centralized
          - distributed
"""

EXAMPLES = r"""
- name: As these, whatever else there is
  weft.ovn.ovn_floating_ips:
    config:
      - name: eip-static
        ovn_eip: eip-static
        ip_name: vpc-1-busybox01.vpc1
        type: centralized
- name: These and no others
  weft.ovn.ovn_floating_ips:
    config:
      - name: eip-static
        ovn_eip: eip-static
        ip_name: vpc-1-busybox01.vpc1
        type: centralized
    state: overridden
- name: Without them
  weft.ovn.ovn_floating_ips:
    config:
      - name: eip-static
    state: deleted
- name: What there is
  weft.ovn.ovn_floating_ips:
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
    run("ovn_floating_ips")


if __name__ == "__main__":
    main()
