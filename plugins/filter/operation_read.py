# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between what tasks read and what decides over addresses and versions."""

from __future__ import annotations

import ipaddress
import json

from ansible_collections.weft.ovn.plugins.filter.operation import plain
from ansible_collections.weft.ovn.plugins.module_utils.operation.addresses import JOIN, parse
from ansible_collections.weft.ovn.plugins.module_utils.operation.evictions import left


def operation_documents(found):
    """Return objects in one form, by rows of the fabric's store or by Kubernetes' own documents."""
    return [_document(plain(item)) for item in found]


def _document(item):
    def decoded(value):
        return (json.loads(value) if isinstance(value, str) and value else value) or {}

    metadata = decoded(item.get("metadata"))
    return {
        "kind": item["kind"],
        "namespace": item.get("namespace") or metadata.get("namespace") or "",
        "name": item.get("name") or metadata.get("name"),
        "metadata": {**metadata, **_of_template(item)},
        "spec": decoded(item.get("spec")),
    }


def _of_template(item):
    """Who makes pods tells in its template what these wish."""
    spec = item.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    annotations = ((template or {}).get("metadata") or {}).get("annotations")
    return {"annotations": annotations} if annotations else {}


def operation_behind(rows, subnet, cidr):
    """Return the ports and hosts that have addresses of a subnet that are not in its CIDRs."""
    networks = parse(str(cidr))
    rows = plain(rows)
    told = {row["name"]: row["addresses"] for row in rows.get("Port", []) if row["subnet"] == subnet}
    if subnet == JOIN:
        told.update({row["name"]: row["addresses"] for row in rows.get("Host", [])})
    return sorted(
        name for name, texts in told.items() if not texts or not all(_is_in(text, networks) for text in texts)
    )


def _is_in(text, networks):
    address = ipaddress.ip_interface(text).ip
    return address.version in networks and address in networks[address.version]


def operation_versions(hostvars, hosts):
    """Return by host what tasks registered of its packages as C(operation_versions)."""
    found = {}
    for host in map(str, hosts):
        text = plain(hostvars[host].get("operation_versions") or {}).get("stdout", "")
        match, _, policy = text.partition("\n")
        found[host] = {
            "manager": "apt" if "Installed:" in policy else "",
            "policy": policy,
            "matches_northd": "true" in match,
        }
    return found


def operation_kubernetes(results):
    """Return what was read of Kubernetes for a node, by kind; C(failed) has the reason when something was not."""
    found = {}
    for result in map(plain, results):
        if "resources" not in result:
            return {"failed": str(result.get("msg", "no reason is known"))[:300]}
        found[result["item"]["kind"]] = result["resources"]
    return found


def operation_left(nodes):
    """Return what the node of a host that left C(was) before, and its C(taints) since; nothing when none left."""
    return next(filter(None, (left(plain(node)) for node in nodes)), {})


class FilterModule:
    """The filters by name."""

    def filters(self):
        return {
            "operation_documents": operation_documents,
            "operation_behind": operation_behind,
            "operation_versions": operation_versions,
            "operation_kubernetes": operation_kubernetes,
            "operation_left": operation_left,
        }
