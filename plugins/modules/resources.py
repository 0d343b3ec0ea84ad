#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: resources
short_description: Manage objects of several kinds by their documents
version_added: 0.2.0
author: The Weft authors (@weft)
description:
  - Documents as kubectl takes them, of all kinds that C(weft.ovn) has a module for, in one task; from files or
    templates by the lookups P(ansible.builtin.file#lookup) and P(ansible.builtin.template#lookup) and the filter
    C(from_yaml_all).
  - Documents of the kinds C(Namespace) and C(Pod) are taken, too. What Kubernetes fills in there stays in all states.
  - They are made in the order in which kinds need each other, whatever their order in the list, and deleted in the
    opposite one.
extends_documentation_fragment:
  - weft.ovn.resources.common
  - weft.ovn.weftctl
options:
  config:
    description: The documents.
    type: list
    elements: dict
    required: true
  state:
    description:
      - V(merged) has the documents' fields; other fields are left alone. V(replaced) has no other fields. V(deleted)
        deletes the objects that the documents name.
    type: str
    choices: [merged, replaced, deleted]
    default: merged
"""

EXAMPLES = r"""
- name: A VPC with its subnets, from files as kubectl takes them
  weft.ovn.resources:
    config: "{{ lookup('ansible.builtin.template', 'shop.yml.j2') | from_yaml_all | list }}"
    wait: true

- name: Two documents
  weft.ovn.resources:
    config:
      - apiVersion: kubeovn.io/v1
        kind: Subnet
        metadata: {name: shop-web}
        spec: {vpc: shop, cidrBlock: 10.20.0.0/24}
      - apiVersion: kubeovn.io/v1
        kind: Vpc
        metadata: {name: shop}
        spec: {namespaces: [shop]}
"""

RETURN = r"""
changes:
  description: The objects that were changed, and how.
  type: list
  elements: dict
  returned: always
  sample:
    - {kind: Vpc, name: shop, action: created}
planned:
  description: What the controller would write for all changes together; see RV(weft.ovn.subnets#module:planned).
  type: dict
  returned: when O(planned=true)
refused:
  description: The objects of the first kind some of which were refused, and why. Kinds after it were not touched.
  type: dict
  returned: when some were
  sample: {shop-web: "spec.cidrBlock: 10.1.0.0/24 overlaps 10.1.0.0/16 of Subnet/red in Vpc/ovn-cluster"}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weft.ovn.plugins.module_utils.resources.documents import grouped, problems
from ansible_collections.weft.ovn.plugins.module_utils.resources.errors import TargetError
from ansible_collections.weft.ovn.plugins.module_utils.resources.runner import (
    TARGET_SPEC,
    Task,
    TaskError,
    connect,
    plan_of,
)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            config={"type": "list", "elements": "dict", "required": True},
            state={"type": "str", "choices": ["merged", "replaced", "deleted"], "default": "merged"},
            **TARGET_SPEC,
        ),
        supports_check_mode=True,
    )
    wanted = module.params["config"]
    if wrong := problems(wanted):
        module.fail_json(msg="config: %s" % "; ".join(wrong))
    tasks = [(kind["kind"], Task(module, kind, documents)) for kind, documents in grouped(wanted)]
    if module.params["state"] == "deleted":
        tasks.reverse()
    result = {"changed": False, "changes": [], "diff": []}
    try:
        target = connect(module)
        for _kind, task in tasks:
            task.read(target)
        result.update(plan_of(module, target, [task for _kind, task in tasks]))
        for kind, task in tasks:
            add(result, kind, task.write(target))
    except TargetError as error:
        module.fail_json(msg=str(error), **result)
    except TaskError as error:
        add(result, kind, error.result)
        module.fail_json(msg=str(error), refused=error.result.get("refused", {}), **result)
    module.exit_json(**result)


def add(result, kind, part):
    """Put what was done with one kind to what was done before."""
    result["changed"] = result["changed"] or part["changed"]
    result["changes"] += [dict(change, kind=kind) for change in part["changes"]]
    result["diff"].append(part["diff"])


if __name__ == "__main__":
    main()
