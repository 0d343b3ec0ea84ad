#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Generated from services/weft/api by: make generate. Do not edit.

from __future__ import annotations

DOCUMENTATION = r"""
module: egress_gateways
short_description: Manage a list of VpcEgressGateway objects
version_added: 0.2.0
author: The Weft authors (@weft)
description:
  - 'Objects of the kind C(VpcEgressGateway) of C(kubeovn.io/v1): where a VPC''s traffic leaves the fabric, on several
    hosts at once.'
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
      namespace:
        type: str
        default: default
        description: Namespace of the object.
      labels:
        type: dict
        description: Labels. What others set stays.
      annotations:
        type: dict
        description: Annotations. What others set stays.
      vpc:
        description: VPC that it serves; the default one when empty.
        type: str
      replicas:
        description: How many gateways share the work.
        type: int
      prefix:
        description: What the name of its workload begins with.
        type: str
      internal_subnet:
        description: Subnet of the VPC that it is in; the default one when empty.
        type: str
      internal_ips:
        description: Its addresses there.
        type: list
        elements: str
      internal_ip_pool:
        description: IPPool of these addresses instead.
        type: str
      external_subnet:
        description: Subnet outside that it is on.
        type: str
      external_ips:
        description: Its addresses there.
        type: list
        elements: str
      external_ip_pool:
        description: IPPool of these addresses instead.
        type: str
      policies:
        description: Traffic that leaves by it, by addresses.
        type: list
        elements: dict
        suboptions:
          snat:
            description: Whether it gets the gateway's address.
            type: bool
          subnets:
            description: Subnets that it comes from.
            type: list
            elements: str
          ip_blocks:
            description: CIDRs that it comes from.
            type: list
            elements: str
      selectors:
        description: Traffic that leaves by it, by pods.
        type: list
        elements: dict
        suboptions:
          namespace_selector:
            description: Namespaces of the pods.
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
          pod_selector:
            description: The pods.
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
      traffic_policy:
        description: Whether pods prefer a gateway on their own host.
        type: str
        choices:
          - Local
          - Cluster
      bfd:
        description: How the VPC's router finds out that a gateway is dead.
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
      bandwidth:
        description: The most that passes each gateway.
        type: dict
        suboptions:
          egress:
            description: What leaves the fabric.
            type: raw
          ingress:
            description: What comes back.
            type: raw
      bgp_conf:
        description: BgpConf by which it announces routes.
        type: str
      evpn_conf:
        description: EvpnConf by which it does so in EVPN.
        type: str
      node_selector:
        description: 'Hosts that it may run on: any of these.'
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
                description: Label, or field of the node.
                type: str
                required: true
              operator:
                description: How the value relates to C(values).
                type: str
                choices:
                  - In
                  - NotIn
                  - Exists
                  - DoesNotExist
                  - Gt
                  - Lt
                required: true
              values:
                description: Values.
                type: list
                elements: str
          match_fields:
            description: Requirements on fields of the node.
            type: list
            elements: dict
            suboptions:
              key:
                description: Label, or field of the node.
                type: str
                required: true
              operator:
                description: How the value relates to C(values).
                type: str
                choices:
                  - In
                  - NotIn
                  - Exists
                  - DoesNotExist
                  - Gt
                  - Lt
                required: true
              values:
                description: Values.
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
      pod_anti_affinity:
        description: Whether two of them must, or should, be on different hosts.
        type: str
        choices:
          - Required
          - Preferred
      image:
        description: Image of its pods.
        type: str
      resources:
        description: What each needs and may use.
        type: dict
        suboptions:
          limits:
            description: The most it may use.
            type: dict
          requests:
            description: What is kept for it.
            type: dict
          claims:
            description: Names of resource claims (core/v1 ResourceClaim).
            type: list
            elements: dict
      observability:
        description: What it tells of its traffic.
        type: dict
        suboptions:
          conntrack:
            description: What connection tracking tells.
            type: dict
            suboptions:
              log:
                description: The log of connections.
                type: dict
                suboptions:
                  enabled:
                    description: Whether there is one.
                    type: bool
                  events:
                    description: What of a connection is logged.
                    type: list
                    elements: str
                    choices:
                      - start
                      - end
                  filters:
                    description: Which connections.
                    type: dict
                    suboptions:
                      include:
                        description: These; all of them when empty.
                        type: list
                        elements: dict
                        suboptions:
                          address_families:
                            description: Address families.
                            type: list
                            elements: str
                            choices:
                              - ipv4
                              - ipv6
                          protocols:
                            description: Protocols.
                            type: list
                            elements: str
                            choices:
                              - tcp
                              - udp
                              - sctp
                              - icmp
                              - icmpv6
                              - other
                          nat_types:
                            description: Which ends were translated.
                            type: list
                            elements: str
                            choices:
                              - snat
                              - dnat
                              - snat_dnat
                          original:
                            description: Ends before translation.
                            type: dict
                            suboptions:
                              source_cidrs:
                                description: Source addresses.
                                type: list
                                elements: str
                              destination_cidrs:
                                description: Destination addresses.
                                type: list
                                elements: str
                              source_ports:
                                description: Ranges of source ports.
                                type: list
                                elements: dict
                              destination_ports:
                                description: Ranges of destination ports.
                                type: list
                                elements: dict
                          translated:
                            description: Ends after translation.
                            type: dict
                            suboptions:
                              source_cidrs:
                                description: Source addresses.
                                type: list
                                elements: str
                              destination_cidrs:
                                description: Destination addresses.
                                type: list
                                elements: str
                              source_ports:
                                description: Ranges of source ports.
                                type: list
                                elements: dict
                              destination_ports:
                                description: Ranges of destination ports.
                                type: list
                                elements: dict
                      exclude:
                        description: And not these.
                        type: list
                        elements: dict
                        suboptions:
                          address_families:
                            description: Address families.
                            type: list
                            elements: str
                            choices:
                              - ipv4
                              - ipv6
                          protocols:
                            description: Protocols.
                            type: list
                            elements: str
                            choices:
                              - tcp
                              - udp
                              - sctp
                              - icmp
                              - icmpv6
                              - other
                          nat_types:
                            description: Which ends were translated.
                            type: list
                            elements: str
                            choices:
                              - snat
                              - dnat
                              - snat_dnat
                          original:
                            description: Ends before translation.
                            type: dict
                            suboptions:
                              source_cidrs:
                                description: Source addresses.
                                type: list
                                elements: str
                              destination_cidrs:
                                description: Destination addresses.
                                type: list
                                elements: str
                              source_ports:
                                description: Ranges of source ports.
                                type: list
                                elements: dict
                              destination_ports:
                                description: Ranges of destination ports.
                                type: list
                                elements: dict
                          translated:
                            description: Ends after translation.
                            type: dict
                            suboptions:
                              source_cidrs:
                                description: Source addresses.
                                type: list
                                elements: str
                              destination_cidrs:
                                description: Destination addresses.
                                type: list
                                elements: str
                              source_ports:
                                description: Ranges of source ports.
                                type: list
                                elements: dict
                              destination_ports:
                                description: Ranges of destination ports.
                                type: list
                                elements: dict
                  rate_limit:
                    description: The most that is logged.
                    type: dict
                    suboptions:
                      records_per_second:
                        description: Records a second.
                        type: int
                      burst:
                        description: Records at once.
                        type: int
              metrics:
                description: Metrics of connections.
                type: dict
                suboptions:
                  enabled:
                    description: Whether it is on.
                    type: bool
          interface_metrics:
            description: Metrics of interfaces.
            type: dict
            suboptions:
              enabled:
                description: Whether it is on.
                type: bool
          resources:
            description: What the observer needs and may use.
            type: dict
            suboptions:
              limits:
                description: The most it may use.
                type: dict
              requests:
                description: What is kept for it.
                type: dict
              claims:
                description: Names of resource claims (core/v1 ResourceClaim).
                type: list
                elements: dict
          service_monitor:
            description: How Prometheus finds the metrics.
            type: dict
            suboptions:
              annotations:
                description: Its annotations.
                type: dict
              labels:
                description: Its labels.
                type: dict
"""

EXAMPLES = r"""
- name: As these, whatever else there is
  weft.ovn.egress_gateways:
    config:
      - name: gateway2
        namespace: default
        vpc: vpc1
        replicas: 2
        internal_subnet: subnet1
        external_subnet: macvlan
        external_ips:
          - 172.17.0.10
          - 172.17.0.11
        policies:
          - snat: true
            ip_blocks:
              - 192.168.0.0/24
        selectors:
          - namespace_selector:
              match_labels:
                team: blue
            pod_selector:
              match_expressions:
                - key: app
                  operator: In
                  values:
                    - web
                    - api
        traffic_policy: Local
        bfd:
          enabled: true
        bandwidth:
          egress: 100
          ingress: 1.5Gi
        node_selector:
          - match_labels:
              kubernetes.io/hostname: node1
        resources:
          limits:
            cpu: 500m
            memory: 128Mi
        observability:
          conntrack:
            log:
              enabled: true
              events:
                - start
                - end
              filters:
                include:
                  - protocols:
                      - tcp
                    original:
                      source_cidrs:
                        - 192.168.0.0/24
              rate_limit:
                records_per_second: 100
- name: These and no others
  weft.ovn.egress_gateways:
    config:
      - name: gateway2
        namespace: default
        vpc: vpc1
        replicas: 2
        internal_subnet: subnet1
        external_subnet: macvlan
        external_ips:
          - 172.17.0.10
          - 172.17.0.11
        policies:
          - snat: true
            ip_blocks:
              - 192.168.0.0/24
        selectors:
          - namespace_selector:
              match_labels:
                team: blue
            pod_selector:
              match_expressions:
                - key: app
                  operator: In
                  values:
                    - web
                    - api
        traffic_policy: Local
        bfd:
          enabled: true
        bandwidth:
          egress: 100
          ingress: 1.5Gi
        node_selector:
          - match_labels:
              kubernetes.io/hostname: node1
        resources:
          limits:
            cpu: 500m
            memory: 128Mi
        observability:
          conntrack:
            log:
              enabled: true
              events:
                - start
                - end
              filters:
                include:
                  - protocols:
                      - tcp
                    original:
                      source_cidrs:
                        - 192.168.0.0/24
              rate_limit:
                records_per_second: 100
    state: overridden
- name: Without them
  weft.ovn.egress_gateways:
    config:
      - name: gateway2
        namespace: default
    state: deleted
- name: What there is
  weft.ovn.egress_gateways:
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
    run("egress_gateways")


if __name__ == "__main__":
    main()
