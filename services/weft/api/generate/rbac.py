"""What the controller may do in a Kubernetes API: no more than it does.

Two lines of thought shape the list. Whoever takes the controller's credentials must not get at workloads: it may
mark pods, nodes and namespaces, and neither make nor delete them, and no kind that holds secrets is among its own.
And of our kinds it makes and deletes only `IP`; `Vpc` and `Subnet` it makes once, for a fabric that has none.

`patch` of an object itself is for annotations and finalizers, where Kube-OVN has them. RBAC knows no smaller right.
"""

from __future__ import annotations

from typing import Any

from weft.api.kinds import KINDS

NAME = "weft-controller"
NAMESPACE = "kube-system"
"""Where the lease is, and the account."""
LEASE = "weft-controller"
READ = ["list", "watch"]
CREATED = ("ips", "subnets", "vpcs")

Document = dict[str, Any]


def rbac() -> Document:
    """An account, what it may do everywhere, and its lease. A user of its name (a certificate's) may do the same.

    One document, a List: several in a file are against Ansible's rules for collections.
    """
    items = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": NAMESPACE}},
        _role("ClusterRole", _everywhere()),
        _binding("ClusterRole"),
        _role("Role", _lease()),
        _binding("Role"),
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _everywhere() -> list[Document]:
    ours = sorted(cls.INFO.plural for cls in KINDS.values() if cls.STATUS is not None)
    group = "kubeovn.io"
    return [
        _rule("", ["namespaces", "nodes", "pods"], [*READ, "patch"]),
        _rule("", ["events"], ["create", "get", "patch"]),
        *(_rule(group, plurals, READ) for group, plurals in sorted(_only_read().items())),
        _rule(group, ours, [*READ, "patch"]),
        _rule(group, [f"{plural}/status" for plural in ours], ["patch"]),
        _rule(group, list(CREATED), ["create"]),
        _rule(group, ["ips"], ["delete"]),
    ]


def _only_read() -> dict[str, list[str]]:
    """Kinds of others by which addresses are kept and networks are told apart."""
    groups: dict[str, list[str]] = {}
    for cls in KINDS.values():
        group, slash, _ = cls.INFO.api_version.partition("/")
        if slash and cls.STATUS is None:
            groups.setdefault(group, []).append(cls.INFO.plural)
    return groups


def _lease() -> list[Document]:
    """A rule for making something cannot know its name."""
    group = "coordination.k8s.io"
    return [
        {**_rule(group, ["leases"], ["get", "update"]), "resourceNames": [LEASE]},
        _rule(group, ["leases"], ["create"]),
    ]


def _rule(group: str, resources: list[str], verbs: list[str]) -> Document:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


def _metadata(kind: str) -> Document:
    return {"name": NAME} if kind == "ClusterRole" else {"name": NAME, "namespace": NAMESPACE}


def _role(kind: str, rules: list[Document]) -> Document:
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": _metadata(kind), "rules": rules}


def _binding(kind: str) -> Document:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": f"{kind}Binding",
        "metadata": _metadata(kind),
        "roleRef": {"apiGroup": group, "kind": kind, "name": NAME},
        "subjects": [
            {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE},
            {"kind": "User", "apiGroup": group, "name": NAME},
        ],
    }
