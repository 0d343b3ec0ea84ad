"""What the controller and the webhook may do in a Kubernetes API: no more than they do.

Two lines of thought shape the list. Whoever takes the controller's credentials must not get at workloads: it may
mark pods, nodes and namespaces, and neither make nor delete them, and no kind that holds secrets is among its own.
And of our kinds it makes and deletes only `IP`; `Vpc` and `Subnet` it makes once, for a fabric that has none.

`patch` of an object itself is for annotations and finalizers, where Kube-OVN has them, and for a node's taint; of a
node's status, for its condition `NetworkUnavailable`. RBAC knows no smaller right.

The webhook, which listens to whoever reaches it, may read and nothing else.
"""

from __future__ import annotations

from typing import Any

from weft.api.kinds import KINDS

CONTROLLER = "weft-controller"
WEBHOOK = "weft-webhook"
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
    return _list(
        _account(CONTROLLER),
        _role("ClusterRole", CONTROLLER, _everywhere()),
        _binding("ClusterRole", CONTROLLER),
        _role("Role", CONTROLLER, _lease()),
        _binding("Role", CONTROLLER),
    )


def webhook_rbac() -> Document:
    """An account that sees what the rules look at. A user of its name may do the same."""
    return _list(_account(WEBHOOK), _role("ClusterRole", WEBHOOK, _seen()), _binding("ClusterRole", WEBHOOK))


def _list(*items: Document) -> Document:
    return {"apiVersion": "v1", "kind": "List", "items": list(items)}


def _account(name: str) -> Document:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": NAMESPACE}}


def _seen() -> list[Document]:
    """All kinds of the store, by their groups."""
    groups: dict[str, list[str]] = {"": ["nodes"]}
    for cls in KINDS.values():
        groups.setdefault(cls.INFO.api_version.rpartition("/")[0], []).append(cls.INFO.plural)
    return [_rule(group, sorted(plurals), READ) for group, plurals in groups.items()]


def _everywhere() -> list[Document]:
    ours = sorted(cls.INFO.plural for cls in KINDS.values() if cls.STATUS is not None)
    group = "kubeovn.io"
    return [
        _rule("", ["namespaces", "nodes", "pods"], [*READ, "patch"]),
        _rule("", ["nodes/status"], ["patch"]),
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


def _metadata(kind: str, name: str) -> Document:
    return {"name": name} if kind == "ClusterRole" else {"name": name, "namespace": NAMESPACE}


def _role(kind: str, name: str, rules: list[Document]) -> Document:
    version = "rbac.authorization.k8s.io/v1"
    return {"apiVersion": version, "kind": kind, "metadata": _metadata(kind, name), "rules": rules}


def _binding(kind: str, name: str) -> Document:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": f"{kind}Binding",
        "metadata": _metadata(kind, name),
        "roleRef": {"apiGroup": group, "kind": kind, "name": name},
        "subjects": [
            {"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE},
            {"kind": "User", "apiGroup": group, "name": name},
        ],
    }
