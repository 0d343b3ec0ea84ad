#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Generated from services/weft/api by: make generate. Do not edit.

from __future__ import annotations

DOCUMENTATION = r"""
module: nat_gateways
short_description: Manage a list of VpcNatGateway objects
version_added: 0.2.0
author: The Weft authors (@weft)
description:
  - 'Objects of the kind C(VpcNatGateway) of C(kubeovn.io/v1): a NAT gateway of a VPC.'
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
        description: Further annotations of its pods.
        type: dict
      vpc:
        description: VPC that it serves.
        type: str
      subnet:
        description: Subnet of the VPC that it is in.
        type: str
      lan_ip:
        description: Its address there, the next hop of routes to it; chosen when empty.
        type: str
      external_subnets:
        description: External subnets that it is on; ovn-vpc-external-network when empty.
        type: list
        elements: str
      internal_subnets:
        description: Subnets of the VPC that go out by it.
        type: list
        elements: str
      internal_cidrs:
        description: Further inner addresses that go out by it.
        type: list
        elements: str
      replicas:
        description: How many gateways share the work.
        type: int
      bfd:
        description: How the VPC's router finds out that one of them is dead.
        type: dict
        suboptions:
          enabled:
            description: Whether sessions are kept.
            type: bool
          min_rx:
            description: Least interval of packets received, in milliseconds.
            type: int
          min_tx:
            description: Least interval of packets sent, in milliseconds.
            type: int
          multiplier:
            description: Packets missed before a session is down.
            type: int
      bgp_speaker:
        description: How external addresses are announced.
        type: dict
        suboptions:
          enabled:
            description: Whether it does.
            type: bool
          asn:
            description: Our autonomous system.
            type: int
          remote_asn:
            description: That of the neighbors.
            type: int
          neighbors:
            description: Addresses of the neighbors.
            type: list
            elements: str
          hold_time:
            description: Silence after which a neighbor is gone.
            type: str
          router_id:
            description: Router identifier (RFC 4271); chosen when empty.
            type: str
          password:
            description: Key of TCP's MD5 signatures (RFC 2385).
            type: str
          enable_graceful_restart:
            description: Whether routes outlive a restart (RFC 4724).
            type: bool
          extra_args:
            description: Further arguments of the speaker.
            type: list
            elements: str
      routes:
        description: Further routes of the gateway.
        type: list
        elements: dict
        suboptions:
          cidr:
            description: Addresses that the route is for.
            type: str
          next_hop_ip:
            description: Next hop; the subnet's gateway for C(gateway).
            type: str
      no_default_eip:
        description: Whether it starts without an external address.
        type: bool
      qos_policy:
        description: QoSPolicy of all its traffic.
        type: str
      namespace:
        description: Namespace of its pods.
        type: str
      selector:
        description: Labels of hosts that it may run on.
        type: list
        elements: str
      tolerations:
        description: Taints of hosts that do not keep it away.
        type: list
        elements: dict
        suboptions:
          key:
            description: Taint; all of them when empty and C(operator) is Exists.
            type: str
          operator:
            description: Equal when empty.
            type: str
            choices:
              - ''
              - Exists
              - Equal
              - Lt
              - Gt
          value:
            description: Value of the taint.
            type: str
          effect:
            description: All of them when empty.
            type: str
            choices:
              - ''
              - NoSchedule
              - PreferNoSchedule
              - NoExecute
          toleration_seconds:
            description: Seconds for which NoExecute is borne; for ever when absent.
            type: int
      affinity:
        description: Where it runs (core/v1 Affinity). Kubernetes itself checks it with the pod.
        type: dict
"""

EXAMPLES = r"""
- name: As these, whatever else there is
  weft.ovn.nat_gateways:
    config:
      - name: gw1
        vpc: test-vpc-1
        subnet: net1
        lan_ip: 10.0.1.254
        external_subnets:
          - ovn-vpc-external-network
        replicas: 2
        bfd:
          enabled: true
        bgp_speaker:
          enabled: true
          asn: 65500
          remote_asn: 65000
          neighbors:
            - 192.0.2.161
          hold_time: 1m
        routes:
          - cidr: 172.31.0.0/16
            next_hop_ip: 10.0.1.1
        qos_policy: qos-natgw-example
        selector:
          - 'kubernetes.io/hostname: node1'
          - 'kubernetes.io/os: linux'
        tolerations:
          - key: node-role.kubernetes.io/control-plane
            operator: Exists
            effect: NoSchedule
        affinity:
          nodeAffinity: {}
- name: These and no others
  weft.ovn.nat_gateways:
    config:
      - name: gw1
        vpc: test-vpc-1
        subnet: net1
        lan_ip: 10.0.1.254
        external_subnets:
          - ovn-vpc-external-network
        replicas: 2
        bfd:
          enabled: true
        bgp_speaker:
          enabled: true
          asn: 65500
          remote_asn: 65000
          neighbors:
            - 192.0.2.161
          hold_time: 1m
        routes:
          - cidr: 172.31.0.0/16
            next_hop_ip: 10.0.1.1
        qos_policy: qos-natgw-example
        selector:
          - 'kubernetes.io/hostname: node1'
          - 'kubernetes.io/os: linux'
        tolerations:
          - key: node-role.kubernetes.io/control-plane
            operator: Exists
            effect: NoSchedule
        affinity:
          nodeAffinity: {}
    state: overridden
- name: Without them
  weft.ovn.nat_gateways:
    config:
      - name: gw1
    state: deleted
- name: What there is
  weft.ovn.nat_gateways:
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
    run("nat_gateways")


if __name__ == "__main__":
    main()
