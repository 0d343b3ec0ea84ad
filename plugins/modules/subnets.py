#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Generated from services/weft/api by: make generate. Do not edit.

from __future__ import annotations

DOCUMENTATION = r"""
module: subnets
short_description: Manage a list of Subnet objects
version_added: 0.2.0
author: The Weft authors (@weft)
description:
  - 'Objects of the kind C(Subnet) of C(kubeovn.io/v1): addresses and one logical switch.'
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
      cidr_block:
        description: 'Addresses of the subnet: a CIDR, or one of each family.'
        type: str
      protocol:
        description: It follows from C(cidrBlock).
        type: str
        choices:
          - ''
          - IPv4
          - IPv6
          - Dual
          - Mac
      gateway:
        description: Gateway of each family; the first address of its CIDR when not given.
        type: str
      exclude_ips:
        description: Addresses and ranges that are not handed out. That they are in C(cidrBlock) is checked by the
          controller.
        type: list
        elements: str
      vpc:
        description: VPC that the subnet is in.
        type: str
      provider:
        description: 'Network that the subnet is of: C(ovn), or C(<name>.<namespace>.ovn).'
        type: str
      default:
        description: Whether pods that name no subnet are in this one.
        type: bool
      namespaces:
        description: Namespaces whose pods are in this subnet.
        type: list
        elements: str
      namespace_selectors:
        description: The same, by labels of namespaces.
        type: list
        elements: dict
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
      mtu:
        description: 'MTU of ports; 0: that of the underlay minus the tunnel''s header.'
        type: int
      gateway_type:
        description: 'Where traffic leaves the fabric: at each pod''s host, or at chosen ones.'
        type: str
        choices:
          - ''
          - distributed
          - centralized
      gateway_node:
        description: Hosts of a centralized gateway, by commas, the preferred one first; after a colon the address
          that the host translates to.
        type: str
      gateway_node_selectors:
        description: The same by labels of nodes, when C(gatewayNode) is empty.
        type: list
        elements: dict
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
      nat_outgoing:
        description: Whether what leaves the fabric gets the address of its host.
        type: bool
      nat_outgoing_policy_rules:
        description: Exceptions from it; the first match decides.
        type: list
        elements: dict
        suboptions:
          action:
            description: Translate, or leave as it is.
            type: str
            choices:
              - nat
              - forward
            required: true
          match:
            description: Packets that it is for.
            type: dict
            suboptions:
              src_ips:
                description: Source addresses and CIDRs; any when empty.
                type: str
              dst_ips:
                description: Destination addresses and CIDRs; any when empty.
                type: str
      external_egress_gateway:
        description: Next hop outside the fabric for what leaves.
        type: str
      policy_routing_priority:
        description: Priority of the host's rule for such traffic.
        type: int
      policy_routing_table_id:
        description: Its routing table.
        type: int
      private:
        description: Whether only the subnet itself and C(allowSubnets) reach it.
        type: bool
      allow_subnets:
        description: CIDRs that reach a private subnet.
        type: list
        elements: str
      allow_ew_traffic:
        description: Whether traffic within the subnet passes C(acls) unseen.
        type: bool
      acls:
        description: Rules for all ports of the subnet.
        type: list
        elements: dict
        suboptions:
          action:
            description: What becomes of the packets.
            type: str
            choices:
              - allow
              - allow-related
              - allow-stateless
              - drop
              - reject
            required: true
          direction:
            description: Whether they leave or reach a port.
            type: str
            choices:
              - from-lport
              - to-lport
            required: true
          match:
            description: Packets that it is for, as in ovn-sb(5), Logical_Flow.
            type: str
          priority:
            description: The highest one that matches decides.
            type: int
      vlan:
        description: 'Vlan that the subnet is on: it is an underlay subnet.'
        type: str
      vips:
        description: Virtual addresses that ports may share.
        type: list
        elements: str
      logical_gateway:
        description: Whether the gateway of an underlay subnet is the VPC's router.
        type: bool
      disable_gateway_check:
        description: Whether pods start without their gateway having answered.
        type: bool
      disable_inter_connection:
        description: Whether the subnet is kept from other clusters.
        type: bool
      enable_dhcp:
        description: Whether OVN answers DHCP.
        type: bool
      dhcp_v4_options:
        description: DHCP options as C(key=value) by commas, see ovn-nb(5).
        type: str
      dhcp_v6_options:
        description: DHCPv6 options as C(key=value) by commas, see ovn-nb(5).
        type: str
      enable_ipv6_ra:
        description: Whether the router sends advertisements.
        type: bool
      ipv6_ra_configs:
        description: Their options as C(key=value) by commas, see ovn-nb(5).
        type: str
      enable_lb:
        description: Whether services are reachable; as the controller is set when absent.
        type: bool
      enable_ecmp:
        description: Whether a centralized gateway uses all its hosts at once.
        type: bool
      enable_external_lb_address:
        description: Whether services of type LoadBalancer get addresses of it.
        type: bool
      enable_multicast_snoop:
        description: Whether multicast goes to members only.
        type: bool
      node_network:
        description: Network of the nodes that carries the subnet's tunnels.
        type: str
      route_table:
        description: Routing table of the VPC's router for this subnet.
        type: str
      u2o_interconnection:
        description: Whether an underlay subnet reaches the overlay through the VPC.
        type: bool
      u2o_interconnection_ip:
        description: Address of the VPC's router for it; chosen when empty.
        type: str
      u2o_features:
        description: Options of it.
        type: dict
        suboptions:
          overlay_only_routing:
            description: Only routes to overlay subnets go through the VPC.
            type: bool
"""

EXAMPLES = r"""
- name: As these, whatever else there is
  weft.ovn.subnets:
    config:
      - name: subnet1
        cidr_block: 10.66.0.0/16,fd00:66::/64
        protocol: Dual
        gateway: 10.66.0.1,fd00:66::1
        exclude_ips:
          - 10.66.0.1..10.66.0.10
          - 10.66.0.101..10.66.0.151
        vpc: ovn-cluster
        namespaces:
          - ns1
          - ns2
        mtu: 1400
        gateway_type: distributed
        nat_outgoing: true
        nat_outgoing_policy_rules:
          - action: forward
            match:
              src_ips: 10.66.0.0/30,10.66.0.254
          - action: nat
            match:
              src_ips: 10.66.128.0/26
              dst_ips: 192.0.2.114,192.0.2.8
        private: true
        allow_subnets:
          - 10.16.0.0/16
        acls:
          - action: drop
            direction: to-lport
            match: ip4.dst == 10.66.0.2 && ip
            priority: 1002
- name: These and no others
  weft.ovn.subnets:
    config:
      - name: subnet1
        cidr_block: 10.66.0.0/16,fd00:66::/64
        protocol: Dual
        gateway: 10.66.0.1,fd00:66::1
        exclude_ips:
          - 10.66.0.1..10.66.0.10
          - 10.66.0.101..10.66.0.151
        vpc: ovn-cluster
        namespaces:
          - ns1
          - ns2
        mtu: 1400
        gateway_type: distributed
        nat_outgoing: true
        nat_outgoing_policy_rules:
          - action: forward
            match:
              src_ips: 10.66.0.0/30,10.66.0.254
          - action: nat
            match:
              src_ips: 10.66.128.0/26
              dst_ips: 192.0.2.114,192.0.2.8
        private: true
        allow_subnets:
          - 10.16.0.0/16
        acls:
          - action: drop
            direction: to-lport
            match: ip4.dst == 10.66.0.2 && ip
            priority: 1002
    state: overridden
- name: Without them
  weft.ovn.subnets:
    config:
      - name: subnet1
    state: deleted
- name: What there is
  weft.ovn.subnets:
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
    run("subnets")


if __name__ == "__main__":
    main()
