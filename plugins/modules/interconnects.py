#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: interconnects
short_description: Join a fabric to others by OVN-IC
version_added: 0.3.0
author: The Weft authors (@weft)
description:
  - A fabric is an availability zone. Zones share transit switches, to which each of them attaches routers of its own,
    and exchange the routes of those routers.
  - Writes transit switches into the interconnection's Northbound database, and into the zone's own the ports of the
    listed routers and the zone's name and options. C(ovn-ic) does the rest, in all zones.
  - What it makes is marked. It changes and removes nothing else, and the fabric's controller leaves it alone.
  - Run it on a host that reaches the zone's Northbound without an access role, such as a member of the group
    C(ovn_central). The role C(ovn_interconnect) has the databases and C(ovn-ic) run.
extends_documentation_fragment:
  - weft.ovn.interconnect
attributes:
  check_mode:
    support: full
    description: All checks are made, nothing is written.
  diff_mode:
    support: full
    description: The interconnects that change, and the zone's settings.
  idempotent:
    support: full
    description: What is as asked is not written.
  platform:
    support: full
    platforms: posix
    description: Where the databases can be reached.
options:
  config:
    description: The interconnects of this zone.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the transit switch. All zones on it name it the same.
        type: str
        required: true
      cidrs:
        description:
          - The transit switch's network, one of each family at most. The first zone on a transit switch says it, others
            may leave it out.
        type: list
        elements: str
      routers:
        description: This zone's routers on the transit switch. A VPC's router has the VPC's name.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name of the router; that of the default VPC is C(ovn-cluster).
            type: str
            required: true
          addresses:
            description: Its addresses in the transit switch's network, one of each family that is to be routed.
            type: list
            elements: str
            required: true
          mac:
            description: Its MAC address there. Made of the names of zone, switch and router by default.
            type: str
          gateways:
            description:
              - The chassis by which packets leave the zone. The one with the highest priority that is up carries them;
                each needs C(ovn-is-interconn).
            type: list
            elements: dict
            required: true
            suboptions:
              chassis:
                description: Name of the chassis, which is the host's name.
                type: str
                required: true
              priority:
                description: Its priority, 0 to 32767. By default 100 for the first, 99 for the second and so on.
                type: int
  state:
    description:
      - V(merged) has the listed interconnects with the given fields; lists within them are replaced, other
        interconnects are left alone.
      - V(replaced) has the listed interconnects with the given fields and no others, and the zone with the given
        options and no others, where O(zone) is given.
      - V(overridden) is V(replaced), and takes the zone off all other transit switches.
      - V(deleted) takes the zone off the listed transit switches.
      - V(gathered) returns what there is, as O(config).
      - V(rendered) returns the rows that O(config) stands for, and asks nobody.
      - A transit switch that this module made goes with the last zone that is on it. When V(deleted) or V(overridden)
        leave none, the zone's options of route exchange are removed; its name stays.
    type: str
    choices: [merged, replaced, overridden, deleted, gathered, rendered]
    default: merged
  zone:
    description: The zone itself.
    type: dict
    suboptions:
      name:
        description:
          - Name of the availability zone. Required once; ports are named after it, so it cannot change while the zone
            has interconnects.
        type: str
      advertise:
        description: Whether routes are advertised to other zones.
        type: bool
      learn:
        description: Whether routes are learned from other zones.
        type: bool
      advertise_default:
        description: Whether the default route is advertised too.
        type: bool
      learn_default:
        description: Whether default routes are learned too.
        type: bool
      denylist:
        description: Networks whose routes are neither advertised nor learned, such as that of the subnet C(join).
        type: list
        elements: str
  ic_northbound:
    description: Where the interconnection's Northbound listens, like C(ssl:192.0.2.11:6655,ssl:192.0.2.12:6655).
    type: str
  ic_southbound:
    description: Where the interconnection's Southbound listens.
    type: str
  timeout:
    description: Seconds to wait for databases, and for C(ovn-ic) to bring a new transit switch to the zone.
    type: int
    default: 30
  wait:
    description: Wait until the ports that were written have a gateway in the interconnection's Southbound.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: The default VPC reaches the other zones
  weft.ovn.interconnects:
    ic_northbound: ssl:192.0.2.11:6655
    ic_southbound: ssl:192.0.2.11:6656
    zone:
      name: az1
      advertise: true
      learn: true
      denylist: [100.64.0.0/16]
    config:
      - name: ts1
        cidrs: [169.254.100.0/24, "fd00:a9fe:100::/64"]
        routers:
          - name: ovn-cluster
            addresses: [169.254.100.1, "fd00:a9fe:100::1"]
            gateways: [{chassis: node1}, {chassis: node2}]
    wait: true

- name: This zone is alone again
  weft.ovn.interconnects:
    ic_northbound: ssl:192.0.2.11:6655
    ic_southbound: ssl:192.0.2.11:6656
    config: []
    state: overridden
"""

RETURN = r"""
before:
  description: The listed interconnects as they were, with O(state=overridden) all of this zone, as O(config).
  type: list
  elements: dict
  returned: when O(state) is not V(gathered) or V(rendered)
after:
  description: The same as they are now; in check mode, as they would be.
  type: list
  elements: dict
  returned: when O(state) is not V(gathered) or V(rendered)
changes:
  description: The interconnects that were changed, and how.
  type: list
  elements: dict
  returned: when O(state) is not V(gathered) or V(rendered)
  sample:
    - name: ts1
      action: created
gathered:
  description: All interconnects of this zone, as O(config).
  type: list
  elements: dict
  returned: when O(state=gathered)
rendered:
  description: The rows that O(config) stands for.
  type: list
  elements: dict
  returned: when O(state=rendered)
zone:
  description: The zone's settings, as O(zone); C(before) and C(after) unless O(state=gathered).
  type: dict
  returned: when O(state) is not V(rendered)
"""

from ansible_collections.weft.ovn.plugins.module_utils.interconnect.task import run


def main():
    run()


if __name__ == "__main__":
    main()
