"""Pods on devices of a guest: documents as Kubernetes has them, and CNI requests as a runtime makes them."""

from __future__ import annotations

import json
from typing import Any

from tests.metal.conftest import Guest
from tests.metal.fabric import PATIENCE, apply
from tests.support.hosts import Result

DEFAULT_NETWORK = "v1.multus-cni.io/default-network"
CONFIG = "/etc/weft/agent.toml"


def pod(central: Guest, host: str, device_type: str, cidr: str) -> str:
    """A pod of that name whose only interface is such a device, in a subnet of its own; not wired yet. Its network."""
    name, provider = device_type, f"{device_type}.default.ovn"
    network = json.dumps({"cniVersion": "1.0.0", "name": name, "type": "kube-ovn", "device_type": device_type})
    apply(
        central,
        {
            "apiVersion": "k8s.cni.cncf.io/v1",
            "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"config": network},
        },
        {
            "apiVersion": "kubeovn.io/v1",
            "kind": "Subnet",
            "metadata": {"name": name},
            "spec": {"cidrBlock": cidr, "provider": provider},
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "default", "annotations": {DEFAULT_NETWORK: f"default/{name}"}},
            "spec": {"nodeName": host},
        },
    )
    return provider


def plugin(guest: Guest, command: str, name: str, **config: Any) -> Result:
    """Run the plugin for a pod in the network namespace of the same name."""
    given = {
        "CNI_COMMAND": command,
        "CNI_CONTAINERID": name,
        "CNI_NETNS": f"/run/netns/{name}",
        "CNI_IFNAME": "eth0",
        "CNI_PATH": "/opt/cni/bin",
        "CNI_ARGS": f"IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME={name}",
    }
    words = ["env", *(f"{key}={value}" for key, value in given.items()), "/opt/cni/bin/weft"]
    document = {"cniVersion": "1.1.0", "name": "weft", "type": "weft", **config}
    return guest.run(words, check=False, stdin=json.dumps(document), timeout=PATIENCE)


def cni(guest: Guest, command: str, name: str, **config: Any) -> dict[str, Any]:
    """What the plugin answers; an error is a failure."""
    done = plugin(guest, command, name, **config)
    assert done.ok, done.stdout
    return dict(json.loads(done.stdout)) if done.stdout else {}


def link(guest: Guest, name: str, namespace: str = "") -> dict[str, Any]:
    inside = f"-netns {namespace} " if namespace else ""
    return dict(json.loads(guest.run(f"ip -json -details {inside}link show dev {name}").stdout)[0])
