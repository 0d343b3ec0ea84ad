#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_address
short_description: Choose one of a host's addresses by interface name, regular expression or CIDR
version_added: 0.1.0
author: The Weft authors (@weft)
description:
  - Finds the one address that O(interfaces) and O(cidrs) describe. None or several is an error that lists the host's
    addresses, since a wrong encapsulation address shows only as packets that do not arrive.
  - With neither option the host must have exactly one address.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: Without a match the address is empty, with a warning, since an earlier task may be about to set it.
  diff_mode:
    support: none
    description: Nothing is changed.
  platform:
    support: full
    platforms: posix
    description: The host runs Linux.
options:
  interfaces:
    description:
      - Names of interfaces, regular expressions that match a whole name, or CIDRs. The first that fits an interface
        with an address decides.
    type: list
    elements: str
    default: []
  cidrs:
    description: Networks of which one contains the address.
    type: list
    elements: str
    default: []
  family:
    description: Family of the address.
    type: str
    choices: [any, ipv4, ipv6]
    default: any
  ignore:
    description: Regular expressions of interfaces that never count.
    type: list
    elements: str
    default:
      [lo, br-int, ovn0, ovn0-ovs, ovs-system, ovs-netdev, genev_sys_.*, vxlan_sys_.*, docker.*, cni.*, "w[0-9a-f]{14}"]
"""

EXAMPLES = r"""
- name: Tunnels end at the storage network's address
  weft.ovn.host_address:
    interfaces: [bond0, "ens.*"]
    cidrs: [192.0.2.0/24]
"""

RETURN = r"""
address:
  description: The address, without prefix length.
  type: str
  returned: always
interface:
  description: Its interface.
  type: str
  returned: always
candidates:
  description: Every address of the host that could have been meant.
  type: list
  elements: str
  returned: always
  sample: ["eth0 192.0.2.11"]
"""

import ipaddress
import json
import re

from ansible.module_utils.basic import AnsibleModule

IGNORED = [
    "lo", "br-int", "ovn0", "ovn0-ovs", "ovs-system", "ovs-netdev", "genev_sys_.*", "vxlan_sys_.*", "docker.*", "cni.*",
    "w[0-9a-f]{14}",
]  # fmt: skip


def addresses(module):
    """Return (interface, address) of every global address, in the kernel's order, and the interfaces without one."""
    _status, output, _error = module.run_command(["ip", "-json", "address", "show"], check_rc=True)
    ignored = module.params["ignore"]
    found, bare = [], []
    for link in json.loads(output or "[]"):
        name = link.get("ifname")
        if name is None or any(re.fullmatch(pattern, name) for pattern in ignored):
            continue
        held = [(name, item["local"]) for item in link["addr_info"] if is_global(item)]
        found += held
        bare += [] if held else [name]
    return found, bare


def is_global(item):
    return "local" in item and item.get("scope") == "global" and not item.get("temporary")


def check(wish):
    """Raise an error if it is neither a CIDR nor a name or regular expression."""
    return ipaddress.ip_network(wish) if "/" in wish else re.compile(wish)


def fits(item, wish):
    """Whether an interface's address is of the wished network, or the interface has the wished name."""
    if "/" in wish:
        return ipaddress.ip_address(item[1]) in ipaddress.ip_network(wish)
    return re.fullmatch(wish, item[0]) is not None


def matching(candidates, interfaces, networks, family):
    if family != "any":
        version = 4 if family == "ipv4" else 6
        candidates = [item for item in candidates if ipaddress.ip_address(item[1]).version == version]
    if networks:
        candidates = [
            item for item in candidates if any(ipaddress.ip_address(item[1]) in network for network in networks)
        ]
    if not interfaces:
        return candidates
    for pattern in interfaces:
        named = [item for item in candidates if fits(item, pattern)]
        if named:
            return named
    return []


def main():
    module = AnsibleModule(
        argument_spec={
            "interfaces": {"type": "list", "elements": "str", "default": []},
            "cidrs": {"type": "list", "elements": "str", "default": []},
            "family": {"type": "str", "choices": ["any", "ipv4", "ipv6"], "default": "any"},
            "ignore": {"type": "list", "elements": "str", "default": IGNORED},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        networks = [ipaddress.ip_network(cidr) for cidr in params["cidrs"]]
        for wish in params["interfaces"]:
            check(wish)
    except (ValueError, re.error) as error:
        module.fail_json(msg="cidrs or interfaces: %s" % error)
    candidates, bare = addresses(module)
    found = matching(candidates, params["interfaces"], networks, params["family"])
    shown = ["%s %s" % item for item in candidates]
    if len(found) == 1:
        module.exit_json(changed=False, interface=found[0][0], address=found[0][1], candidates=shown)
    asked = "interfaces %s, cidrs %s, family %s" % (params["interfaces"], params["cidrs"], params["family"])
    message = "%s address for %s; got %s; the host has %s; interfaces without address: %s" % (
        "several" if found else "no",
        asked,
        ["%s %s" % item for item in found],
        shown,
        bare,
    )
    if module.check_mode and not found:
        module.warn(message)
        module.exit_json(changed=False, interface="", address="", candidates=shown)
    module.fail_json(msg=message, candidates=shown)


if __name__ == "__main__":
    main()
