#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Generated from services/weft/api by: make generate. Do not edit.

from __future__ import annotations

DOCUMENTATION = r"""
module: vpcs
short_description: Manage a list of Vpc objects
version_added: 0.2.0
author: The Weft authors (@weft)
description:
  - 'Objects of the kind C(Vpc) of C(kubeovn.io/v1): an isolated routed network.'
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
      namespaces:
        description: Namespaces whose pods are in this VPC.
        type: list
        elements: str
      default_subnet:
        description: Subnet of pods of these namespaces that name none.
        type: str
      static_routes:
        description: Routes of the VPC's router.
        type: list
        elements: dict
        suboptions:
          policy:
            description: Whether C(cidr) is compared with the destination or the source; policyDst when empty.
            type: str
            choices:
              - ''
              - policyDst
              - policySrc
          cidr:
            description: Addresses that the route is for.
            type: str
          next_hop_ip:
            description: Next hop.
            type: str
          ecmp_mode:
            description: 'C(ecmp_symmetric_reply): replies leave by the hop that their request came by. Anything
              else: several routes of the same C(cidr) share traffic flow by flow.'
            type: str
          bfd_id:
            description: BFD session that the route follows.
            type: str
          route_table:
            description: Routing table that the route is in.
            type: str
      policy_routes:
        description: Policies of the VPC's router; they come before routes.
        type: list
        elements: dict
        suboptions:
          priority:
            description: The highest one that matches decides.
            type: int
          match:
            description: Packets that it is for, as in ovn-sb(5), Logical_Flow.
            type: str
          action:
            description: What becomes of them.
            type: str
            choices:
              - ''
              - allow
              - drop
              - reroute
          next_hop_ip:
            description: Where C(reroute) sends them; several by commas.
            type: str
      vpc_peerings:
        description: Links to other VPCs.
        type: list
        elements: dict
        suboptions:
          remote_vpc:
            description: The other VPC.
            type: str
          local_connect_ip:
            description: Our address on the link with its prefix length; one of each family.
            type: str
      enable_external:
        description: Whether the router is on the external subnet.
        type: bool
      extra_external_subnets:
        description: Further external subnets that the router is on.
        type: list
        elements: str
      enable_bfd:
        description: Whether external routes are guarded by BFD.
        type: bool
      bfd_port:
        description: Where the router speaks BFD with egress gateways.
        type: dict
        suboptions:
          enabled:
            description: Whether there is such a port.
            type: bool
          ip:
            description: Its address, outside the VPC's subnets.
            type: str
          node_selector:
            description: Nodes that may host the port; all when absent.
            type: dict
            suboptions:
              match_labels:
                description: Labels with these values.
                type: dict
              match_expressions:
                description: Requirements on labels.
                type: list
                elements: dict
                suboptions:
                  key:
                    description: Label.
                    type: str
                    required: true
                  operator:
                    description: How the label's value relates to C(values).
                    type: str
                    choices:
                      - In
                      - NotIn
                      - Exists
                      - DoesNotExist
                    required: true
                  values:
                    description: Values.
                    type: list
                    elements: str
"""

EXAMPLES = r"""
- name: As these, whatever else there is
  weft.ovn.vpcs:
    config:
      - name: test-vpc-1
        namespaces:
          - ns1
        static_routes:
          - policy: policySrc
            cidr: 10.0.1.0/24
            next_hop_ip: 10.0.1.252
        policy_routes:
          - priority: 11
            match: ip4.src==10.0.1.0/24 && ip4.dst==10.0.1.250
            action: drop
          - priority: 10
            match: ip4.src==10.0.1.0/24
            action: reroute
            next_hop_ip: 10.0.1.252
        vpc_peerings:
          - remote_vpc: test-vpc-2
            local_connect_ip: 169.254.0.1/30
        bfd_port:
          enabled: true
          ip: 10.255.255.255
          node_selector:
            match_labels:
              weft.ovn/gateway: 'true'
- name: These and no others
  weft.ovn.vpcs:
    config:
      - name: test-vpc-1
        namespaces:
          - ns1
        static_routes:
          - policy: policySrc
            cidr: 10.0.1.0/24
            next_hop_ip: 10.0.1.252
        policy_routes:
          - priority: 11
            match: ip4.src==10.0.1.0/24 && ip4.dst==10.0.1.250
            action: drop
          - priority: 10
            match: ip4.src==10.0.1.0/24
            action: reroute
            next_hop_ip: 10.0.1.252
        vpc_peerings:
          - remote_vpc: test-vpc-2
            local_connect_ip: 169.254.0.1/30
        bfd_port:
          enabled: true
          ip: 10.255.255.255
          node_selector:
            match_labels:
              weft.ovn/gateway: 'true'
    state: overridden
- name: Without them
  weft.ovn.vpcs:
    config:
      - name: test-vpc-1
    state: deleted
- name: What there is
  weft.ovn.vpcs:
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
    run("vpcs")


if __name__ == "__main__":
    main()
