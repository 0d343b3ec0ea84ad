"""The pods that Kubernetes' and KubeVirt's controllers would make of a document; none of them runs here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NODE = "node1"
Document = Mapping[str, Any]


def pods_of(document: Document, uid: str) -> list[dict[str, Any]]:
    """Pods of a workload that the API knows by this UID; none of other kinds."""
    name = document["metadata"]["name"]
    replicas = document.get("spec", {}).get("replicas", 1)
    match document["kind"]:
        case "Deployment":
            maker = _owner("apps/v1", "ReplicaSet", f"{name}-5d4f8c7b9", uid)
            return [_pod(document, f"{name}-5d4f8c7b9-{number}", maker) for number in range(replicas)]
        case "StatefulSet":
            maker = _owner("apps/v1", "StatefulSet", name, uid)
            return [_pod(document, f"{name}-{number}", maker) for number in range(replicas)]
        case "VirtualMachine":
            maker = _owner("kubevirt.io/v1", "VirtualMachineInstance", name, uid)
            containers = [{"name": "compute", "image": "quay.io/kubevirt/virt-launcher"}]
            return [_pod(document, f"virt-launcher-{name}-x7k2p", maker, containers)]
    return []


def _owner(api: str, kind: str, name: str, uid: str) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "name": name, "uid": uid, "controller": True}


def _pod(
    document: Document, name: str, maker: dict[str, Any], containers: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    template = document["spec"]["template"]
    metadata = {
        **template["metadata"],
        "name": name,
        "namespace": document["metadata"].get("namespace", "default"),
        "ownerReferences": [maker],
    }
    spec = {"nodeName": NODE, "containers": containers or template["spec"]["containers"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
