#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: endpoint
short_description: Keep network namespaces on hosts attached to subnets of the fabric
version_added: 0.1.0
author: The Weft authors (@weft)
description:
  - A workload without Kubernetes. The agent of a host keeps a network namespace and wires it to a subnet, by the same
    path as a kubelet's pods; it survives restarts and reboots.
  - The fabric reserves the addresses before anything is wired, and gives them back when the endpoint is gone.
  - Many endpoints are one task and one call with O(config); that is much faster than a loop.
  - What an endpoint is made of (subnet, addresses, MAC, name of the namespace) is fixed when it is made.
    To change it, remove the endpoint and make it again; asking for a change is an error.
  - With another O(host) it moves there with its addresses and its MAC. What runs in the network namespace does not
    come along.
attributes:
  check_mode:
    support: full
    description: Addresses are not known in advance; what the fabric would refuse is refused in check mode, too.
  diff_mode:
    support: full
    description: The documents of the endpoints that change.
  idempotent:
    support: full
    description: An endpoint that is as asked is left alone.
  platform:
    support: full
    platforms: posix
    description: Where C(weftctl) is.
extends_documentation_fragment:
  - weft.ovn.weftctl
notes:
  - Run it on one member of C(ovn_central), or on any host that has C(weftctl), its configuration and an administrator's
    certificate.
options:
  name:
    description: Name of the endpoint in its O(namespace). One of O(name) and O(config) is required.
    type: str
  namespace:
    description: Namespace of the fabric; it must exist. It may be bound to a subnet or VPC.
    type: str
    default: default
  host:
    description: Host whose agent keeps it. Required to make one; another one than before moves it.
    type: str
  subnet:
    description: Name of the subnet. By default the namespace's, its VPC's or the fabric's.
    type: str
  ip:
    description: Addresses, at most one of each family. What is not given is chosen by the fabric.
    type: list
    elements: str
    default: []
  mac:
    description: MAC address. By default it follows from the address.
    type: str
  netns:
    description: Name of the network namespace on the host. By default C(NAME.NAMESPACE).
    type: str
  state:
    description: Whether the endpoint should be.
    type: str
    choices: [present, absent]
    default: present
  config:
    description:
      - Several endpoints, each with these options. O(state), O(namespace) and O(host) of the task are their defaults.
    type: list
    elements: dict
    suboptions:
      name:
        description: As O(name).
        type: str
        required: true
      namespace:
        description: As O(namespace).
        type: str
      host:
        description: As O(host).
        type: str
      subnet:
        description: As O(subnet).
        type: str
      ip:
        description: As O(ip).
        type: list
        elements: str
        default: []
      mac:
        description: As O(mac).
        type: str
      netns:
        description: As O(netns).
        type: str
      state:
        description: As O(state).
        type: str
        choices: [present, absent]
  wait:
    description: Wait until OVN has bound the endpoints on their hosts, and the addresses of those that go are free.
    type: bool
    default: true
  timeout:
    description: Seconds to wait. The error then says what the controller and the host have to say.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: A client on the host lab1, in the default subnet
  weft.ovn.endpoint:
    name: client
    host: lab1
  run_once: true

- name: Two ends of a dual-stack subnet on different hosts
  weft.ovn.endpoint:
    config:
      - {name: dual-a, host: lab1, subnet: ovn-test}
      - name: dual-b
        host: lab3
        subnet: ovn-test
        ip: [10.17.0.15, "fd00:10:17::15"]
  run_once: true

- name: The client moves to another host, with its address
  weft.ovn.endpoint:
    name: client
    host: lab2
  run_once: true

- name: The client is not needed any more
  weft.ovn.endpoint:
    name: client
    state: absent
  run_once: true
"""

RETURN = r"""
endpoints:
  description: All endpoints of the task, as they are now.
  type: list
  elements: dict
  returned: always
  contains:
    name:
      description: Name of the endpoint.
      type: str
      sample: dual-b
    namespace:
      description: Its namespace in the fabric.
      type: str
      sample: default
    state:
      description: What was asked for.
      type: str
      sample: present
    action:
      description:
        - What became of it; V(absent) means that there was nothing to delete, V(moved) that another host keeps it.
      type: str
      sample: created
    ready:
      description: Whether OVN has bound it on its host.
      type: bool
      sample: true
    host:
      description: The host that keeps it.
      type: str
      sample: lab3
    subnet:
      description: The subnet that its addresses are of.
      type: str
      sample: ovn-test
    addresses:
      description: Its addresses, IPv4 first. Empty in check mode for an endpoint that is not there yet.
      type: list
      elements: str
      sample: ["10.17.0.15", "fd00:10:17::15"]
    mac:
      description: Its MAC address.
      type: str
      sample: "0a:58:0a:11:00:0f"
    netns:
      description: The network namespace on the host.
      type: str
      sample: dual-b.default
    error:
      description: Why it is not as asked; empty when it is.
      type: str
      sample: ""
"""

import json

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils.weftctl import CONNECTION_SPEC, WeftctlError, call

ENDPOINT_SPEC = {
    "host": {"type": "str"},
    "subnet": {"type": "str"},
    "ip": {"type": "list", "elements": "str", "default": []},
    "mac": {"type": "str"},
    "netns": {"type": "str"},
}


def argument_spec():
    """Return the options: those of one endpoint, a list of endpoints, how to wait, how to reach the fabric."""
    item = dict(
        ENDPOINT_SPEC,
        name={"type": "str", "required": True},
        namespace={"type": "str"},
        state={"type": "str", "choices": ["present", "absent"]},
    )
    return dict(
        ENDPOINT_SPEC,
        name={"type": "str"},
        namespace={"type": "str", "default": "default"},
        state={"type": "str", "choices": ["present", "absent"], "default": "present"},
        config={"type": "list", "elements": "dict", "options": item},
        wait={"type": "bool", "default": True},
        timeout={"type": "int", "default": 60},
        **CONNECTION_SPEC,
    )


def wanted(parameters):
    """Return the endpoints that are asked for, as C(weftctl endpoint apply) takes them."""
    single = {name: parameters[name] for name in (*ENDPOINT_SPEC, "name", "namespace", "state")}
    items = [single] if parameters["config"] is None else parameters["config"]
    for given in items:
        item = dict(given, ip=",".join(given["ip"]))
        for name in ("namespace", "state", "host"):
            item[name] = item[name] or parameters[name]
        if item["state"] == "absent":
            item["host"] = None
        yield {name: value for name, value in item.items() if value}


def diff(endpoints):
    """Return before and after of those that change, by name; what is not there is left out."""
    sides = {"before": {}, "after": {}}
    for item in endpoints:
        for side, documents in sides.items():
            if item["before"] != item["after"] and item[side] is not None:
                documents["%s/%s" % (item["namespace"], item["name"])] = item[side]
    return sides


def main():
    module = AnsibleModule(
        argument_spec=argument_spec(),
        mutually_exclusive=[("name", "config")],
        required_one_of=[("name", "config")],
        supports_check_mode=True,
    )
    arguments = ["endpoint", "apply", "--filename", "-", "--timeout", str(module.params["timeout"])]
    if not module.params["wait"]:
        arguments.append("--no-wait")
    if module.check_mode:
        arguments.append("--dry-run")
    try:
        answer = call(module, arguments, data=json.dumps(list(wanted(module.params))))
    except WeftctlError as error:
        module.fail_json(msg=str(error))
    endpoints = answer["endpoints"]
    result = {"changed": answer["changed"], "diff": diff(endpoints)}
    for item in endpoints:
        item.pop("before")
        item.pop("after")
    errors = ["%s/%s: %s" % (item["namespace"], item["name"], item["error"]) for item in endpoints if item["error"]]
    if errors:
        module.fail_json(msg="; ".join(errors), endpoints=endpoints, **result)
    module.exit_json(endpoints=endpoints, **result)


if __name__ == "__main__":
    main()
