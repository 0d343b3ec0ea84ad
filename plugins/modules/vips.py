#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Generated from services/weft/api by: make generate. Do not edit.

from __future__ import annotations

DOCUMENTATION = r"""
module: vips
short_description: Manage a list of Vip objects
version_added: 0.2.0
author: The Weft authors (@weft)
description:
  - 'Objects of the kind C(Vip) of C(kubeovn.io/v1): an address that is kept for something other than a pod, or
    shared by several.'
  - The whole list is one task. It is read, compared and written with few requests, many of them at a time.
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
      subnet:
        description: Subnet that the address is of.
        type: str
      namespace:
        description: Namespace of the pods that may have it.
        type: str
      type:
        description: What it is for, like switch_lb_vip; a mere reservation when empty.
        type: str
      v4ip:
        description: IPv4 address; chosen when empty.
        type: str
      v6ip:
        description: IPv6 address; chosen when empty.
        type: str
      mac_address:
        description: MAC address; chosen when empty.
        type: str
      selector:
        description: Labels of the pods that may have it.
        type: list
        elements: str
      attach_subnets:
        description: Further subnets.
        type: list
        elements: str
"""

EXAMPLES = r"""
- name: As these, whatever else there is
  weft.ovn.vips:
    config:
      - name: static-vip01
        subnet: ovn-default
        namespace: default
        v4ip: 10.16.0.121
        selector:
          - 'app: web'
- name: These and no others
  weft.ovn.vips:
    config:
      - name: static-vip01
        subnet: ovn-default
        namespace: default
        v4ip: 10.16.0.121
        selector:
          - 'app: web'
    state: overridden
- name: Without them
  weft.ovn.vips:
    config:
      - name: static-vip01
    state: deleted
- name: What there is
  weft.ovn.vips:
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
    run("vips")


if __name__ == "__main__":
    main()
